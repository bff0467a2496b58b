"""What the tables of `gateway.toml` must be among themselves, past what each of them can say alone.

Each rule names the tables it looks at: where one of them could not be read, it has nothing to say.
"""

import difflib
import ipaddress
import os
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any

from stoep.errors import SettingsError
from stoep.settings.findings import Findings
from stoep.settings.tables import AUTO, LocalBrokerSettings, MqttSettings, Settings

Said = Mapping[str, Any]  # the document as it was written
Rule = Callable[[Settings, Said], None]


def look(settings: Settings, said: Said, intact: frozenset[str], findings: Findings) -> None:
    for needs, rule in _RULES:
        if intact.issuperset(needs):
            with findings.noting():
                rule(settings, said)


def after_noon(time: str) -> int:
    """The minutes from noon to the "HH:MM" that follows it: a night's times in their order."""
    hours, minutes = time.split(":")
    return (int(hours) * 60 + int(minutes) - 720) % 1440


def is_loopback(host: str) -> bool:
    """Whether nobody else hears what is said to `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _clock(settings: Settings, _said: Said) -> None:
    if settings.clock.source == "twin" and settings.clock.file is None:
        raise SettingsError(settings.file, "clock.file", "is missing", 'add it, or say clock.source = "system"')


def _place(settings: Settings, said: Said) -> None:
    site, named = settings.site, "lighting" in said
    place = {"latitude": site.latitude, "longitude": site.longitude, "timezone": site.timezone}
    missing = [key for key, value in place.items() if value is None]
    if missing and (named or len(missing) < len(place)):
        why = "lighting needs" if len(missing) == len(place) else "belongs to"
        problem = f"is missing: {why} latitude, longitude and timezone"
        raise SettingsError(settings.file, f"site.{missing[0]}", problem, "add it, or remove the others")


def _timezone(settings: Settings, _said: Said) -> None:
    zone = settings.site.timezone
    if zone is not None and zone not in zoneinfo.available_timezones():
        close = difflib.get_close_matches(zone, zoneinfo.available_timezones(), 1)
        remedy = f"did you mean {close[0]!r}?" if close else "write one such as 'Europe/Brussels'"
        raise SettingsError(settings.file, f"site.timezone = {zone!r}", "is no time zone", remedy)


def _dim(settings: Settings, _said: Said) -> None:
    lighting = settings.lighting
    if lighting.dim > lighting.base:
        key = f"lighting.dim = {lighting.dim}"
        raise SettingsError(settings.file, key, "is brighter than base", f"write at most {lighting.base}")


def _late_hours(settings: Settings, _said: Said) -> None:
    lighting = settings.lighting
    if after_noon(lighting.dim_to) < after_noon(lighting.dim_from):
        problem = f"is before dim_from = {lighting.dim_from!r}, counted from noon to noon"
        key = f"lighting.dim_to = {lighting.dim_to!r}"
        raise SettingsError(settings.file, key, problem, "write a later time of the night")


def _links(settings: Settings, _said: Said) -> None:
    if not settings.bridge and settings.local_broker is None:
        remedy = "add [[bridge]] for nodes by radio, [local_broker] for those on Wi-Fi, or both"
        raise SettingsError(settings.file, "bridge", "is missing, and so is local_broker: no node can be heard", remedy)


def _bridges(settings: Settings, _said: Said) -> None:
    findings = Findings()
    known: dict[str, int] = {}
    for index, bridge in enumerate(settings.bridge):
        key = f"bridge[{index}]"
        with findings.noting():
            if bridge.port is None and bridge.usb is None and bridge.serial is None:
                remedy = 'write port = "auto", or the path of the port, or usb = "…" of its adapter'
                raise SettingsError(settings.file, key, "does not say where the bridge is", remedy)
            if bridge.port is None:
                continue
            if bridge.usb is not None or bridge.serial is not None:
                problem = "says where the bridge is, and so do usb or serial"
                raise SettingsError(settings.file, f"{key}.port = {bridge.port!r}", problem, "keep one of them")
            place = os.path.realpath(bridge.port)  # as /dev/serial/by-id points to the same device
            if bridge.port != AUTO and place in known:
                problem = f"is the port of bridge[{known[place]}] already"
                raise SettingsError(settings.file, f"{key}.port = {bridge.port!r}", problem, "remove one of the two")
            known[place] = index
    findings.settle()


def _of(rule: Callable[[Settings, str, MqttSettings | LocalBrokerSettings], None], table: str) -> Rule:
    def check(settings: Settings, _said: Said) -> None:
        broker = getattr(settings, table)
        if broker is not None:
            rule(settings, table, broker)

    return check


def _authority(settings: Settings, table: str, broker: MqttSettings | LocalBrokerSettings) -> None:
    if broker.ca_file is None:
        return
    key = f"{table}.ca_file = {broker.ca_file!r}"
    if not broker.tls:
        problem = f"means nothing while {table}.tls = false"
        raise SettingsError(settings.file, key, problem, "remove it, or turn TLS on")
    if not settings.path(broker.ca_file).is_file():
        raise SettingsError(settings.file, key, "is not there", "name the CA's certificate file")


def _certificate(settings: Settings, _said: Said) -> None:
    mqtt = settings.mqtt
    files = {"cert_file": mqtt.cert_file, "key_file": mqtt.key_file}
    for key, name in files.items():
        if name is None:
            continue
        told = f"mqtt.{key} = {name!r}"
        if not mqtt.tls:
            problem = "means nothing while mqtt.tls = false"
            raise SettingsError(settings.file, told, problem, "remove it, or turn TLS on")
        if not settings.path(name).is_file():
            what = "certificate" if key == "cert_file" else "private key"
            raise SettingsError(settings.file, told, "is not there", f"name the file with our {what}")
    missing = [key for key, name in files.items() if name is None]
    if len(missing) == 1:
        (other,) = files.keys() - set(missing)
        raise SettingsError(settings.file, f"mqtt.{missing[0]}", f"is missing beside mqtt.{other}", "add it")


def _account(settings: Settings, table: str, broker: MqttSettings | LocalBrokerSettings) -> None:
    if broker.password_file is not None and broker.username is None:
        problem = f"is missing beside {table}.password_file"
        raise SettingsError(settings.file, f"{table}.username", problem, "add it")


def _accounts(settings: Settings, _said: Said) -> None:
    broker = settings.local_broker
    if broker is None or broker.accounts is None:
        return
    for key in ("username", "password_file"):
        if getattr(broker, key) is None:
            problem = "is missing beside local_broker.accounts"
            raise SettingsError(settings.file, f"local_broker.{key}", problem, "add it")


def _in_the_clear(settings: Settings, _said: Said) -> None:
    broker = settings.mqtt
    if broker.password_file is not None and not broker.tls and not is_loopback(broker.host):
        problem = f"would show the password to everybody on the way to {broker.host}"
        raise SettingsError(settings.file, "mqtt.tls = False", problem, "turn TLS on, or remove password_file")


_RULES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    (("clock",), _clock),
    (("site", "lighting"), _place),
    (("site",), _timezone),
    (("lighting",), _dim),
    (("lighting",), _late_hours),
    (("bridge", "local_broker"), _links),
    (("bridge",), _bridges),
    (("mqtt",), _of(_authority, "mqtt")),
    (("mqtt",), _of(_account, "mqtt")),
    (("mqtt",), _certificate),
    (("mqtt",), _in_the_clear),
    (("local_broker",), _of(_authority, "local_broker")),
    (("local_broker",), _of(_account, "local_broker")),
    (("local_broker",), _accounts),
)
