"""How long a battery lasts: a line through its voltage that single cold nights and bad readings do not bend.

Theil-Sen: the median of the slopes of all pairs of points, and Sen's rank interval around it (Sen 1968, JASA 63, 1379;
90 %). The points of a day are not independent and a cell's curve is no line, so it is a guide for the next round of
visits, no promise.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from stoep.refine.days import DAY

EVERY = 6 * 3600  # seconds between two points
SPAN = 14 * DAY  # of the points that are looked at
FEWEST = 8
SHORTEST = 3 * DAY  # with less between first and last point nothing is said
HORIZON = 730.0  # days: beyond it, it does not matter
_NORMAL_90 = 1.645


@dataclass(frozen=True)
class Remaining:
    """Days until the battery is empty; `latest` and `days` are None where it may as well last beyond the horizon."""

    days: float | None
    soonest: float | None
    latest: float | None


def remaining(points: Sequence[tuple[float, float]], empty: float) -> Remaining | None:
    """`points`: (Unix seconds, mV), `empty` in mV, counted from the last point; None while there is too little."""
    if len(points) < FEWEST or points[-1][0] - points[0][0] < SHORTEST:
        return None
    slopes = sorted(
        (later[1] - earlier[1]) / (later[0] - earlier[0]) * DAY  # mV a day
        for at, earlier in enumerate(points)
        for later in points[at + 1 :]
        if later[0] > earlier[0]
    )
    count = len(points)
    wide = _NORMAL_90 * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = slopes[max(0, int((len(slopes) - wide) / 2))]
    high = slopes[min(len(slopes) - 1, int((len(slopes) + wide) / 2))]
    slope = median(slopes)
    now = points[-1][0]
    level = median(value + slope * (now - at) / DAY for at, value in points)
    return Remaining(*(_days(level - empty, one) for one in (slope, low, high)))


def _days(left: float, slope: float) -> float | None:
    if left <= 0:
        return 0.0
    if slope >= 0 or left / -slope > HORIZON:
        return None
    return left / -slope
