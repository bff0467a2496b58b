"""Windows as a table, a row for each channel of a window, in CSV or Parquet: with units, flags and reasons.

The whole file is written anew, beside itself, and then takes its place: whoever reads it finds a whole one.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from stoep.errors import PermanentError
from stoep.listen.windows import Where

_OF_WINDOW = ("site", "node", "kid", "kind", "start", "seconds", "generation", "revision", "partial", "backlog")
_NUMBERS = ("min", "mean", "max", "last", "sum", "robust")
_RAW = ("min", "mean", "max", "last")
_COUNTS = ("count", "expected", "rejected")
COLUMNS = (
    *_OF_WINDOW,
    *("channel", "unit", *_COUNTS, *_NUMBERS, "suppressed", "flag", "reason", "time_quality"),
    *(f"raw_{name}" for name in _RAW),
    *("correction_version", "correction_name"),
)
_WHOLE = {"seconds", "generation", "revision", *_COUNTS, "flag", "correction_version"}
_REAL = {*_NUMBERS, *(f"raw_{name}" for name in _RAW)}
_BOOLEAN = {"partial", "backlog"}


class TableError(PermanentError):
    """The file cannot be written, and what to do."""

    exit_code = 2


def rows(windows: Mapping[Where, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """By time and node; what a channel does not have is None."""
    for where in sorted(windows, key=lambda where: (where.start, windows[where]["node"])):
        window = windows[where]
        head = {name: window.get(name) for name in _OF_WINDOW} | {"backlog": "backlog" in window}
        for name, channel in window["channels"].items():
            raw, correction = channel.get("raw") or {}, channel.get("correction") or {}
            yield {
                **head,
                "channel": name,
                **{column: channel.get(column) for column in ("unit", *_COUNTS, *_NUMBERS, "suppressed")},
                "flag": channel["quality"]["flag"],
                "reason": channel["quality"]["reason"],
                "time_quality": channel["time_quality"],
                **{f"raw_{column}": raw.get(column) for column in _RAW},
                **{f"correction_{column}": correction.get(column) for column in ("version", "name")},
            }


def write_csv(file: Path, told: Iterable[Mapping[str, Any]]) -> None:
    """UTF-8, RFC 4180; nothing where there is no value. Raises TableError."""
    beside = _beside(file)
    try:
        with beside.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.DictWriter(opened, COLUMNS)
            writer.writeheader()
            writer.writerows(told)
        beside.replace(file)
    except OSError as error:
        raise _failed(file, error) from error


def write_parquet(file: Path, told: Iterable[Mapping[str, Any]]) -> None:
    """`start` is a timestamp in UTC; null where there is no value. Raises TableError."""
    pa, parquet = _pyarrow()
    beside = _beside(file)
    types = {
        **dict.fromkeys(_WHOLE, pa.int64()),
        **dict.fromkeys(_REAL, pa.float64()),
        **dict.fromkeys(_BOOLEAN, pa.bool_()),
        "start": pa.timestamp("s", tz="UTC"),
    }
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for row in told:
        for name in COLUMNS:
            columns[name].append(datetime.fromisoformat(row[name]) if name == "start" else row[name])
    schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
    try:
        parquet.write_table(pa.table(columns, schema=schema), beside)
        beside.replace(file)
    except OSError as error:
        raise _failed(file, error) from error


def require_parquet() -> None:
    """Raises TableError where Parquet cannot be written, before an hour of listening instead of after it."""
    _pyarrow()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise TableError("--parquet needs pyarrow; say: pip install 'stoep[listen]', or use --csv") from error
    return pa, parquet


def _beside(file: Path) -> Path:
    return file.with_name(f".{file.name}.part")


def _failed(file: Path, error: OSError) -> TableError:
    return TableError(f"{file} cannot be written ({error.strerror or error}); name a file in a folder of yours")
