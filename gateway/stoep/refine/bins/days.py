"""A day of a bin in 24 pairs of numbers: what came in each hour, and how much of the hour somebody looked.

That is all the pattern is learned from, so five weeks of a bin are seven kilobytes, and a day is added up once.
"""

import itertools
from array import array
from collections import deque
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from stoep.refine.bins.emptying import BELIEVED, Emptying
from stoep.refine.bins.sounding import HOUR, Seen

HOURS = 24
_HALF = 2  # soundings to either side that smooth one
_APART = 3 * HOUR  # farther apart, nobody knows when it came
_ECHO = 2.5 * HOUR
_BRIM = 98.0  # %: here a level rises no more, or something hangs before the finder


class Day(NamedTuple):
    """`number`: the date's ordinal (Monday: 1 modulo 7); % that came in each hour, and the share of it that was seen.

    `emptied`: the last time it was emptied that day (Unix s).
    """

    number: int
    came: Sequence[float]
    watched: Sequence[float]
    emptied: float | None = None


def summed(number: int, begins: float, seen: Sequence[Seen], emptied: Sequence[Emptying]) -> Day:
    """The 24 hours from `begins` on (Unix s), of soundings that may reach beyond them on either side."""
    came, watched = [0.0] * HOURS, [0.0] * HOURS
    for first, second in _steps(seen, emptied):
        rise, lasts = second.level - first.level, second.at - first.at
        at = max(first.at, begins)
        while at < min(second.at, begins + HOURS * HOUR):
            hour = int((at - begins) // HOUR)
            until = min(second.at, begins + (hour + 1) * HOUR)
            came[hour] += rise * (until - at) / lasts
            watched[hour] += (until - at) / HOUR
            at = until
    own = [e.at for e in emptied if e.confidence >= BELIEVED and begins <= e.at < begins + HOURS * HOUR]
    return Day(number, array("f", came), array("f", watched), max(own, default=None))


def _steps(seen: Sequence[Seen], emptied: Sequence[Emptying]) -> list[tuple[Seen, Seen]]:
    """From one sounding to the next, smoothed, but not across an emptying or a gap, nor where it is full."""
    cuts = [e.at for e in emptied if e.confidence >= BELIEVED]
    steps = []
    begun = 0
    for cut in [*cuts, float("inf")]:
        ended = begun
        while ended < len(seen) and seen[ended].at < cut:
            ended += 1
        cycle = _settled(_smooth(seen[begun:ended]))
        steps += [
            (one, other)
            for one, other in itertools.pairwise(cycle)
            if 0 < other.at - one.at <= _APART and max(one.level, other.level) < _BRIM
        ]
        begun = ended
    return steps


def _smooth(cycle: Sequence[Seen]) -> list[Seen]:
    return [
        Seen(s.at, median(near.level for near in cycle[max(0, i - _HALF) : i + _HALF + 1])) for i, s in enumerate(cycle)
    ]


def _settled(cycle: Sequence[Seen]) -> list[Seen]:
    """Each as low as what follows it in two hours and a half: echoes go away in that time, waste stays."""
    kept: list[Seen] = []
    coming: deque[Seen] = deque()  # those that may be the lowest to come, from the end on; the lowest first
    for s in reversed(cycle):
        while coming and coming[-1].level >= s.level:
            coming.pop()
        coming.append(s)
        while coming[0].at > s.at + _ECHO:
            coming.popleft()
        kept.append(Seen(s.at, coming[0].level))
    return kept[::-1]
