"""What a day of a node takes from its supply, by consumer: one reckoning for the drawings and the virtual street.

The currents and the times that nobody counts stand in `hardware/<kind>.toml`; what a node did is either counted by a
run of the virtual street, or the drawing's own table [use], which repeats such a run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HOURS = 24
_HOUR_S = 3600.0
_DAYS_A_MONTH = 30
_STEADY = ("asleep", "watching", "divider")  # modes that draw all day


@dataclass(frozen=True)
class Use:
    """What one node does: samples a day; for each, naps (wakes that only count a movement) and seconds."""

    samples_a_day: float
    naps_a_sample: float
    waited_s: float
    radio_s: float

    @classmethod
    def drawn(cls, plan: Mapping[str, Any]) -> "Use":
        """As the drawing's table [use] says; what never sleeps has neither naps nor waits to count."""
        use = plan["use"]
        if use.get("always", False):
            return cls(float(use["samples_a_day"]), 0.0, 0.0, 0.0)
        keys = ("samples_a_day", "naps_a_sample", "waited_seconds", "radio_seconds")
        return cls(*(float(use[key]) for key in keys))


def day(plan: Mapping[str, Any], use: Use) -> dict[str, float]:
    """mAh a day by consumer, in the drawing's order: the board by what it does, then each part; `plan` is its TOML.

    A part that stands in another one's place is left out. Each is reckoned at the voltage of its own rail.
    """
    times, board = plan["use"], plan["parts"]["board"]["microamps"]
    found = {f"board, {mode}": mah for mode, mah in _board(times, board, use).items()}
    for name, part in plan["parts"].items():
        if name != "board" and part.get("microamps") and "instead_of" not in part:
            found[name] = part_mah(part, times, use.samples_a_day)
    return found


def _board(times: Mapping[str, Any], draws: Mapping[str, float], use: Use) -> dict[str, float]:
    milliamps = {mode: value / 1000 for mode, value in draws.items()}
    if times.get("always", False):
        on = {mode: milliamps[mode] * _HOURS for mode in ("running", "radio", "watching") if mode in milliamps}
        return {("all day" if mode == "watching" else mode): value for mode, value in on.items()}
    running_h = use.samples_a_day * (times["start_seconds"] + use.waited_s) / _HOUR_S
    naps_h = use.samples_a_day * use.naps_a_sample * times["nap_seconds"] / _HOUR_S
    radio_h = use.samples_a_day * use.radio_s / _HOUR_S
    return {
        "asleep": milliamps["asleep"] * _HOURS,
        "awake": milliamps["running"] * running_h,
        "naps": milliamps["running"] * naps_h,
        "radio": milliamps["radio"] * radio_h,
    }


def part_mah(part: Mapping[str, Any], times: Mapping[str, Any], samples_a_day: float) -> float:
    """mAh a day of one part: what it always draws, its measurements, and by night what it draws while it is lit."""
    draws = part["microamps"]
    steady = sum(draws.get(mode, 0) for mode in _STEADY) * _HOURS
    measured = draws.get("measuring", 0) * samples_a_day * part.get("seconds", times["measure_seconds"]) / _HOUR_S
    lit = draws.get("lit", 0) * times.get("lit_hours", 0)
    return float(steady + measured + lit) / 1000


def days_on_battery(power: Mapping[str, Any], mah_a_day: float) -> float:
    """How long the cell lasts when nothing charges it; `power` is the drawing's table [power]."""
    capacity = power["battery_milliamp_hours"]
    leaks = capacity * power["self_discharge_percent_a_month"] / 100 / _DAYS_A_MONTH
    return float(capacity * power["usable_percent"] / 100 / (mah_a_day + leaks))
