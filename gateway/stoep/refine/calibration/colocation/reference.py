"""What the reference measured: a CSV file with a header, times that say their offset, and a unit.

time,pm2_5 (µg/m³)
2026-10-12T08:00:00Z,14.2
"""

import csv
import itertools
import math
import re
import statistics
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from stoep.errors import SettingsError

_TIME = {"time", "utc", "timestamp", "datetime", "date", "start"}
_UNIT = re.compile(r"[(\[](?P<unit>[^)\]]+)[)\]]")
_SHOWN = 40  # characters of what is wrong


class Measured(NamedTuple):
    """`at`: Unix seconds at which its time of averaging begins."""

    at: float
    value: float


class Reference(NamedTuple):
    """In the order of time; `seconds` between two rows, usually."""

    rows: list[Measured]
    seconds: float
    column: str


def read(file: Path, unit: str, *, column: str | None = None, told_unit: str | None = None) -> Reference:
    """`unit` is the channel's; `told_unit` is the file's where its header has none. Raises SettingsError."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            lines = list(csv.reader(opened))
    except OSError as error:
        raise SettingsError(file, "", f"cannot be read ({error.strerror})", "name a CSV file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(file, "", f"is no CSV file in UTF-8 ({error})", "save it as one") from error
    if not lines:
        raise SettingsError(file, "", "is empty", "its first line names the columns: time,pm2_5 (µg/m³)")
    header = [name.strip() for name in lines[0]]
    time_at, value_at = _columns(file, header, column)
    _agree(file, header[value_at], unit, told_unit)
    rows = sorted(_rows(file, lines[1:], time_at, value_at))
    if not rows:
        raise SettingsError(file, "", "has no value below its header", "name the file with the measurements")
    doubled = next((one for one, other in itertools.pairwise(rows) if one.at == other.at), None)
    if doubled is not None:
        raise SettingsError(file, "", "has two values for one time", "keep one station in the file")
    steps = [other.at - one.at for one, other in itertools.pairwise(rows)]
    return Reference(rows, statistics.median(steps) if steps else 0.0, header[value_at])


def _columns(file: Path, header: list[str], column: str | None) -> tuple[int, int]:
    times = [at for at, name in enumerate(header) if _bare(name) in _TIME]
    if len(times) != 1:
        problem = "no column" if not times else f"{len(times)} columns"
        remedy = f"name one of {', '.join(header)[:_SHOWN]} `time` in its first line"
        raise SettingsError(file, "line 1", f"{problem} for the time", remedy)
    others = [at for at in range(len(header)) if at != times[0]]
    if column is not None:
        others = [at for at in others if column in {header[at], _bare(header[at])}]
    if len(others) != 1:
        problem = "has no such column" if not others else "has more than one column of values"
        remedy = f"name one with --column: {', '.join(name for at, name in enumerate(header) if at != times[0])}"
        raise SettingsError(file, "line 1", problem, remedy)
    return times[0], others[0]


def _bare(name: str) -> str:
    return _UNIT.sub("", name).strip().lower()


def _agree(file: Path, name: str, unit: str, told: str | None) -> None:
    found = _UNIT.search(name)
    said = told if told is not None else found["unit"] if found else None
    if said is None:
        remedy = f"write it behind the name, as in `{name} ({unit})`, or say --unit"
        raise SettingsError(file, f"line 1, {name}", "does not say its unit", remedy)
    if _plain(said) != _plain(unit):
        remedy = f"convert the values to {unit}"
        raise SettingsError(file, f"line 1, {name}", f"is in {said}, the channel is in {unit}", remedy)


def _plain(unit: str) -> str:
    """`ug/m3`, `µg/m³` and `μg m-3` are one."""
    plain = unicodedata.normalize("NFKC", unit).lower().replace(" ", "").replace("^", "")
    return plain.replace("μ", "u").replace("m-3", "/m3").replace("**", "").removeprefix("°").replace("%rh", "%")


def _rows(file: Path, lines: list[list[str]], time_at: int, value_at: int) -> Iterator[Measured]:
    for number, line in enumerate(lines, 2):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) <= max(time_at, value_at):
            raise SettingsError(file, f"line {number}", "is shorter than the header", "look at that line")
        text = line[value_at].strip()
        if text.lower() in {"", "nan", "na", "null", "-"}:  # the station was out of order
            continue
        at, value = _time(file, number, line[time_at].strip()), _value(file, number, text)
        yield Measured(at, value)


def _time(file: Path, number: int, text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        remedy = "write it as 2026-10-12T08:00:00Z"
        raise SettingsError(file, f"line {number}: {text[:_SHOWN]!r}", "is no time of ISO 8601", remedy) from None
    if moment.tzinfo is None:
        remedy = "write Z behind it for UTC, or its offset: +01:00"
        raise SettingsError(file, f"line {number}: {text[:_SHOWN]!r}", "does not say of which time zone it is", remedy)
    return moment.timestamp()


def _value(file: Path, number: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        remedy = "write a number with a point, or nothing where none was measured"
        raise SettingsError(file, f"line {number}: {text[:_SHOWN]!r}", "is no number", remedy)
    return value
