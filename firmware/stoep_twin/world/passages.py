"""Passages along a row of lamps, made from a seed: what those lamps are judged by.

They come in blocks. Within one, people meet, follow each other by three lamps, or are alone; between two, whoever plays
them lets the lamps go back to their rest. Everybody appears out of every PIR's sight and goes on well past the last
lamp.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from stoep_twin.world.people import Kind, Trajectory

Range = tuple[float, float]

_KMH = 1 / 3.6
_BEFORE = 12.0  # metres before the first lamp: farther than a PIR sees
_PAST = 80.0  # past the last one: until nobody speaks of them any more
_CYCLES, _WALKS, _BRISK, _STROLLS = (15.0, 30.0), (3.5, 6.0), (5.0, 6.0), (2.0, 3.0)  # km/h
_BEHIND = 75.0  # metres: three lamps


@dataclass(frozen=True)
class Passage:
    """One or several who go together; times are seconds from the beginning of the block."""

    what: str
    people: tuple[Trajectory, ...]


@dataclass(frozen=True)
class Block:
    """What happens together. `lasts` until all have gone past the lamps."""

    passages: tuple[Passage, ...]
    lasts: float


class Planner:
    """Draws passages along lamps that stand from `first` to `last` metres."""

    def __init__(self, seed: int | str, first: float, last: float) -> None:
        self._chance = random.Random(f"{seed}/passages")
        self._first, self._last = first, last

    def blocks(self) -> Iterator[Block]:
        """The whole plan: 21 passages, of which the first two blocks have five."""
        meets = self._chance.uniform(45, 65)
        yield self._block(self.cyclist(0), self.walker(15, pace=_BRISK), self.cyclist(meets, back=True))
        yield self._block(self.cyclist(0), self.cyclist(3, back=True, turns=True))
        yield self._block(self.walker(0, back=True))
        yield self._block(self.walker(0), self.walker(self._chance.uniform(0, 30), back=True))
        yield self._block(self.walker(0, turns=True))
        yield self._block(*self._stream((3, 1), back=False))
        yield self._block(self.cyclist(0, back=True))
        yield self._block(*self._stream((1, 1, 1), back=True), self.cyclist(90))
        yield self._block(*(self.cyclist(number * self._chance.uniform(14, 20)) for number in range(4)))
        yield self._block(self.walker(0, pace=_STROLLS))

    def trouble(self) -> Block:
        """A cyclist, and a walker some way behind: what passes while something is wrong."""
        return self._block(self.cyclist(0), self.walker(15, pace=_BRISK))

    def cyclist(self, begins: float, *, back: bool = False, turns: bool = False) -> Passage:
        """One at 15 to 30 km/h; `back`: from the last lamp to the first; `turns`: round half way, and back."""
        speed = self._chance.uniform(*_CYCLES) * _KMH
        across = self._chance.uniform(4.5, 6.0)
        return Passage("cyclist", (Trajectory(Kind.CYCLIST, across, self._path(begins, speed, back, turns)),))

    def walker(
        self, begins: float, *, many: int = 1, back: bool = False, turns: bool = False, pace: Range = _WALKS
    ) -> Passage:
        """One or several who walk together, at 2 to 6 km/h."""
        speed = self._chance.uniform(*pace) * _KMH
        path = self._path(begins, speed, back, turns)
        people = []
        for number in range(many):
            later = number * self._chance.uniform(0.3, 1.2)
            people.append(
                Trajectory(
                    Kind.ADULT, self._chance.uniform(1.5, 4.0), tuple((at + later, metres) for at, metres in path)
                )
            )
        return Passage("group" if many > 1 else "walker", tuple(people))

    def _stream(self, sizes: tuple[int, ...], *, back: bool) -> Iterator[Passage]:
        # One after the other, each three lamps behind when they appear, and slower than those before.
        begins = 0.0
        for size in sizes:
            passage = self.walker(begins, many=size, back=back)
            path = passage.people[0].path
            begins += _BEHIND * (path[-1][0] - path[0][0]) / abs(path[-1][1] - path[0][1])
            yield passage

    def _path(self, begins: float, speed: float, back: bool, turns: bool) -> tuple[tuple[float, float], ...]:
        whence, whither = self._first - _BEFORE, self._last + _PAST
        if back:
            whence, whither = self._last + _BEFORE, self._first - _PAST
        stops = [whence, whither]
        if turns:
            turn = self._first + (self._last - self._first) * self._chance.uniform(0.4, 0.75)
            stops = [whence, turn if not back else self._first + self._last - turn, whence]
            stops[-1] += (_PAST - _BEFORE) * (1 if back else -1)
        path = [(begins, stops[0])]
        for stop in stops[1:]:
            path.append((path[-1][0] + abs(stop - path[-1][1]) / speed, stop))
        return tuple(path)

    def _block(self, *passages: Passage) -> Block:
        return Block(passages, max(self._gone(one) for passage in passages for one in passage.people))

    def _gone(self, one: Trajectory) -> float:
        # When they are out of sight of all lamps for good.
        (left, whence), (ends, whither) = one.path[-2:]
        edge = self._last + _BEFORE if whither > whence else self._first - _BEFORE
        return left + (ends - left) * (edge - whence) / (whither - whence)


def moved(passage: Passage, by: float) -> Passage:
    """The same, `by` seconds later."""
    return Passage(
        passage.what,
        tuple(
            Trajectory(one.kind, one.across, tuple((at + by, metres) for at, metres in one.path))
            for one in passage.people
        ),
    )
