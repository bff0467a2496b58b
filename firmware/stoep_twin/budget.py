"""How long a battery lasts, and how much flash a sample costs, from what a run has counted.

The counts are the run's; what board and parts draw meanwhile comes from their drawing, and so do the battery and how
long a part measures: a fast street does not wait so long. No board was measured.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stoep import energy
from stoep_twin.upkeep import Upkeep

_DAY_S = 86400.0
_BOARD = "board, "


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
    use = _used(plan, spent, samples, interval)
    drawn = energy.day(plan, use)
    board = plan["parts"]["board"]["microamps"]
    found = {
        "samples_a_day": use.samples_a_day,
        "naps_a_day": use.naps_a_sample * use.samples_a_day,
        "waited_s": use.waited_s,
        "radio_s": use.radio_s,
        "frames": sum(one.frames for one in spent) / samples,
        "start_s": plan["use"]["start_seconds"],
        "running_ma": board["running"] / 1000,
        "radio_ma": board["radio"] / 1000,
        **{f"{name.removeprefix(_BOARD)}_mah": mah for name, mah in drawn.items() if name.startswith(_BOARD)},
        "parts_mah": sum(mah for name, mah in drawn.items() if not name.startswith(_BOARD)),
        "programs": sum(one.upkeep.programs for one in spent) / samples,
        "programmed_bytes": sum(one.upkeep.programmed for one in spent) / samples,
        "erases": sum(one.upkeep.erases for one in spent) / samples,
    }
    found["mah_a_day"] = sum(value for name, value in found.items() if name.endswith("_mah"))
    power = plan.get("power")
    if power:
        found["battery_mah"] = float(power["battery_milliamp_hours"])
        found["days"] = energy.days_on_battery(power, found["mah_a_day"])
    return {name: round(value, 4) for name, value in found.items()}


def _used(plan: dict[str, Any], spent: Sequence[Spent], samples: int, interval: int) -> energy.Use:
    parts = [part for part in plan["parts"].values() if "instead_of" not in part]
    seconds = [part.get("seconds", plan["use"]["measure_seconds"]) for part in parts if _measures(part)]
    return energy.Use(
        samples_a_day=_DAY_S / interval,
        naps_a_sample=sum(max(0, one.starts - one.samples) for one in spent) / samples,
        waited_s=max(sum(one.upkeep.waited_ms for one in spent) / samples / 1000, sum(seconds)),
        radio_s=sum(one.upkeep.radio_ms for one in spent) / samples / 1000,
    )


def _measures(part: dict[str, Any]) -> bool:
    return "measuring" in part.get("microamps", {})


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
