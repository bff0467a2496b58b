"""Do the boards measure what is there? Each reading is held against the world, within the sensor's accuracy.

This catches what the audit cannot: a value scaled wrongly on the node is wrong in the boards' record too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stoep_twin.chips.lamp import Lamp
from stoep_twin.world.fill import EMPTY_MM, FULL_MM
from stoep_twin.world.lid import LID_DEGREES, LID_OPEN_S
from stoep_twin.world.place import Place

_STEPS = 4
_TILT_WITHIN = 3.0  # °: the chip's offset, and rounding
_COUNTED = {"motion_count": Place.glimpses, "lid_count": Place.lid_movements}
_LAMPS = "lamp_energy", "lamp_energy_fixed", "lamp_lit"
_CLOCK = 0.06  # it may run so much fast or slow
_BEGINS_S = 5.0
_WARMS_UP_S = 90.0
_DEAF_S = 30.0  # a node counts no movement so soon after another


@dataclass(frozen=True)
class _Rule:
    truth: Callable[[Place, float], float]  # in counts
    within: Callable[[float], float]


def _level(place: Place, at: float) -> float:
    return (EMPTY_MM - place.distance_mm(at)) / (EMPTY_MM - FULL_MM) * 100


def _scattered(truth: float) -> float:
    return max(3.0, 0.05 * truth)


_RULES = {
    # ± 0.5 °C, ± 3 %, ± 1 hPa (BST-BME280-DS002, tables 2 to 4)
    "temperature": _Rule(lambda place, at: place.climate(at).celsius * 100, lambda _: 50),
    "humidity": _Rule(lambda place, at: place.climate(at).percent * 100, lambda _: 300),
    "pressure": _Rule(lambda place, at: place.climate(at).pascal, lambda _: 100),
    # ± 1 cm (DFRobot SEN0311)
    "fill_distance": _Rule(lambda place, at: place.distance_mm(at), lambda _: 10),
    "fill_level": _Rule(_level, lambda _: 1.6),
    # What this very sensor would say, damp and all, and its noise: the node corrects nothing
    "pm1_0": _Rule(lambda place, at: place.dust_unit.says(place.seen_dust(at)).pm1_0, _scattered),
    "pm2_5": _Rule(lambda place, at: place.dust_unit.says(place.seen_dust(at)).pm2_5, _scattered),
    "pm10": _Rule(lambda place, at: place.dust_unit.says(place.seen_dust(at)).pm10, _scattered),
    # ± (40 ppm + 5 %) (SCD41 datasheet, table 1), of which the chip's model uses its noise
    "co2": _Rule(lambda place, at: place.co2_ppm(at), lambda _: 8),
    # 1 % of the divider and the ADC
    "battery_voltage": _Rule(lambda place, at: place.battery_volts(at) * 1000, lambda truth: truth * 0.01),
    "solar_voltage": _Rule(lambda place, at: place.solar_volts(at) * 1000, lambda truth: 5 + truth * 0.01),
}


def untrue(
    place: Place,
    counts: dict[str, int],
    said_at: float,
    slack: float,
    before: float | None = None,
    lamp: Lamp | None = None,
    booted: float = 0.0,
) -> list[str]:
    """What of a sample, said at `said_at` (Unix s) and taken at most `slack` s earlier, is not what was there.

    `before` is when the sample before was said; `lamp` is the one it tells of, `booted` when its board started last.
    """
    wrong = []
    for name, value in counts.items():
        if name in _LAMPS and lamp is not None:
            since = place.start if before is None else before
            wrong += _burnt_otherwise(name, lamp, value, said_at, slack, since, max(since, booted))
            continue
        if name in _COUNTED:
            wrong += _too_many(name, place, value, said_at, slack, before)
            continue
        if name == "tilt":
            wrong += _leans_otherwise(place, value, said_at, slack)
            continue
        rule = _RULES.get(name)
        if rule is None:
            wrong.append(f"{name}: the world has no such quantity")
            continue
        truths = [rule.truth(place, said_at - slack * step / _STEPS) for step in range(_STEPS + 1)]
        within = max(rule.within(truth) for truth in truths)
        if not min(truths) - within <= value <= max(truths) + within:
            wrong.append(f"{name} {value}, in truth {truths[0]:.1f}")
    return wrong


def _leans_otherwise(place: Place, value: int, said_at: float, slack: float) -> list[str]:
    # On its way open or shut the lid is at any angle between, and the wind sways it.
    lean, within = place.lean_degrees, _TILT_WITHIN + place.sway_degrees(said_at - slack, said_at)
    opened = next(place.lid_openings(said_at - slack - LID_OPEN_S - 1.0)) <= said_at
    most = lean + (LID_DEGREES if opened else 0.0)
    if lean - within <= value <= most + within:
        return []
    return [f"tilt {value}, in truth {lean:.1f} to {most:.1f}"]


def _burnt_otherwise(
    name: str, lamp: Lamp, value: int, said_at: float, slack: float, before: float, counted: float
) -> list[str]:
    # mWh since the sample before, by the node's own clock; what it counted before its last start is gone.
    if name == "lamp_lit":
        least, most = (lamp.history.lit(since, said_at) for since in (counted, before))
        within = _CLOCK * most + slack + _BEGINS_S
        said = f"lamp_lit {value}, in truth {least:.0f} to {most:.0f}"
        return [] if least - within <= value <= most + within else [said]
    if name == "lamp_energy_fixed":  # by the town's clock, of which nothing is known here
        least, most = 0.0, lamp.watts * (said_at - before + slack) / 3.6
    else:
        least, most = (
            lamp.watts * lamp.history.mean(since, said_at) * (said_at - since) / 3.6 for since in (counted, before)
        )
    within = _CLOCK * most + lamp.watts * (slack + _BEGINS_S) / 3.6
    return [] if least - within <= value <= most + within else [f"{name} {value}, in truth {least:.0f} to {most:.0f}"]


def _too_many(name: str, place: Place, value: int, said_at: float, slack: float, before: float | None) -> list[str]:
    # Some pass while the node is awake or deaf; but it counts nobody who was not there.
    since = place.start if before is None else before - slack
    most, deaf_until = 0, float("-inf")
    for passed in _COUNTED[name](place, since - _DEAF_S):
        if passed > said_at:
            break
        if passed >= deaf_until:
            most, deaf_until = most + 1, passed + _DEAF_S * 0.95  # its clock may run fast
    warming = 2 if since - place.start < _WARMS_UP_S else 0  # the PIR is high for no reason at first
    return [f"{name} {value}, but only {most} moved it"] if value > most + warming else []
