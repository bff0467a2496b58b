"""The lid of a bin, where the accelerometer sits: people open it, and it falls shut."""

from __future__ import annotations

import math
import random
from functools import lru_cache

from stoep_twin.world.hours import HOUR, bustle

LID_OPEN_S = 8.0
LID_DEGREES = 60.0
_MOST_OPENINGS = 8  # an hour
_SLOTS = 120
_SWINGS_S = 0.6
_KNOCK_S = 0.04  # shorter than the pause between two samples at 10 Hz: it may be missed


@lru_cache(maxsize=4096)
def openings(seed: int, index: int, hour: int) -> tuple[float, ...]:
    """When somebody opens it. Each in a slot of its own, early in it: it is shut before the next, within its hour."""
    chance = random.Random(f"{seed}/{index}/lid/{hour}")
    mean = _MOST_OPENINGS * bustle((hour + 0.5) * HOUR)
    count = min(_SLOTS, max(0, round(chance.gauss(mean, mean**0.5))))
    slots = sorted(chance.sample(range(_SLOTS), count))
    return tuple(hour * HOUR + slot * HOUR / _SLOTS + chance.uniform(1, 15) for slot in slots)


def swing(seed: int, index: int, at: float) -> tuple[float, float]:
    """(degrees it is open, g along the upright of a knock) at a time."""
    since = min((at - opened for opened in openings(seed, index, math.floor(at / HOUR)) if opened <= at), default=HOUR)
    angle = LID_DEGREES * min(1.0, since / _SWINGS_S) if since < LID_OPEN_S else 0.0
    knock = since < _KNOCK_S or LID_OPEN_S <= since < LID_OPEN_S + _KNOCK_S
    return angle, 1.0 if knock else 0.0
