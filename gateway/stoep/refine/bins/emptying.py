"""When a bin was emptied: its level fell, stayed low, and what had been above it was waste.

A fall is none where a bag slumps (it leaves a part of itself), where an echo or a web before the finder goes away (the
level is what it was before that came), or in a single sounding.
"""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from stoep.refine.bins.sounding import HOUR, Seen

BELIEVED = 0.5  # confidence from which on an emptying is told
_BEFORE = 5  # soundings whose median is the level before, whatever single ones said
_AFTER = 4  # from the fall on, of which one may be an echo
_SURE = (0.3, 0.75, 0.97)  # by how many have stayed low
_FALL = 6.0  # %: less is noise, or not worth a message
_FLOOR = 12.0  # %: an emptied bin is not higher
_PART = 20.0  # %: a fall so deep is an emptying even where something was left
_FILLS = 3.0  # % an hour that it may have filled again while nobody looked
_LEFT = 3.0  # %: what slumps leaves more of itself
_BLOCKED = 95.0  # %: where what hangs before the finder is seen
_UNDER = 3  # soundings whose median is the level before a jump
_ONCE = 1.5 * HOUR  # two in so short a time are one
_BRIEF = 2.5 * HOUR  # an echo rarely lasts longer
_LONG = 12 * HOUR  # it never does, nor does a bag stand so long and slump


class Emptying(NamedTuple):
    """`at`: the first sounding of the emptied bin, `since`: the last one before it (Unix s); levels in %."""

    at: float
    since: float
    before: float
    after: float
    confidence: float


def emptyings(seen: Sequence[Seen]) -> list[Emptying]:
    """All of them, in order; the newest may still be unsure, for want of soundings after it."""
    found: list[Emptying] = []
    begun = 0  # where the bin was empty last, or where its history begins
    for index in range(1, len(seen)):
        if index == begun:
            continue
        emptied = _at(seen, begun, index)
        if emptied is not None:
            if not found or emptied.since - found[-1].at > _ONCE:  # a new bag's echo goes away later than the waste
                found.append(emptied)
            begun = index
    return found


def _at(seen: Sequence[Seen], begun: int, index: int) -> Emptying | None:
    after = seen[index].level
    if after > seen[index - 1].level - _FALL or seen[index].at - seen[0].at < _BRIEF:
        return None  # so early nobody knows whether what was before it was an echo
    before = median([s.level for s in seen[max(begun, index - _BEFORE) : index]])
    highest = before - _FALL
    if after > highest:
        return None
    then = [s.level for s in seen[index : index + _AFTER]]
    low = [level for level in then if level <= highest]
    echoes = len(then) - len(low)
    if (echoes > 1 and low != then[: len(low)]) or (echoes and len(low) == 1):
        return None
    share = _share(seen, begun, index, before, after)
    if share == 0:
        return None
    sure = _SURE[min(len(low), len(_SURE)) - 1]
    return Emptying(seen[index].at, seen[index - 1].at, before, after, round(share * sure, 2))


def _share(seen: Sequence[Seen], begun: int, index: int, before: float, after: float) -> float:
    """How sure a fall is an emptying by its shape, 0 to 1."""
    unseen = (seen[index].at - seen[index - 1].at) / HOUR
    floor = _FLOOR + (min(_PART, _FILLS * unseen) if unseen > 1 else 0.0)
    at, under, rise = jump(seen, begun, index, after)
    stood = seen[index].at - at
    waste = before
    if rise > 0 and (before >= _BLOCKED or stood < _LONG):  # what came at once may never have been waste
        waste = before - rise if before > under + rise / 2 else min(before, under)
    least = _LEFT if rise > 0 else _FALL
    if after <= floor and waste - after >= (least if after <= _FLOOR else 2 * _FALL):
        return 1.0
    if waste - after >= _PART:
        return 0.75
    if after > min(floor, under + _LEFT) or before >= _BLOCKED or stood < _BRIEF:
        return 0.0
    return 0.7


def jump(seen: Sequence[Seen], begun: int, index: int, after: float) -> tuple[float, float, float]:
    """(when, from which level, by how much) the level rose farthest from one sounding to the next, and stayed risen.

    Looked for before `index`, as far back as `begun`, or as the level was last as low as `after`.
    """
    found = seen[begun].at, after, 0.0
    lowest = float("inf")
    for later in range(index - 1, begun, -1):
        lowest = min(lowest, seen[later].level)
        if lowest <= after + _LEFT:
            break
        under = median([s.level for s in seen[max(begun, later - _UNDER) : later]])
        if lowest - under > max(_FALL, found[2]):
            found = seen[later].at, under, lowest - under
    return found
