"""The edits of `calibration.toml` behind `stoep calibrate`: what a person wrote in it stays."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomlkit

from stoep.clock import timestamp
from stoep.errors import CalibrationError, SettingsError
from stoep.refine.calibration import file as written
from stoep.refine.calibration.book import Calibration
from stoep.refine.calibration.file import TABLE, Entry
from stoep.registry import atomic
from stoep.registry.roll import Roll

_READABLE = 0o644  # there is no secret in it


@contextlib.contextmanager
def editing(file: Path) -> Iterator["Draft"]:
    """A draft that nobody else of us edits meanwhile. Raises SettingsError, CalibrationError."""
    folder = file.resolve().parent
    try:
        with atomic.alone(folder) as alone:
            if not alone:
                raise CalibrationError(f"somebody else is changing the files in {folder}; try again in a moment")
            yield Draft(file)
    except OSError as error:
        problem = f"cannot be changed ({error.strerror})"
        raise SettingsError(folder, "", problem, "run this as the gateway's user or as root") from error


class Draft:
    """The file as it is to be. Nothing is in force before `write`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._roll = Roll(file)
        self.known = self._check()

    def _check(self) -> list[Calibration]:
        return written.check(self._file, self._roll.decimals)

    @property
    def added(self) -> str:
        """The last `[[calibration]]`, as it stands in the draft."""
        return f"[[{TABLE}]]{self._roll.text.rpartition(f'[[{TABLE}]]')[2]}".rstrip()

    def next_version(self, kid: bytes, channel: int) -> int:
        return max((one.correction.version for _, one in self._of(kid, channel)), default=0) + 1

    def add(self, entry: Entry, channel: int) -> list[str]:
        """One more version. One that began earlier ends where this begins; says so. Raises SettingsError."""
        kid, begins = bytes.fromhex(entry.kid), int(entry.valid_from.timestamp())
        said = []
        for index, one in self._of(kid, channel):
            if one.begins < begins < one.end:
                self._end(index, begins)
                said.append(f"version {one.correction.version} ends at {timestamp(begins)}")
        self._roll.add(TABLE, _content(entry))
        self.known = self._check()
        return said

    def end(self, kid: bytes, channel: int, version: int | None, at: int) -> int:
        """The version, or the newest, holds until `at` (Unix seconds); which it is. Raises CalibrationError."""
        index, one = self._find(kid, channel, version)
        self._end(index, at)
        self.known = self._check()
        return one.correction.version

    def remove(self, kid: bytes, channel: int, version: int) -> None:
        """Raises CalibrationError."""
        index, _ = self._find(kid, channel, version)
        self._roll.drop(TABLE, index)
        self.known = self._check()

    def _of(self, kid: bytes, channel: int) -> list[tuple[int, Calibration]]:
        return [(at, one) for at, one in enumerate(self.known) if (one.kid, one.channel) == (kid, channel)]

    def _find(self, kid: bytes, channel: int, version: int | None) -> tuple[int, Calibration]:
        of = self._of(kid, channel)
        chosen = [pair for pair in of if version in {None, pair[1].correction.version}]
        if not chosen:
            there = ", ".join(str(one.correction.version) for _, one in of) or "none"
            raise CalibrationError(f"there is no such version of this sensor; those there are: {there}")
        return max(chosen, key=lambda pair: pair[1].correction.version)

    def _end(self, index: int, at: int) -> None:
        self._roll.change(TABLE, index, {"valid_until": datetime.fromtimestamp(at, UTC)})

    def write(self) -> None:
        """Puts the draft in force. Raises CalibrationError, OSError."""
        if not self._roll.untouched():
            raise CalibrationError(
                f"{self._file} was changed by somebody else meanwhile; nothing was written, try again"
            )
        if self._roll.text != self._roll.before:
            atomic.replace(self._file, self._roll.text.encode(), _READABLE)


def _content(entry: Entry) -> dict[str, Any]:
    said: dict[str, Any] = {
        "kid": entry.kid,
        "channel": entry.channel,
        "version": entry.version,
        "name": entry.name,
        "valid_from": entry.valid_from.astimezone(UTC),
    }
    if entry.valid_until is not None:
        said["valid_until"] = entry.valid_until.astimezone(UTC)
    said |= {"gain": tomlkit.float_(f"{entry.gain:f}"), "offset": tomlkit.float_(f"{entry.offset:f}")}
    if entry.growth is not None:
        said |= {"growth": tomlkit.float_(f"{entry.growth:f}"), "humidity": [int(one) for one in entry.humidity]}
    if entry.note is not None:
        said["note"] = entry.note
    return said
