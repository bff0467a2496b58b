"""A lamp's light over time, and what an eye makes of it.

Light is the share of the lamp's full light, 0 to 1; a level is in permille, as an eye sees it: the lightness of CIE
1931 (CIE 15). What the lamps are told in levels is judged here in light, so the twin reckons it for itself.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from itertools import pairwise

_LINEAR_TO = 8.0  # L* up to which CIE's curve is a straight line


def of_level(permille: float) -> float:
    """The light that looks like `permille` of full light."""
    lightness = permille / 10
    return lightness / 903.3 if lightness <= _LINEAR_TO else ((lightness + 16) / 116) ** 3


class History:
    """Steps of light at exact instants (Unix s), the last of which lasts."""

    def __init__(self, at: float, light: float) -> None:
        self._times = [at]
        self._lights = [light]

    def note(self, at: float, light: float) -> None:
        """From `at` on it is `light`. A step told late is taken to come after those before it."""
        if light == self._lights[-1]:
            return
        self._times.append(max(at, self._times[-1]))
        self._lights.append(light)

    def _index(self, when: float) -> int:
        return max(0, bisect.bisect_right(self._times, when) - 1)

    def at(self, when: float) -> float:
        """The light at an instant; before the beginning as at it."""
        return self._lights[self._index(when)]

    @property
    def last(self) -> float:
        """The light now."""
        return self._lights[-1]

    @property
    def changed(self) -> float:
        """When it last changed."""
        return self._times[-1]

    def pieces(self, since: float, until: float) -> Iterator[tuple[float, float, float]]:
        """(from, to, light) of each step between two instants, in order and without gaps."""
        first = max(1, bisect.bisect_right(self._times, since))
        edges = [since, *self._times[first : bisect.bisect_left(self._times, until)], until]
        for (begins, ends), light in zip(pairwise(edges), self._lights[first - 1 :], strict=False):
            if ends > begins:
                yield begins, ends, light

    def mean(self, since: float, until: float) -> float:
        """The mean light between two instants."""
        return sum((ends - begins) * light for begins, ends, light in self.pieces(since, until)) / (until - since)

    def lit(self, since: float, until: float) -> float:
        """The seconds between two instants in which there is any light."""
        return sum(ends - begins for begins, ends, light in self.pieces(since, until) if light > 0)

    def above_from(self, when: float, light: float) -> float | None:
        """The first instant, not before `when`, at which there is more than `light`; None: never."""
        for place in range(self._index(when), len(self._times)):
            if self._lights[place] > light:
                return max(when, self._times[place])
        return None

    def rises(self, light: float, since: float, until: float) -> Iterator[float]:
        """The instants between two others at which more than `light` begins."""
        was = self.at(since)
        for begins, _, now in self.pieces(since, until):
            if was <= light < now:
                yield begins
            was = now

    def at_least_since(self, when: float, light: float) -> float | None:
        """From when on there has been `light` or more without a break up to `when`; None: there is less then."""
        place = self._index(when)
        if self._lights[place] < light:
            return None
        while place > 0 and self._lights[place - 1] >= light:
            place -= 1
        return self._times[place]
