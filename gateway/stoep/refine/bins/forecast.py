"""When a bin will be full: hour by hour what is expected to come, and how surely that is enough.

What comes until an hour is taken as gamma distributed, with the mean of the pattern's rates and a variance of five
parts: lumps, each hour's and each day's own fortune, what the pattern may have learned wrong, and how well the level is
known. The bin is full by then with the chance that so much comes as there is room; the interval is where that chance is
10 % and 90 %. The gamma's quantiles by E. B. Wilson and M. M. Hilferty (PNAS 17, 1931).
"""

import math
from statistics import NormalDist
from typing import NamedTuple

from stoep.refine.bins.days import HOURS, Day
from stoep.refine.bins.pattern import Pattern

FULL = 90.0  # %: where a bin says that it is full
FARTHEST = 30 * HOURS  # hours ahead
_LEVEL = 4.0  # %: how far a robust level is off
_HOUR = 0.4  # the relative variance of an hour's fortune
_SOON, _FINE = 6.0, 0.25  # hours ahead that are looked at more finely, and how finely
_WEEK = 7
_TENTH = NormalDist().inv_cdf(0.9)


class Span(NamedTuple):
    """Hours from now: as likely before as after `hours`; in four cases of five between `soonest` and `latest`."""

    hours: float
    soonest: float
    latest: float


def full_in(pattern: Pattern, level: float, now: "Now", today: Day | None = None) -> Span | None:
    """None where it is more than thirty days away; of `today` what is over tells of what is to come of it."""
    room = FULL - level
    if room <= 0:
        return Span(0.0, 0.0, 0.0)
    fill = _Fill(pattern, now, today)
    found: list[float] = []
    wanted = [_TENTH, 0.0, -_TENTH]
    at, before = 0.0, -math.inf
    while wanted and at < FARTHEST:
        step = fill.forth()
        chance = fill.deviation(room)
        while wanted and chance >= wanted[-1]:
            share = 1.0 if before == -math.inf else (wanted[-1] - before) / (chance - before)
            found.append(at + step * share)
            wanted.pop()
        at, before = at + step, chance
    return None if wanted else Span(found[1], found[0], found[2])


class Now(NamedTuple):
    """What the clocks at the bin say: Monday 0, and hours since midnight."""

    weekday: int
    hour: float


class _Fill:
    """What comes from now on, and its variance."""

    def __init__(self, pattern: Pattern, now: Now, today: Day | None) -> None:
        self._pattern = pattern
        self._weekday, self._hour = now
        self._fortune, self._mood = _fortune(pattern, now, today)
        self._mean = self._lumps = self._moods = 0.0
        self._day = 0.0  # what is expected of the day under way, from now on
        self._by_weekday = [0.0] * _WEEK
        self._learned = 0.0  # the variance of what the weekdays' rates were learned from
        self._passed = 0.0

    def forth(self) -> float:
        """Goes on by an hour at most, at first by quarters of one, and says how far."""
        hour = int(self._hour)
        step = min(_FINE if self._passed < _SOON else 1.0, hour + 1 - self._hour)
        self._passed += step
        comes = self._pattern.rates[self._weekday][hour] * step * self._fortune
        self._mean += comes
        self._lumps += self._pattern.lump * comes + _HOUR * comes * comes / step
        self._day += comes
        known = self._by_weekday[self._weekday]
        self._learned += self._pattern.trust[self._weekday] * comes * (2 * known + comes)
        self._by_weekday[self._weekday] = known + comes
        self._hour += step
        if self._hour >= HOURS - 1e-9:
            self._moods += self._mood * self._day * self._day
            self._day, self._hour = 0.0, 0.0
            self._weekday = (self._weekday + 1) % _WEEK
            self._fortune, self._mood = 1.0, self._pattern.mood
        return step

    def deviation(self, room: float) -> float:
        """By how many standard deviations it is likelier than not that `room` is filled."""
        variance = self._lumps + self._moods + self._mood * self._day**2 + self._learned
        variance += self._pattern.level * self._mean**2 + _LEVEL**2
        ninth = variance / (9 * self._mean * self._mean)
        return (1 - ninth - math.cbrt(room / self._mean)) / math.sqrt(ninth)


def _fortune(pattern: Pattern, now: Now, today: Day | None) -> tuple[float, float]:
    """What today is like so far against what was expected of it, drawn towards 1, and how well that is known."""
    if today is None:
        return 1.0, pattern.mood
    rates = pattern.rates[now.weekday]
    expected = sum(rate * watched for rate, watched in zip(rates, today.watched, strict=True))
    held = 1 / pattern.mood + expected / pattern.lump
    return max(0.2, (1 / pattern.mood + sum(today.came) / pattern.lump) / held), 1 / held
