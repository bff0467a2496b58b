"""What the city must have in the end, worked out from what was truly taken. It knows nothing of the gateway's code."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[2] / "firmware" / "wire" / "channels.toml"
CHANNELS: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))["channels"]
Where = tuple[str, str]  # a node's kid, a window's start
Said = dict[str, Mapping[str, Any]]  # of each channel: count, min, mean, max, last; or count, sum


def windows(taken: Iterable[tuple[str, float, Mapping[str, int | None]]]) -> dict[Where, Said]:
    """Of samples (kid, Unix seconds, readings as they travel) the windows that they make."""
    found: dict[Where, dict[str, list[Fraction]]] = defaultdict(lambda: defaultdict(list))
    for kid, utc, readings in sorted(taken, key=lambda sample: sample[:2]):
        start = datetime.fromtimestamp(utc // 900 * 900, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name, wire in readings.items():
            if wire is not None:
                channel = CHANNELS[name]
                found[kid, start][name].append(Fraction(wire + channel["offset"], 10 ** channel["decimals"]))
    return {where: {name: _of(name, values) for name, values in window.items()} for where, window in found.items()}


def _of(name: str, values: list[Fraction]) -> dict[str, Any]:
    if CHANNELS[name].get("leaves") == "sum":
        return {"count": len(values), "sum": sum(values)}
    middle = {"mean": sum(values) / len(values), "last": values[-1]}
    return {"count": len(values), "min": min(values), "max": max(values), **middle}


def same(name: str, wanted: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    """Whether a channel of a window says what it must: exactly, the mean to half of its last digit."""
    grain = Fraction(1, 2 * 10 ** (CHANNELS[name]["decimals"] + 2))
    numbers = {key: Fraction(str(number)) for key, number in said.items() if isinstance(number, int | float)}
    return numbers.keys() == wanted.keys() and all(
        abs(numbers[key] - value) <= (grain if key == "mean" else 0) for key, value in wanted.items()
    )
