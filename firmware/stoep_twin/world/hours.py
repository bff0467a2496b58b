"""The hours of a street: how busy each is, and how what happens in them follows one another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

DAY = 86400.0
HOUR = 3600.0
_SUMMER_TIME = 2 * HOUR  # people live by it; they are not put back in winter
_SHOPS_OPEN, _SHOPS_SHUT = 7, 21


def hour_of(at: float) -> int:
    """The number of the hour, since 1970."""
    return math.floor(at / HOUR)


def onwards(of_hour: Callable[[int], tuple[float, ...]], since: float) -> Iterator[float]:
    """The instants of all hours from `since` on, in order and without end."""
    for hour in itertools.count(hour_of(since)):
        yield from (at for at in of_hour(hour) if at >= since)


def time_of_day(at: float) -> float:
    """What the clocks of the street say, in hours from midnight."""
    return (at + _SUMMER_TIME) % DAY / HOUR


def bustle(at: float) -> float:
    """How busy the street is, 0 to 1: two rush hours and something between them."""
    hour = time_of_day(at)
    rush = math.exp(-(((hour - 8) / 1.5) ** 2)) + math.exp(-(((hour - 17) / 2) ** 2))
    return min(1.0, 0.03 + rush + (0.3 if _SHOPS_OPEN < hour < _SHOPS_SHUT else 0.0))
