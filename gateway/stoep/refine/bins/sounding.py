"""What a bin's range finder said, and what of it can be waste at all.

An open lid sounds the street, a floor is no deeper than it was yesterday, and waste is never still to the millimetre
for hours. What is near the finder (a bag's echo, a web) looks like waste; `emptying.py` copes with it.
"""

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import NamedTuple

_LEVELS = range(3, 98)  # the node clips a level to 0..100, and only what is well inside tells of the bin's depth
_FEWEST, _SPREAD = 8, 6  # soundings that a depth is found from, and %: how far they must lie apart
_ROUNDED = 1.0  # %: a level is whole, so no honest one is farther from the line
_BELOW = 8.0  # %: deeper than the floor by more, it is not the floor
_ABOVE = 112.0  # %: waste piled up to the lid
_STILL = 24  # soundings that are the same to the millimetre: nobody measured
HOUR = 3600.0


class Sounding(NamedTuple):
    """One sample: Unix seconds of taking, the node's own level (%), and the distance (mm) where there is one."""

    at: float
    level: int
    distance: int | None


class Seen(NamedTuple):
    """A sounding that may be waste: Unix seconds, how full (%; over 100: over the line that is called full)."""

    at: float
    level: float


class Depth(NamedTuple):
    """From mm to %: what the node calculates with, found out from what it says."""

    empty: float  # mm down to the floor
    percent: float  # % a mm

    def level(self, distance: int) -> float:
        return (self.empty - distance) * self.percent


def depth(soundings: Iterable[Sounding]) -> Depth | None:
    """A line through levels and distances; None where they tell too little, or of two depths (it was set anew)."""
    pairs = [(s.distance, s.level) for s in soundings if s.distance is not None and s.level in _LEVELS]
    if len(pairs) < _FEWEST:
        return None
    levels = [level for _, level in pairs]
    if max(levels) - min(levels) < _SPREAD:
        return None
    far, high = fmean(mm for mm, _ in pairs), fmean(levels)
    spread = sum((mm - far) ** 2 for mm, _ in pairs)
    slope = sum((mm - far) * (level - high) for mm, level in pairs) / spread if spread else 0.0
    if slope >= 0:
        return None
    found = Depth(far - high / slope, -slope)
    if any(abs(found.level(mm) - level) > _ROUNDED for mm, level in pairs):
        return None
    return found


def believed(soundings: Sequence[Sounding]) -> list[Seen]:
    """Those that may be waste, in their order, as finely as the distance tells. One a sample, sorted by time."""
    known = depth(soundings)
    kept = []
    for sounding in _moving(soundings):
        level = float(sounding.level)
        if known is not None and sounding.distance is not None:
            level = known.level(sounding.distance)
        if -_BELOW <= level <= _ABOVE:
            kept.append(Seen(sounding.at, max(0.0, level)))
    return kept


def stands_still(soundings: Sequence[Sounding]) -> bool:
    """Whether the newest of them only repeat one measurement."""
    last = [sounding.distance for sounding in soundings[-_STILL:]]
    return len(last) == _STILL and last[0] is not None and len(set(last)) == 1


def _moving(soundings: Sequence[Sounding]) -> list[Sounding]:
    """Without what only repeats: of a run of equal distances the first stays."""
    kept: list[Sounding] = []
    begun = 0
    for index, sounding in enumerate(soundings):
        if sounding.distance is None or sounding.distance != soundings[begun].distance:
            begun = index
        if index - begun + 1 < _STILL:
            kept.append(sounding)
        elif index - begun + 1 == _STILL:
            del kept[len(kept) - (_STILL - 2) :]
    return kept
