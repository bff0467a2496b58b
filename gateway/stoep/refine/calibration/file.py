"""`calibration.toml`: the calibrations of a site as people and `stoep calibrate` write them.

A calibration belongs to a sensor, so it names the kid of its board and not the name that a new board may get.
"""

import itertools
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import msgspec

from stoep.clock import timestamp
from stoep.errors import SettingsError
from stoep.refine.calibration.book import Book, Calibration, is_particles
from stoep.refine.calibration.correction import NILSON, Correction, Growth
from stoep.settings import CalibrationSettings, Findings, Strict, convert, read_toml
from stoep.store.windows import SECONDS
from stoep.wire.channels import Channel, catalogue

TABLE = "calibration"
_HUMIDITY_COUNTS = 100  # a percent
_Line = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=120, pattern=r"^[^\n\r]*$", description="one line of at most 120 characters"),
]
_Number = Annotated[Decimal, msgspec.Meta(description="a number")]
_Moment = Annotated[datetime, msgspec.Meta(tz=True, description="a time with its offset, such as 2026-06-01T10:15:00Z")]
_Kid = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{8}$", description="the board's kid, 8 hex digits, lower case")]
_Version = Annotated[int, msgspec.Meta(ge=1)]
_Range = Annotated[tuple[Decimal, Decimal], msgspec.Meta(description="two numbers of percent, such as [30, 70]")]


class Entry(Strict, frozen=True):
    """One `[[calibration]]`: corrected = gain × reading / (1 + growth / (100 / RH - 1)) + offset.

    `offset` in the channel's unit; `growth` for particles only, RH held within `humidity`. `note` is for people.
    """

    kid: _Kid
    channel: str
    version: _Version
    name: _Line
    valid_from: _Moment
    valid_until: _Moment | None = None
    gain: _Number = Decimal(1)
    offset: _Number = Decimal(0)
    growth: _Number | None = None
    humidity: _Range = (Decimal(30), Decimal(70))
    note: _Line | None = None


class _File(Strict, frozen=True):
    calibration: tuple[Entry, ...] = ()


def load(file: Path, chosen: CalibrationSettings) -> Book:
    """What the file says; without a file, what holds in general. Raises SettingsError with all that is wrong."""
    raw = read_toml(file, Decimal) if file.exists() else {}
    return Book(check(file, raw), general=NILSON if chosen.particles == "nilson-2022" else None)


def check(file: Path, raw: dict[str, Any]) -> list[Calibration]:
    """The calibrations of these contents. Raises SettingsError with all that is wrong."""
    entries = convert(file, raw, _File).calibration
    findings = Findings()
    found: list[Calibration] = []
    for index, entry in enumerate(entries):
        with findings.noting():
            found.append(_calibration(file, f"{TABLE}[{index}]", entry))
    findings.settle()
    findings.errors += _clashes(file, found)
    findings.settle()
    return found


def _calibration(file: Path, at: str, entry: Entry) -> Calibration:
    channel = _channel(file, at, entry.channel)
    if entry.gain <= 0:
        problem = "makes all readings one" if entry.gain == 0 else "turns up into down"
        raise SettingsError(file, f"{at}.gain = {entry.gain}", problem, "write a number above 0")
    begins = _quarter(file, f"{at}.valid_from", entry.valid_from)
    ends = None if entry.valid_until is None else _quarter(file, f"{at}.valid_until", entry.valid_until)
    if ends is not None and ends <= begins:
        key = f"{at}.valid_until = {timestamp(ends)}"
        raise SettingsError(file, key, f"is not after valid_from, {timestamp(begins)}", "exchange the two")
    correction = Correction(
        entry.version,
        entry.name,
        Fraction(entry.gain),
        Fraction(entry.offset) * 10**channel.decimals,
        _growth(file, at, entry),
    )
    return Calibration(bytes.fromhex(entry.kid), channel.id, begins, ends, correction)


def _channel(file: Path, at: str, name: str) -> Channel:
    known = {channel.name: channel for channel in catalogue().channels.values() if channel.leaves == "reading"}
    if name not in known:
        problem = "is no channel with readings of its own"
        raise SettingsError(file, f"{at}.channel = {name!r}", problem, f"write one of {', '.join(known)}")
    return known[name]


def _growth(file: Path, at: str, entry: Entry) -> Growth | None:
    if entry.growth is None:
        return None
    if not is_particles(entry.channel):
        raise SettingsError(file, f"{at}.growth", f"is of particles, not of {entry.channel}", "remove it")
    if entry.growth < 0:
        raise SettingsError(file, f"{at}.growth = {entry.growth}", "is below 0", "write 0 or more; 0.24 is usual")
    dry, wet = entry.humidity
    if not 0 <= dry <= wet < 100:  # noqa: PLR2004 -- percent
        problem = "is no range of percent below 100"
        raise SettingsError(file, f"{at}.humidity = [{dry}, {wet}]", problem, "write two percents such as [30, 70]")
    return Growth(Fraction(entry.growth), round(dry * _HUMIDITY_COUNTS), round(wet * _HUMIDITY_COUNTS))


def _quarter(file: Path, key: str, moment: datetime) -> int:
    seconds = moment.timestamp()
    if seconds % SECONDS:
        remedy = f"write {timestamp(seconds // SECONDS * SECONDS)}"
        raise SettingsError(file, f"{key} = {timestamp(seconds)}", "is not on a quarter of an hour (UTC)", remedy)
    return int(seconds)


def _clashes(file: Path, found: list[Calibration]) -> Iterator[SettingsError]:
    for (here, one), (there, other) in itertools.combinations(enumerate(found), 2):
        if (one.kid, one.channel) != (other.kid, other.channel):
            continue
        version = other.correction.version
        if one.correction.version == version:
            key = f"{TABLE}[{there}].version = {version}"
            yield SettingsError(file, key, f"is that of {TABLE}[{here}] too", "give each of a sensor another")
        if one.overlaps(other):
            problem = f"holds while {TABLE}[{here}] (version {one.correction.version}) does"
            remedy = f"end the earlier one with valid_until = {timestamp(max(one.begins, other.begins))}"
            yield SettingsError(file, f"{TABLE}[{there}] (version {version})", problem, remedy)
