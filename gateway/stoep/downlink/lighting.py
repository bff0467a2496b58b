"""Tonight, from the sun over the site and the town's hours: when it is dark, and how much light is then usual.

When in doubt, lit: a night whose dusk or dawn does not come has no plan, and lamps without one are lit; where the clock
is changed, dim hours begin at the later and end at the earlier of what a time of day may mean.
"""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import dawn, dusk

from stoep.settings import Lighting, Site, after_noon
from stoep.wire.light import Plan

_DAY = 86_400
_LONGEST = 79_200  # 22 hours: as long as a node takes a night to be
_NOON = 12 * 60  # minutes
_STRAIGHT_TO = 0.008856  # of full light: there CIE's curve begins to bend
_HALF_FROM, _HALF_TO = "22:00", "06:00"  # of the fixed schedule to which lamps compare what they use
_AROUND = range(-2, 4)  # days in UTC that the nights around an instant may touch, wherever the site is


def tonight(now: float, site: Site, lighting: Lighting) -> Plan | None:
    """The night that is at `now`, else the coming one, all in Unix seconds; None when there is none."""
    if site.latitude is None or site.longitude is None or site.timezone is None:
        return None
    observer = Observer(site.latitude, site.longitude)
    today = datetime.fromtimestamp(now, UTC).date()
    days = [today + timedelta(n) for n in _AROUND]
    dusks, dawns = ([_when(event, observer, day, lighting.dusk) for day in days] for event in (dusk, dawn))
    for begins in sorted(at for at in dusks if at is not None):
        ends = min((at for at in dawns if at is not None and at > begins), default=math.inf)
        if ends - begins <= _LONGEST and now < ends and begins - now < _DAY:
            return _plan(round(begins), round(ends), ZoneInfo(site.timezone), lighting)
    return None


def _when(
    event: Callable[[Observer, date, float, tzinfo], datetime], observer: Observer, day: date, degrees: float
) -> float | None:
    try:
        return event(observer, day, degrees, UTC).timestamp()
    except ValueError:  # the sun does not go so low, or always is
        return None


def _plan(begins: int, ends: int, zone: ZoneInfo, lighting: Lighting) -> Plan:
    evening = day_of(begins, zone)
    dim_from = max(_instants(evening, lighting.dim_from, zone))
    dim_to = max(min(_instants(evening, lighting.dim_to, zone)), dim_from)
    half_from, half_to = (_instants(evening, hour, zone)[0] for hour in (_HALF_FROM, _HALF_TO))
    base, dim = level(lighting.base), level(lighting.dim)
    return Plan(begins, ends, base, dim, dim_from, dim_to, half_from, half_to)


def level(percent: float) -> int:
    """The permille that an eye sees in so many percent of full light: CIE 1931's lightness, L* = 116 Y^(1/3) - 16."""
    share = percent / 100
    return round(10 * (share * 903.3 if share <= _STRAIGHT_TO else 116 * share ** (1 / 3) - 16))


def day_of(now: float, zone: tzinfo) -> date:
    """The town's day at `now`, which begins at noon, so that a whole night is of one."""
    return (datetime.fromtimestamp(now, zone).replace(tzinfo=None) - timedelta(minutes=_NOON)).date()


def _instants(evening: date, hour: str, zone: tzinfo) -> tuple[int, int]:
    """When it is `hour` in the night that begins on `evening`, as the clock is before and after a change in it."""
    wall = datetime.combine(evening, time()) + timedelta(minutes=_NOON + after_noon(hour))
    before, after = (int(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    return before, after
