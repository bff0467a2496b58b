"""How bright the lamp is when nobody passes: as the last plan says that was heard, and when in doubt, lit.

    plan    (dusk, dawn, base, dim, dim from, dim to, half from, half to)     seconds and permille

All times count from the same beginning as `now`, be it the tick or a clock. The gateway computes them, with the town's
hours of the day and its summer time. From dusk to dawn the lamp is at `base`, within the dim hours at `dim`. `half
from` and `half to` are 22:00 and 06:00 of that night: they say only what the fixed schedule would use to which ours is
compared. A plan serves the night before it and those after it, too, seven at the most, and grows a little at both ends
with each.
"""

from micropython import const

LIT = const(1000)

_DAY = const(86400)
_NIGHTS = const(7)
_DRIFT = const(240)  # by no more does the sun set later or earlier from one day to the next, up to 65° of latitude
_LONGEST = const(79200)  # of nights, 22 hours
_HALF = const(500)
_BY_DAY = const(-(1 << 29))  # no time that counts from a beginning


def level(plan, now, bright=False):
    """Permille, as an eye sees it, at `now`; `bright` when somebody comes, which is no matter by day."""
    then = _as_tonight(plan, now)
    if then is None:
        return LIT
    if then == _BY_DAY:
        return 0
    _, _, base, dim, begin, end, _, _ = plan
    return min(base, dim) if begin <= then < end and not bright else base


def fixed(plan, now):
    """Permille of full power that the schedule of old would use at `now`: all when dark, half in the late hours."""
    then = _as_tonight(plan, now)
    if then == _BY_DAY:
        return 0
    return _HALF if then is not None and plan[6] <= then < plan[7] else LIT


def _as_tonight(plan, now):
    # `now` as it would be in the plan's own night; _BY_DAY; None: the plan is not to be relied on.
    if not plan or len(plan) != 8:
        return None
    dusk, dawn, base, dim = plan[:4]
    if not (0 < dawn - dusk <= _LONGEST and 0 < base <= LIT and 0 <= dim <= LIT):
        return None
    nights = (now - dusk + (_NIGHTS + 1) * _DRIFT) // _DAY  # a dusk is looked for as early as the last may be
    if not -1 <= nights <= _NIGHTS:
        return None
    then = now - nights * _DAY
    grown = abs(nights) * _DRIFT
    return then if dusk - grown <= then < dawn + grown else _BY_DAY
