"""A quiet street through a year of nights: what its lamps use beside a fixed schedule.

Dark is when the sun is below the horizon. The fixed schedule burns at full light and at half of it from 22:00 to 06:00;
ours burns at its bright level, and in its dim hours at its dim one, where each passage costs what one has cost in the
run. In those hours of a quiet street four pass an hour, cyclists and walkers as they were in the run; the world's own
people are one an hour in most of them.
"""

from __future__ import annotations

from stoep_twin.world import sun
from stoep_twin.world.hours import DAY, HOUR, time_of_day

LAMP_WATTS = 36.0
PASSAGES_AN_HOUR = 4.0
LATE, EARLY = 22.0, 6.0  # o'clock
_YEAR_BEGINS = 1_767_225_600.0  # 2026-01-01T00:00Z
_EVERY_DAYS, _STEP_S = 10, 600.0


def is_late(at: float, begins: float = LATE, ends: float = EARLY) -> bool:
    """Whether it is between these hours of a night in the street (`at` in Unix s)."""
    hour = time_of_day(at)
    return hour >= begins or hour < ends


def ratio_to_schedule(dim: float, bright: float, hours: tuple[float, float], extra_seconds: float) -> float:
    """Ours, dim between two `hours`, over theirs; `extra_seconds` of full light beyond dim a passage costs a lamp."""
    dark = late = ours = 0
    for day in range(0, 365, _EVERY_DAYS):
        for step in range(int(DAY / _STEP_S)):
            at = _YEAR_BEGINS + day * DAY + step * _STEP_S
            if sun.height(at) < 0:
                dark += 1
                late += is_late(at)
                ours += is_late(at, *hours)
    passing = min(1.0 - dim, extra_seconds * PASSAGES_AN_HOUR / HOUR)
    return ((dark - ours) * bright + ours * (dim + passing)) / (dark - 0.5 * late)
