"""How full a bin is now, whatever single soundings say."""

from collections.abc import Sequence
from statistics import median

from stoep.refine.bins.sounding import HOUR, Seen

_RECENT = 1.25 * HOUR  # five soundings at a quarter of an hour: two of them may be wrong
_FEWEST = 3
_OLDEST = 24 * HOUR  # of these three, where a node saves its battery


def robust(seen: Sequence[Seen], emptied: float | None) -> float | None:
    """The middle quartile (%) of the last hour and a quarter, of the last three at least; only since `emptied`."""
    if not seen:
        return None
    newest = seen[-1].at
    since = max(newest - _OLDEST, emptied if emptied is not None else newest - _OLDEST)
    levels = [s for s in seen if s.at >= since]
    recent = [s.level for s in levels if s.at > newest - _RECENT]
    return median(recent if len(recent) >= _FEWEST else [s.level for s in levels[-_FEWEST:]])
