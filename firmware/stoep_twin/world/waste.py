"""What people throw into one bin over weeks, piece by piece and bag by bag, more on market days; its emptyings.

A piece settles; a bag may slump at once. What is thrown in does not depend on when the bin is emptied, so the same
waste tells when it would have been full had no lorry come. All figures are estimates: no bin was measured for them.
"""

from __future__ import annotations

import bisect
import itertools
import math
import random
from dataclasses import dataclass

from stoep_twin.world import weather
from stoep_twin.world.hours import DAY, HOUR, bustle, time_of_day

BRIM = 108.0  # %: what lies higher falls beside the bin
_MONDAY = 4 * DAY  # 1970-01-05
_WEEK = 7
_SUMMER_TIME = 2 * HOUR
_PIECE, _BAG = 0.5, (4.0, 20.0)  # % of the bin: on the mean, from and to
_SETTLES_H = (1.0, 2.0, 4.0, 8.0)  # after it was thrown in, a quarter of it each time
_SLUMPS, _SLUMPED = 0.25, (0.3, 0.7)  # of the bags do, and by so much of themselves
_AHEAD = 40 * DAY  # how far a pile is followed that nobody empties
_MARKET = range(8, 14)  # hours of the town
_AFTERWARDS = 15.0, 20.0  # when a lorry comes after it,
_CLEARED = 0.8  # that often
_KEPT = 0.95  # of the rounds take place
_EVERY_DAY = 0.2  # of the bins are on a round that knows no weekend
_ROUNDS = ((30.0, (0, 1, 2, 3, 4, 5)), (15.0, (0, 2, 4)), (0.0, (1, 4)))  # by what comes in a day: on which weekdays


@dataclass(frozen=True)
class Habit:
    """What is usual at one bin. Rates in % a day."""

    daily: float
    weekdays: tuple[float, ...]  # Monday first
    evenings: float  # people sit beside it until late
    markets: frozenset[int]
    market: float  # so much more, while the market is
    bags: float  # their share of what is thrown in
    outdoors: float  # how much the sun brings
    rounds: tuple[tuple[int, ...], float]  # on which weekdays it is emptied, at which hour


def habit(chance: random.Random) -> Habit:
    leisure = chance.random()  # 0: offices, 1: a park
    weekdays = (*[1.0 - 0.2 * leisure] * 5, 0.5 + 1.0 * leisure, 0.35 + 1.1 * leisure)
    daily = chance.choice((chance.uniform(10, 25), chance.uniform(25, 50), chance.uniform(40, 75)))
    markets = frozenset(chance.sample(range(_WEEK), chance.choice((0, 1, 1, 1, 2))))
    often = next(days for least, days in _ROUNDS if daily > least)
    plan = (tuple(range(_WEEK)) if chance.random() < _EVERY_DAY else often, chance.uniform(5.5, 11.0))
    return Habit(
        daily, weekdays, chance.uniform(0.0, 0.6), markets, chance.uniform(2.0, 5.0), chance.uniform(0.01, 0.05),
        chance.uniform(0.0, 0.8), plan,
    )  # fmt: skip


