"""Fog: air that cools in a still night until it is saturated, and hangs in the street until the sun has eaten it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache

from stoep_twin.world import sun
from stoep_twin.world.hours import DAY, HOUR
from stoep_twin.world.wind import Wind

_STILL = 3.0  # m/s: a stronger wind stirs drier air in
_OFTEN, _RARE = 0.5, 0.08  # of still nights, about the middle of November and of May
_FOGGIEST = 320  # day of the year
_GATHERS_S = 1.5 * HOUR


@dataclass(frozen=True)
class _Bank:
    begins: float
    ends: float
    thickness: float

    def share(self, at: float) -> float:
        """0 outside, `thickness` well inside."""
        return self.thickness * max(0.0, min(1.0, (at - self.begins) / _GATHERS_S, (self.ends - at) / _GATHERS_S))


class Fog:
    """One street's fog, some forty days a year, most of them from October to February, as the KMI counts at Ukkel."""

    def __init__(self, seed: int, wind: Wind) -> None:
        self._seed = seed
        self._wind = wind
        self._banks = lru_cache(maxsize=256)(self._bank_of_night)

    def share(self, at: float) -> float:
        """0: none; 1: the air is saturated and drops hang in it."""
        day = math.floor(at / DAY)
        return max(bank.share(at) if bank else 0.0 for bank in (self._banks(day), self._banks(day + 1)))

    def _bank_of_night(self, day: int) -> _Bank | None:
        # Before the morning of `day`, which begins at midnight UTC.
        chance = random.Random(f"{self._seed}/fog/{day}")
        drawn, early, late, thickness = chance.random(), chance.uniform(-2, 4), chance.uniform(7, 12), chance.random()
        midnight = day * DAY
        season = (1 + math.cos(2 * math.pi * (sun.day_of_year(midnight) - _FOGGIEST) / 365.25)) / 2
        if drawn > _RARE + (_OFTEN - _RARE) * season or self._wind.mean(midnight + 4 * HOUR) > _STILL:
            return None
        return _Bank(midnight + early * HOUR, midnight + late * HOUR, 0.75 + 0.25 * thickness)
