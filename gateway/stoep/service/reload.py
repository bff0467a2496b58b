"""SIGHUP: the settings are read again. What can be taken is, what cannot is named, what is wrong changes nothing."""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from stoep import settings
from stoep.errors import SettingsError
from stoep.registry import registry
from stoep.settings import Settings

_log = logging.getLogger(__name__)


def differences(one: msgspec.Struct, other: msgspec.Struct, at: str = "") -> Iterator[str]:
    """The keys whose values differ."""
    for name in one.__struct_fields__:
        if name in getattr(one, "INNER", ()):
            continue
        here, there = getattr(one, name), getattr(other, name)
        if isinstance(here, msgspec.Struct) and isinstance(there, msgspec.Struct):
            yield from differences(here, there, f"{at}{name}.")
        elif here != there:
            yield f"{at}{name}"


def _with_what_can_change(running: Settings, wanted: Settings) -> Settings:
    place = {name: getattr(wanted.site, name) for name in ("latitude", "longitude", "timezone")}
    site = msgspec.structs.replace(running.site, **place)
    return msgspec.structs.replace(running, site=site, lighting=wanted.lighting, log=wanted.log)


class Reload:
    """The settings in force; `take` is given those that are to be from now on."""

    def __init__(self, chosen: Settings, take: Callable[[Settings], None]) -> None:
        self._running = chosen
        self._take = take
        self._problem: str | None = None
        self._waiting: list[str] = []

    def again(self) -> None:
        try:
            wanted = settings.load(self._running.file)
            files = self._running.path(wanted.registry.nodes), self._running.secret(wanted.registry.secrets)
            registry.load(*files, placed=wanted.site.placed)
        except SettingsError as error:
            self._problem = str(error)
            _log.error("the settings stay as they were: %s", error)
            return
        taken = _with_what_can_change(self._running, wanted)
        changed = list(differences(self._running, taken))
        self._problem, self._waiting = None, list(differences(taken, wanted))
        self._running = taken
        self._take(taken)
        _log.info("the settings were read again: %s", f"{', '.join(changed)} changed" if changed else "nothing changed")
        if self._waiting:
            _log.warning("%s cannot change while the gateway runs: restart it", ", ".join(self._waiting))

    def status(self) -> Mapping[str, Any]:
        """For the gateway's message: what is wrong with the file, and what waits for a restart."""
        said: dict[str, Any] = {}
        if self._problem is not None:
            said["settings_problem"] = self._problem
        if self._waiting:
            said["restart_needed"] = list(self._waiting)
        return said
