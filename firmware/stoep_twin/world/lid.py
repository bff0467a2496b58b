"""The lid of a bin, where the accelerometer sits: people open it, it falls shut, and the wind shakes it."""

from __future__ import annotations

import math
import random
from functools import lru_cache

from stoep_twin.world.hours import HOUR, bustle, hour_of
from stoep_twin.world.wind import Wind

LID_OPEN_S = 8.0
LID_DEGREES = 60.0
_MOST_OPENINGS = 8  # an hour
_SLOTS = 120
_SWINGS_S = 0.6
_KNOCK_S = 0.04  # shorter than the pause between two samples at 10 Hz: it may be missed
_SHAKES_HZ = 2.1
_SWAY = 1.2, 15.0  # ° at m/s; it goes with the wind's pressure, the square of its speed (est.)
_LIFTS = 13.0  # m/s: a gust may lift it from here on
_LIFTED = 0.25  # and does so one time in four (est.)


class Lid:
    """One bin's lid in its street's wind. Times are Unix seconds; each hour's come in a tuple, in order."""

    def __init__(self, seed: int, index: int, wind: Wind) -> None:
        self._name = f"{seed}/{index}"
        self._wind = wind
        self._phase = random.Random(f"{self._name}/sway").uniform(0, 2 * math.pi)
        self.openings = lru_cache(maxsize=1024)(self._openings)  # somebody opens it
        self.slams = lru_cache(maxsize=1024)(self._slams)  # a gust lifts it a little, and it falls back
        self.movements = lru_cache(maxsize=1024)(self._movements)  # all of these, and that it falls shut

    def felt(self, at: float) -> tuple[float, float]:
        """(degrees from how it stands, g along the upright of a knock)."""
        hour = hour_of(at)
        since = min((at - opened for opened in self.openings(hour) if opened <= at), default=HOUR)
        angle = LID_DEGREES * min(1.0, since / _SWINGS_S) if since < LID_OPEN_S else 0.0
        knocked = since < _KNOCK_S or LID_OPEN_S <= since < LID_OPEN_S + _KNOCK_S
        knocked = knocked or any(0 <= at - slammed < _KNOCK_S for slammed in self.slams(hour))
        sway = _swayed(self._wind.at(at)) * math.sin(2 * math.pi * _SHAKES_HZ * (at % HOUR) + self._phase)
        return angle + sway, 1.0 if knocked else 0.0

    def most_sway(self, since: float, until: float) -> float:
        """Degrees to either side that the wind did not exceed between these times."""
        return _swayed(self._wind.strongest(since, until))

    def _openings(self, hour: int) -> tuple[float, ...]:
        # Each in a slot of its own, early in it, so that the lid is shut again before the next and within its hour.
        chance = random.Random(f"{self._name}/lid/{hour}")
        mean = _MOST_OPENINGS * bustle((hour + 0.5) * HOUR)
        count = min(_SLOTS, max(0, round(chance.gauss(mean, mean**0.5))))
        slots = sorted(chance.sample(range(_SLOTS), count))
        return tuple(hour * HOUR + slot * HOUR / _SLOTS + chance.uniform(1, 15) for slot in slots)

    def _slams(self, hour: int) -> tuple[float, ...]:
        chance = random.Random(f"{self._name}/slams/{hour}")
        lifting = [gust for gust in self._wind.gusts(hour) if gust.peak >= _LIFTS]
        return tuple(gust.middle for gust in lifting if chance.random() < _LIFTED)

    def _movements(self, hour: int) -> tuple[float, ...]:
        openings = self.openings(hour)
        return tuple(sorted((*openings, *(opened + LID_OPEN_S for opened in openings), *self.slams(hour))))


def _swayed(wind: float) -> float:
    degrees, blowing = _SWAY
    return degrees * (wind / blowing) ** 2
