"""The wind in the street: a mean that changes over days, and gusts on it. Metres a second throughout."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache

from stoep_twin.world.hours import DAY, HOUR, hour_of
from stoep_twin.world.waves import Wander

_USUAL = 3.4  # about the yearly mean that the KMI gives for Ukkel
_SLOT = 180.0  # seconds; one gust in each
_SLOTS = 20
_LEAST, _MORE, _MOST = 1.2, 0.22, 2.3  # a gust's peak, in means: from, by chance more, never above (est.)


@dataclass(frozen=True)
class Gust:
    """One gust: it swells from the mean to its peak and ebbs again."""

    begins: float  # Unix s
    lasts: float
    peak: float

    @property
    def ends(self) -> float:
        return self.begins + self.lasts

    @property
    def middle(self) -> float:
        return self.begins + self.lasts / 2


class Wind:
    """The same wind at every node of a street."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._mood = Wander(random.Random(f"{seed}/wind"), 0.45, 1.5 * DAY)
        self.gusts = lru_cache(maxsize=4096)(self._gusts)  # of an hour, by its number; each lies within it

    def mean(self, at: float) -> float:
        """What blows between the gusts."""
        return _USUAL * math.exp(self._mood.at(at))

    def at(self, at: float) -> float:
        """What blows at an instant."""
        hour = hour_of(at)
        gust = self.gusts(hour)[min(_SLOTS - 1, int((at - hour * HOUR) / _SLOT))]
        mean = self.mean(at)
        share = (at - gust.begins) / gust.lasts
        return mean + (gust.peak - mean) * math.sin(math.pi * share) ** 2 if 0 < share < 1 else mean

    def strongest(self, since: float, until: float) -> float:
        """Nothing blew harder between these times."""
        hours = range(hour_of(since), hour_of(until) + 1)
        peaks = [gust.peak for hour in hours for gust in self.gusts(hour) if gust.ends > since and gust.begins < until]
        # The mean is slower than the hour: what it gains between two looks is far less than a gust's least.
        means = [self.mean(since + (until - since) * step / 8) for step in range(9)]
        return max([*peaks, max(means) * _LEAST])

    def _gusts(self, hour: int) -> tuple[Gust, ...]:
        chance = random.Random(f"{self._seed}/gusts/{hour}")
        found = []
        for slot in range(_SLOTS):
            lasts = chance.uniform(4, 12)
            begins = hour * HOUR + slot * _SLOT + chance.uniform(0, _SLOT - lasts)
            factor = min(_MOST, _LEAST + chance.expovariate(1 / _MORE))
            found.append(Gust(begins, lasts, factor * self.mean(begins + lasts / 2)))
        return tuple(found)
