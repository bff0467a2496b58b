"""How long a battery lasts, and how much flash a sample costs, from what a run has counted.

The counts are the run's; what a board draws meanwhile is not, and stands here: no board was measured. The currents of
parts come from their drawing, and so do the battery and how long a part measures: a fast street does not wait so long.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stoep_twin.upkeep import Upkeep

_DAY_S = 86400.0
_START_MS = 635.0  # from wake to sleep of a stock image with nothing to wait for, as others have measured it
_NAP_MS = 300.0  # the same for a movement that is only counted (est.)
_RUNNING_MA = 29.0  # radio off, as others have measured it
_RADIO_MA = 71.0  # what it draws beside that
_ASLEEP_MA = 0.010
_SHORT_S = 0.05  # a measurement over I2C or the ADC (est.)
_STEADY = ("asleep", "watching", "divider")
_INSTEAD = ("light",)  # parts that take another one's place


@dataclass(frozen=True)
class Spent:
    """One node over a run."""

    samples: int
    starts: int
    frames: int
    upkeep: Upkeep


def has_battery(drawing: Path) -> bool:
    """Whether there is anything to reckon with: a lamppost hangs on the mains and never sleeps."""
    with drawing.open("rb") as file:
        return "power" in tomllib.load(file)


def figures(drawing: Path, spent: Sequence[Spent], interval: int) -> dict[str, float]:
    """mAh a day by consumer, days on the battery, flash a sample: of one kind, the mean of its nodes."""
    with drawing.open("rb") as file:
        plan: dict[str, Any] = tomllib.load(file)
    samples = sum(one.samples for one in spent)
    a_day = _DAY_S / interval
    naps = sum(max(0, one.starts - one.samples) for one in spent) / samples
    parts = [part for name, part in plan["parts"].items() if name not in _INSTEAD]
    measures_s = sum(part.get("seconds", _SHORT_S) for part in parts if "measuring" in part["microamps"])
    waited_s = max(sum(one.upkeep.waited_ms for one in spent) / samples / 1000, measures_s)
    radio_s = sum(one.upkeep.radio_ms for one in spent) / samples / 1000
    found = {
        "samples_a_day": a_day,
        "naps_a_day": naps * a_day,
        "waited_s": waited_s,
        "radio_s": radio_s,
        "frames": sum(one.frames for one in spent) / samples,
        "start_s": _START_MS / 1000,
        "running_ma": _RUNNING_MA,
        "radio_ma": _RADIO_MA,
        "asleep_mah": _ASLEEP_MA * 24,
        "awake_mah": a_day * (_START_MS / 1000 + waited_s) * _RUNNING_MA / 3600,
        "naps_mah": a_day * naps * _NAP_MS / 1000 * _RUNNING_MA / 3600,
        "radio_mah": a_day * radio_s * _RADIO_MA / 3600,
        "parts_mah": sum(_part_mah(part, a_day) for part in parts),
        "programs": sum(one.upkeep.programs for one in spent) / samples,
        "programmed_bytes": sum(one.upkeep.programmed for one in spent) / samples,
        "erases": sum(one.upkeep.erases for one in spent) / samples,
    }
    found["mah_a_day"] = sum(value for name, value in found.items() if name.endswith("_mah"))
    power = plan.get("power")
    if power:
        usable = power["battery_milliamp_hours"] * power["usable_percent"] / 100
        leaks = power["battery_milliamp_hours"] * power["self_discharge_percent_a_month"] / 100 / 30
        found["battery_mah"] = float(power["battery_milliamp_hours"])
        found["days"] = usable / (found["mah_a_day"] + leaks)
    return {name: round(value, 4) for name, value in found.items()}


def _part_mah(part: dict[str, Any], a_day: float) -> float:
    currents = part["microamps"]
    steady = sum(currents.get(mode, 0) for mode in _STEADY) / 1000 * 24
    return float(steady + a_day * part.get("seconds", _SHORT_S) * currents.get("measuring", 0) / 1000 / 3600)


def in_words(found: dict[str, float]) -> str:
    """One line, inputs included."""
    said = (
        f"{found['mah_a_day']:.1f} mAh a day (asleep {found['asleep_mah']:.2f}, awake {found['awake_mah']:.2f}, "
        f"naps {found['naps_mah']:.2f}, radio {found['radio_mah']:.2f}, parts {found['parts_mah']:.2f}; "
        f"{found['samples_a_day']:.0f} samples, {found['naps_a_day']:.0f} naps, {found['waited_s']:.1f} s of waits and "
        f"{found['radio_s'] * 1000:.0f} ms of radio a sample), flash {found['programmed_bytes']:.0f} bytes in "
        f"{found['programs']:.1f} programs a sample; reckoned with {found['start_s']:.3f} s a start, "
        f"{found['running_ma']:.0f} mA awake and {found['radio_ma']:.0f} mA more for the radio"
    )
    return said + (f"; {found['days']:.0f} days on {found['battery_mah']:.0f} mAh" if "days" in found else "")