class Waste:
    """One bin from `start` on (Unix s), for so many days of rounds. Levels in % of the usable depth."""

    def __init__(self, seed: int, index: int, start: float, days: int) -> None:
        self._name = f"{seed}/{index}/waste"
        self._weather = weather.of(seed)
        self.habit = habit(random.Random(f"{self._name}/habit"))
        self.ends = start + days * DAY
        self._changes = self._changes_of(self._thrown(start, self.ends + _AHEAD))
        self._piles = [self._since(start, 0.0)]
        self._rounds(start)
        self.emptied = [(pile.begun, before.level(pile.begun - 1)) for before, pile in itertools.pairwise(self._piles)]
        """Each emptying and how full the bin was (Unix s, %)."""

    def level(self, at: float) -> float:
        return min(BRIM, self._pile(at).level(at))

    def full_at(self, at: float, level: float) -> float | None:
        """When it would have reached `level` after `at`, had nobody emptied it since; None where not in forty days."""
        return self._pile(at).reaches(at, level)

    def _pile(self, at: float) -> _Pile:
        return self._piles[bisect.bisect_right(self._piles, at, key=lambda pile: pile.begun) - 1]

    def _thrown(self, start: float, until: float) -> list[tuple[float, float]]:
        found = []
        habit = self.habit
        each = (1 - habit.bags) * _PIECE + habit.bags * sum(_BAG) / 2
        for hour in range(math.floor(start / HOUR), math.floor(until / HOUR)):
            chance = random.Random(f"{self._name}/{hour}")
            mean = self._busy((hour + 0.5) * HOUR) * habit.daily / each
            for _ in range(_poisson(chance, mean)):
                at = (hour + chance.random()) * HOUR
                is_bag = chance.random() < habit.bags
                height = chance.uniform(*_BAG) if is_bag else chance.expovariate(1 / _PIECE)
                found.append((at, -height if is_bag else height))
        return sorted(found)

    def _busy(self, at: float) -> float:
        """Of a day's waste, what comes in the hour around `at`; a mean day's sum is about 1."""
        hour = time_of_day(at)
        day = math.floor((at + _SUMMER_TIME - _MONDAY) / DAY)
        late = self.habit.evenings * math.exp(-(((hour - 21) / 2.0) ** 2))
        share = (bustle(at) + late) / (10.2 + 3.5 * self.habit.evenings) * self.habit.weekdays[day % _WEEK]
        if day % _WEEK in self.habit.markets and int(hour) in _MARKET:
            share *= self.habit.market
        fortune = random.Random(f"{self._name}/day/{day}").gammavariate(25, 1 / 25)
        sunny = 1 + self.habit.outdoors * (self._weather.sunshine(at) - 0.3) * (0.3 if self._weather.rain(at) else 1.0)
        return share * fortune * sunny

    def _changes_of(self, throws: list[tuple[float, float]]) -> list[tuple[float, float, float]]:
        """When a pile changes, by how much, and when what changes it was thrown in."""
        chance = random.Random(f"{self._name}/settling")
        changes = []
        for at, height in throws:
            changes.append((at, abs(height), at))
            if height < 0 and chance.random() < _SLUMPS:
                changes.append((at + chance.expovariate(1 / (3 * HOUR)), height * chance.uniform(*_SLUMPED), at))
            else:
                settled = abs(height) * chance.uniform(0.05, 0.3) / len(_SETTLES_H)
                changes += [(at + after * HOUR, -settled, at) for after in _SETTLES_H]
        return sorted(changes)

    def _since(self, begun: float, left: float) -> _Pile:
        mine = [(at, change) for at, change, thrown in self._changes if begun <= thrown < begun + _AHEAD]
        return _Pile(begun, left, mine)

    def _rounds(self, start: float) -> None:
        weekdays, hour = self.habit.rounds
        chance = random.Random(f"{self._name}/rounds")
        first = math.floor((start + _SUMMER_TIME - _MONDAY) / DAY)
        for day in range(first, first + math.ceil((self.ends - start) / DAY) + 1):
            midnight = _MONDAY + day * DAY - _SUMMER_TIME
            comes = day % _WEEK in weekdays and chance.random() < _KEPT
            at = midnight + hour * HOUR + chance.gauss(0, 0.5 * HOUR)
            times = [at] if comes else []
            if day % _WEEK in self.habit.markets and chance.random() < _CLEARED:
                times.append(midnight + chance.uniform(*_AFTERWARDS) * HOUR)
            for at in times:
                if start < at < self.ends:
                    self._piles.append(self._since(at, chance.uniform(0, 3)))
        self._piles.sort(key=lambda pile: pile.begun)


class _Pile:
    """What lies in the bin since it was emptied, and what would lie in it, would it never be emptied again."""

    def __init__(self, begun: float, left: float, changes: list[tuple[float, float]]) -> None:
        self.begun = begun
        self._times = [at for at, _ in changes]
        self._levels = [left]
        for _, change in changes:
            self._levels.append(self._levels[-1] + change)

    def level(self, at: float) -> float:
        return self._levels[bisect.bisect_right(self._times, at)]

    def reaches(self, at: float, level: float) -> float | None:
        for index in range(bisect.bisect_right(self._times, at), len(self._times)):
            if self._levels[index + 1] >= level:
                return self._times[index]
        return None


def _poisson(chance: random.Random, mean: float) -> int:
    """By counting exponential pauses."""
    count, left = -1, mean
    while left >= 0:
        left -= chance.expovariate(1.0)
        count += 1
    return count
