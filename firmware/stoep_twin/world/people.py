"""Who goes along the street: each a path of straight pieces, walked at one speed, with pauses.

Everybody keeps their distance from the line of furniture: on the pavement, or in the cycle lane beside it. Nobody here
stands for anybody: this is what the lamps and counters of the twin are judged by, and nothing of it leaves the twin.
"""

from __future__ import annotations

import enum
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from stoep_twin.world.hours import HOUR, bustle, hour_of
from stoep_twin.world.plan import LENGTH

_BUSIEST = 35  # arrivals an hour; a group is one
_BEYOND = 20.0  # metres past either end: nobody appears in sight of a node
_KMH = 1 / 3.6
_CATS = 0.15, 0.6  # an hour, at the busiest and when nobody is about
_SHARES = (("walker", 0.52), ("group", 0.14), ("turning", 0.07), ("cyclist", 0.27))
_DOORS = 0.25  # of a walker's ends are a door in the street


class Kind(enum.StrEnum):
    """By what a PIR makes of them; the names are those of pir.toml."""

    ADULT = "adult"
    CYCLIST = "cyclist"
    CAT = "cat"


@dataclass(frozen=True)
class Trajectory:
    """One of them. Where they are is a function of time, from `begins` to `ends` (Unix s)."""

    kind: Kind
    across: float  # metres from the line of furniture, all the way
    path: tuple[tuple[float, float], ...]  # (Unix s, metres along the street), straight between them

    @property
    def begins(self) -> float:
        return self.path[0][0]

    @property
    def ends(self) -> float:
        return self.path[-1][0]

    def metres(self, at: float) -> float | None:
        """Along the street at a time (Unix s); None before and after."""
        for (begins, whence), (ends, whither) in pairwise(self.path):
            if begins <= at <= ends:
                return whence + (whither - whence) * (at - begins) / (ends - begins)
        return None


def during(seed: int, since: float, until: float) -> list[Trajectory]:
    """All who are in the street at any time from `since` to `until` (Unix s), in the order in which they appear."""
    hours = range(hour_of(since) - 1, hour_of(until) + 1)  # nobody stays an hour
    return [one for hour in hours for one in appearing(seed, hour) if one.ends >= since and one.begins <= until]


def near(seed: int, metres: float, within: float, at: float) -> list[Trajectory]:
    """All who at `at` (Unix s) are not farther than `within` metres, along the street, from the spot at `metres`."""
    found = []
    for one in during(seed, at, at):
        there = one.metres(at)
        if there is not None and abs(there - metres) <= within:
            found.append(one)
    return found


@lru_cache(maxsize=1024)
def appearing(seed: int, hour: int) -> tuple[Trajectory, ...]:
    """All whose path begins in an hour, given by its number since 1970, in order."""
    chance = random.Random(f"{seed}/people/{hour}")
    busy = bustle((hour + 0.5) * HOUR)
    found: list[Trajectory] = []
    for _ in range(_how_many(chance, _BUSIEST * busy)):
        begins = (hour + chance.random()) * HOUR
        what = chance.choices([name for name, _ in _SHARES], [share for _, share in _SHARES])[0]
        found += _cyclist(chance, begins) if what == "cyclist" else _walkers(chance, begins, what)
    seldom, often = _CATS
    for _ in range(_how_many(chance, often + (seldom - often) * busy)):
        found.append(_cat(chance, (hour + chance.random()) * HOUR))
    return tuple(sorted(found, key=lambda one: one.begins))


def _how_many(chance: random.Random, mean: float) -> int:
    # Chance's own number: so many intervals of a Poisson process fit into one.
    many, left = 0, chance.expovariate(1.0)
    while left < mean:
        many, left = many + 1, left + chance.expovariate(1.0)
    return many


def _cyclist(chance: random.Random, begins: float) -> Iterator[Trajectory]:
    speed = _KMH * min(30.0, max(15.0, chance.gauss(19, 4)))
    yield Trajectory(Kind.CYCLIST, chance.uniform(4.5, 6.0), _along(begins, speed, _ends(chance)))


def _walkers(chance: random.Random, begins: float, what: str) -> Iterator[Trajectory]:
    many = chance.choice((2, 2, 2, 3, 3, 4, 5)) if what == "group" else 1
    speed = _KMH * min(6.0, max(2.0, chance.gauss(4.6 if many == 1 else 3.6, 0.8)))
    whence, whither = _ends(chance)
    if chance.random() < _DOORS:
        whence = chance.uniform(0, LENGTH)
    if chance.random() < _DOORS:
        whither = chance.uniform(0, LENGTH)
    stops = [whence, whither]
    pause = chance.uniform(5, 30) if chance.random() < _DOORS else 0.0
    if what == "turning":
        stops = [whence, chance.uniform(0, LENGTH), whence]
    elif pause:
        stops = [whence, whence + (whither - whence) * chance.random(), whither]
    for number in range(many):
        later = begins + number * chance.uniform(0.2, 1.2)
        yield Trajectory(Kind.ADULT, chance.uniform(1.5, 4.0), _along(later, speed, stops, pause))


def _cat(chance: random.Random, begins: float) -> Trajectory:
    stops = [chance.uniform(0, LENGTH)]
    for _ in range(chance.randint(2, 6)):
        stops.append(min(LENGTH, max(0.0, stops[-1] + chance.uniform(-40, 40))))
    speed = _KMH * chance.uniform(2, 5)
    return Trajectory(Kind.CAT, chance.uniform(0.5, 6.0), _along(begins, speed, stops, chance.uniform(2, 30)))


def _ends(chance: random.Random) -> list[float]:
    ends = [-_BEYOND, LENGTH + _BEYOND]
    return ends if chance.random() < 0.5 else ends[::-1]  # noqa: PLR2004 - either way


def _along(begins: float, speed: float, stops: list[float], pause: float = 0.0) -> tuple[tuple[float, float], ...]:
    # From stop to stop at `speed` (m/s), with `pause` seconds at each between.
    path = [(begins, stops[0])]
    for whither in stops[1:]:
        left, whence = path[-1]
        if len(path) > 1 and pause:
            left += pause
            path.append((left, whence))
        if not math.isclose(whither, whence):
            path.append((left + abs(whither - whence) / speed, whither))
    return tuple(path)
