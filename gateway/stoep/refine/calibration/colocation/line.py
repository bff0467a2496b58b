"""Straight lines through a cloud: one that a third of the points cannot turn, and the closest one.

Theil and Sen: the median of the slopes between all points, which up to 29 % of wrong ones cannot pull away. It finds
who belongs to the crowd. Least squares of the crowd then says the line more exactly and is made of sums alone, so any
days can be left out or drawn again at the price of an addition.
"""

import itertools
import random
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_PICKED = 50  # points that are compared each with each


class Line(NamedTuple):
    """y = gain × x + offset"""

    gain: float
    offset: float

    def at(self, x: float) -> float:
        return self.gain * x + self.offset


def theil_sen(x: Sequence[float], y: Sequence[float]) -> Line | None:
    """None where all x are one."""
    points = list(zip(x, y, strict=True))
    picked = random.Random(len(points)).sample(points, min(_PICKED, len(points)))  # every nth falls in step with hours
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(picked, 2) if b[0] != a[0]]
    if not slopes:
        return None
    gain = statistics.median(slopes)
    return Line(gain, statistics.median(one - gain * other for one, other in zip(y, x, strict=True)))


class Sums(NamedTuple):
    """All that least squares needs to know of some points."""

    n: float = 0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    yy: float = 0.0

    def __add__(self, other: "Sums") -> "Sums":  # type: ignore[override]  # a tuple's would be a longer tuple
        return Sums(*map(sum, zip(self, other, strict=True)))

    def times(self, often: int) -> "Sums":
        return Sums(*(often * one for one in self))

    def line(self) -> Line | None:
        """Of y on x: what will be known is the reading, and what is asked is the reference."""
        spread = self.n * self.xx - self.x * self.x
        if self.n < 2 or spread <= 1e-9 * max(1.0, self.n * self.xx):  # noqa: PLR2004 -- two points make a line
            return None
        gain = (self.n * self.xy - self.x * self.y) / spread
        return Line(gain, (self.y - gain * self.x) / self.n)

    def squares(self, line: Line) -> float:
        """The sum of the squared distances from it."""
        gain, offset = line
        within = self.yy - 2 * gain * self.xy - 2 * offset * self.y + gain * gain * self.xx
        return max(0.0, within + 2 * gain * offset * self.x + self.n * offset * offset)


def sums(points: Iterable[tuple[float, float]]) -> Sums:
    n, x, y, xx, xy, yy = 0, 0.0, 0.0, 0.0, 0.0, 0.0
    for one, other in points:
        n, x, y = n + 1, x + one, y + other
        xx, xy, yy = xx + one * one, xy + one * other, yy + other * other
    return Sums(n, x, y, xx, xy, yy)
