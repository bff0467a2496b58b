"""What the tables of `gateway.toml` must be among themselves, past what each of them can say alone."""

import difflib
import zoneinfo
from pathlib import Path

import msgspec

from stoep.errors import SettingsError
from stoep.settings.reader import convert, read_toml
from stoep.settings.tables import LocalBrokerSettings, MqttSettings, Settings


def load(file: Path) -> Settings:
    """The settings in `file`, checked as far as they can be without opening anything."""
    raw = read_toml(file)
    if "folder" in raw:
        raise SettingsError(file, "folder", "is not a setting", "remove it")
    settings = msgspec.structs.replace(convert(file, raw, Settings), folder=file.resolve().parent)
    if settings.clock.source == "twin" and settings.clock.file is None:
        raise SettingsError(file, "clock.file", "is missing", 'add it, or say clock.source = "system"')
    _check_light(file, settings, named="lighting" in raw)
    _check_broker(file, settings, "mqtt", settings.mqtt)
    if settings.local_broker is not None:
        _check_broker(file, settings, "local_broker", settings.local_broker)
    return settings


def _check_broker(file: Path, settings: Settings, table: str, broker: MqttSettings | LocalBrokerSettings) -> None:
    ca_file = broker.ca_file
    if ca_file is not None and not broker.tls:
        problem = f"means nothing while {table}.tls = false"
        raise SettingsError(file, f"{table}.ca_file", problem, "remove it, or turn TLS on")
    if ca_file is not None and not settings.path(ca_file).is_file():
        raise SettingsError(file, f"{table}.ca_file = {ca_file!r}", "is not there", "name the CA's certificate file")
    if broker.password_file is not None and broker.username is None:
        raise SettingsError(file, f"{table}.username", f"is missing beside {table}.password_file", "add it")

def after_noon(time: str) -> int:
    """The minutes from noon to the "HH:MM" that follows it: a night's times in their order."""
    hours, minutes = time.split(":")
    return (int(hours) * 60 + int(minutes) - 720) % 1440

def _check_light(file: Path, settings: Settings, *, named: bool) -> None:
    site, lighting = settings.site, settings.lighting
    place = {"latitude": site.latitude, "longitude": site.longitude, "timezone": site.timezone}
    missing = [key for key, value in place.items() if value is None]
    if missing and (named or len(missing) < len(place)):
        why = "lighting needs" if len(missing) == len(place) else "belongs to"
        problem = f"is missing: {why} latitude, longitude and timezone"
        raise SettingsError(file, f"site.{missing[0]}", problem, "add it, or remove the others")
    if site.timezone is not None and site.timezone not in zoneinfo.available_timezones():
        close = difflib.get_close_matches(site.timezone, zoneinfo.available_timezones(), 1)
        remedy = f"did you mean {close[0]!r}?" if close else "write one such as 'Europe/Brussels'"
        raise SettingsError(file, f"site.timezone = {site.timezone!r}", "is no time zone", remedy)
    if lighting.dim > lighting.base:
        raise SettingsError(file, f"lighting.dim = {lighting.dim}", "is brighter than base", "write at most that much")
    if after_noon(lighting.dim_to) < after_noon(lighting.dim_from):
        problem = f"is before dim_from = {lighting.dim_from!r}, counted from noon to noon"
        raise SettingsError(file, f"lighting.dim_to = {lighting.dim_to!r}", problem, "write a later time of the night")
