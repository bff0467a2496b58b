"""Whether a node agrees with its neighbours: robustly, and only where these agree among themselves.

The sun on one shell and not on the other is no fault, and hides one. So in the sun nobody is sure, and what was sure
last, in the night or under clouds, goes on for at most a day. Who is far from neighbours that do not agree is so now,
and nothing follows from it for later.
"""

import enum
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from statistics import median

FEWEST = 3  # neighbours without which nothing is said
HELD_HOURS = 24  # for which a verdict holds while nobody is sure
_SIGMA = 1.4826  # of a normal distribution, for a MAD of 1
_FAR = 4.0  # deviations of the neighbours beyond the limit that are a disagreement in any weather
_MOST = 0.75
_CLOSE = 0.5  # the neighbours agree where they deviate by no more than this share of the limit


class Agreement(enum.Enum):
    """What is known of one channel of one node at one time."""

    ALONE = "alone"  # not measured, or too few neighbours
    UNSURE = "unsure"  # the neighbours do not agree among themselves
    AGREES = "agrees"
    ABOVE = "above"
    BELOW = "below"
    FAR_ABOVE = "far above"  # of all of them, though they do not agree
    FAR_BELOW = "far below"
    SENSOR = "its sensor"  # another channel of its sensor is above or below

    @property
    def apart(self) -> bool:
        """Whether it is far from its neighbours by what it says itself."""
        return self in {Agreement.ABOVE, Agreement.BELOW, Agreement.FAR_ABOVE, Agreement.FAR_BELOW}

    @property
    def holds(self) -> bool:
        """Whether it goes on while nobody is sure."""
        return self in {Agreement.AGREES, Agreement.ABOVE, Agreement.BELOW}


def compare(own: float | None, others: Sequence[float], apart: float, share: float = 0.0) -> Agreement:
    """`own` and the neighbours' values of the same hour, in any one unit; `apart` and `share` as in `Checks`."""
    if own is None or len(others) < FEWEST:
        return Agreement.ALONE
    middle = median(others)
    spread = _SIGMA * median(abs(other - middle) for other in others)
    limit = max(apart, share * abs(middle))
    off = own - middle
    if spread > _CLOSE * limit:
        if abs(off) <= limit + _FAR * spread:
            return Agreement.UNSURE
        return Agreement.FAR_ABOVE if off > 0 else Agreement.FAR_BELOW
    if abs(off) <= limit:
        return Agreement.AGREES
    return Agreement.ABOVE if off > 0 else Agreement.BELOW


def held(now: Agreement, before: Iterable[Agreement], steady: int = 0) -> Agreement:
    """`now`, or where nobody is sure the last of `before` (the newest first) that was.

    With `steady`: what three quarters of the last so many say that were sure, if there are half as many; for morning
    and evening sun finds one shell before the others, and then they agree among themselves.
    """
    if now in {Agreement.FAR_ABOVE, Agreement.FAR_BELOW} or (now is not Agreement.UNSURE and not steady):
        return now
    sure = list(islice((one for one in chain((now,), before) if one.holds), max(1, steady)))
    if sure and 2 * len(sure) >= steady:
        for one in (Agreement.ABOVE, Agreement.BELOW):
            if sure.count(one) >= _MOST * len(sure):
                return one
    return Agreement.AGREES if sure else now
