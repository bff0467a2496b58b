"""What a window says of its bin, from the soundings of the last days and the days summed up before."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from stoep.refine.bins.days import HOURS, Day, summed
from stoep.refine.bins.emptying import BELIEVED, Emptying, emptyings, jump
from stoep.refine.bins.forecast import FARTHEST, FULL, Now, Span, full_in
from stoep.refine.bins.level import robust
from stoep.refine.bins.pattern import Pattern
from stoep.refine.bins.sounding import HOUR, Sounding, believed, stands_still

LEAD = 24 * HOUR  # of soundings before today that tell what the bin was like
BEFORE_DAY = 6 * HOUR  # of soundings before a day that is summed up
TAIL = HOUR  # after a day: an emptying needs a few soundings to be sure of
_STALE = 3 * HOUR
_AT_ONCE = 20.0  # %: what makes a bin full all at once may hang before the finder


class Said(NamedTuple):
    """`robust` in %; of `full_in` and `reason` one is None."""

    robust: float | None
    emptied: Emptying | None
    full_in: Span | None
    reason: str | None


def midnight(at: float, zone: tzinfo) -> tuple[int, float]:
    """The ordinal of the date that `at` (Unix s) has at the bin, and when it began."""
    date = datetime.fromtimestamp(at, zone).date()
    return date.toordinal(), datetime(date.year, date.month, date.day, tzinfo=zone).timestamp()


def day_of(number: int, zone: tzinfo, soundings: Sequence[Sounding]) -> Day:
    """A day that is over, of soundings from BEFORE_DAY before it to TAIL after it."""
    date = datetime.fromordinal(number)
    seen = believed(soundings)
    return summed(number, date.replace(tzinfo=zone).timestamp(), seen, emptyings(seen))


def fill(soundings: Sequence[Sounding], until: float, pattern: Pattern | None, zone: tzinfo) -> Said:
    """At `until` (Unix s), of the soundings of the LEAD before today and of today; `pattern` of the days before it."""
    seen = [s for s in believed(soundings) if s.at < until]
    found = [e for e in emptyings(seen) if e.confidence >= BELIEVED]
    emptied = found[-1] if found else None
    level = robust(seen, emptied.at if emptied else None)
    if level is None:
        return Said(None, None, None, "nothing of the waste was seen for a day")
    if stands_still(soundings):
        return Said(level, emptied, None, "the range finder only repeats itself")
    if until - seen[-1].at > _STALE:
        return Said(level, emptied, None, f"the waste was last seen {(until - seen[-1].at) / HOUR:.0f} hours ago")
    begun = next((i for i, s in enumerate(seen) if emptied and s.at >= emptied.at), 0)
    if level >= FULL and jump(seen, begun, len(seen), 0.0)[2] >= _AT_ONCE:
        return Said(level, emptied, None, "it was full all at once: something may hang before the range finder")
    if pattern is None:
        return Said(level, emptied, None, "the bin was not watched for a whole day yet")
    number, begins = midnight(until, zone)
    now = Now((number - 1) % 7, min(HOURS - 1e-6, (until - begins) / HOUR))
    span = full_in(pattern, level, now, summed(number, begins, seen, found))
    if span is None:
        return Said(level, emptied, None, f"at this pace it is not full in {FARTHEST // HOURS} days")
    return Said(level, emptied, span, None)
