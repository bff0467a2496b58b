"""Everything that the service would read, looked at without starting it: all that is wrong, not only the first."""

import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stoep import settings, tls
from stoep.errors import SettingsError
from stoep.links.usb import identity, matching
from stoep.refine.calibration import file as calibration
from stoep.refine.calibration.book import Calibration
from stoep.registry import registry
from stoep.settings import Draft


class Report(NamedTuple):
    """`errors` keep the service from starting, `warnings` do not."""

    errors: list[SettingsError]
    warnings: list[SettingsError]
    nodes: int = 0
    groups: int = 0


def check(config: Path) -> Report:
    try:
        draft = settings.examine(config)
    except SettingsError as error:
        return Report(list(error.every), [])
    findings = draft.findings
    for table in ("mqtt", "local_broker"):
        if table in draft.intact and getattr(draft.settings, table) is not None:
            _broker(draft, table)
    if "store" in draft.intact:
        with findings.noting():
            _store(draft)
    if "clock" in draft.intact:
        with findings.noting():
            _clock(draft)
    known = registry.Known({}, {})
    if {"registry", "site"} <= draft.intact:
        with findings.noting():
            known = _registry(draft)
    calibrations: list[Calibration] = []
    if "calibration" in draft.intact:
        with findings.noting():
            calibrations = _calibrations(draft)
    warnings = [*_warnings(draft), *_of_nobody(draft, known, calibrations)]
    return Report(findings.errors, warnings, len(known.nodes), len(known.groups))


def _calibrations(draft: Draft) -> list[Calibration]:
    chosen = draft.settings
    return list(calibration.load(chosen.path(chosen.calibration.file), chosen.calibration).calibrations)


def _of_nobody(draft: Draft, known: registry.Known, calibrations: list[Calibration]) -> Iterator[SettingsError]:
    """A node that was retired leaves its calibrations behind, and windows that they still hold for."""
    if not known.nodes:
        return
    file = draft.settings.path(draft.settings.calibration.file)
    for index, one in enumerate(calibrations):
        if one.kid not in known.nodes:
            key = f"calibration[{index}].kid = {one.kid.hex()!r}"
            remedy = "correct it, or remove the table when its last 36 days are over"
            yield SettingsError(file, key, "is no node of this site", remedy)


def _registry(draft: Draft) -> registry.Known:
    chosen = draft.settings
    files = chosen.path(chosen.registry.nodes), chosen.secret(chosen.registry.secrets)
    return registry.load(*files, placed=chosen.site.placed)


def _broker(draft: Draft, table: str) -> None:
    chosen = draft.settings
    broker = getattr(chosen, table)
    with draft.findings.noting():
        settings.password(chosen, broker.password_file)
    if broker.tls and broker.ca_file is not None and (file := chosen.path(broker.ca_file)).is_file():
        with draft.findings.noting():
            try:
                tls.context(file)
            except (OSError, ssl.SSLError):
                key = f"{table}.ca_file = {broker.ca_file!r}"
                raise SettingsError(chosen.file, key, "holds no certificate", "name a PEM file") from None


def _store(draft: Draft) -> None:
    chosen = draft.settings
    folder = chosen.path(chosen.store.path).parent
    key = f"store.path = {chosen.store.path!r}"
    if not folder.is_dir():
        raise SettingsError(chosen.file, key, f"is in {folder}, which is not there", "make that folder")
    if not os.access(folder, os.W_OK):
        raise SettingsError(chosen.file, key, f"is in {folder}, where we may not write", "make it the service's")


def _clock(draft: Draft) -> None:
    chosen = draft.settings
    if chosen.clock.file is not None and not chosen.path(chosen.clock.file).is_file():
        key = f"clock.file = {chosen.clock.file!r}"
        raise SettingsError(chosen.file, key, "is not there", "start the virtual street first")


def _warnings(draft: Draft) -> Iterator[SettingsError]:
    chosen = draft.settings
    for index, bridge in enumerate(chosen.bridge if "bridge" in draft.intact else ()):
        key = f"bridge[{index}]"
        wanted = identity(bridge)
        if wanted is None and bridge.port is not None and not os.path.exists(bridge.port):  # noqa: PTH110
            yield SettingsError(chosen.file, f"{key}.port = {bridge.port!r}", "is not there now", "plug the bridge in")
        elif wanted is not None and not matching(wanted):
            yield SettingsError(chosen.file, f"{key} ({wanted})", "no such adapter is there now", "plug the bridge in")
    if "mqtt" in draft.intact and not chosen.mqtt.tls and not settings.is_loopback(chosen.mqtt.host):
        problem = f"lets everybody on the way to {chosen.mqtt.host} read and write"
        yield SettingsError(chosen.file, "mqtt.tls = False", problem, "turn TLS on")
    local = chosen.local_broker if "local_broker" in draft.intact else None
    if local is not None and local.password_file is not None and not local.tls and not settings.is_loopback(local.host):
        problem = f"shows the password to everybody on the way to {local.host}"
        yield SettingsError(chosen.file, "local_broker.tls = False", problem, "turn TLS on")
