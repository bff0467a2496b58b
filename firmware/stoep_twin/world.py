"""The truth: a day's weather, bins that fill and are emptied, batteries that drain. Seeded, so a run can be repeated.

Everything is a function of time alone; nothing has to be stepped, and a board may look at any moment twice.
"""

from __future__ import annotations

import bisect
import itertools
import math
import random
from collections.abc import Callable, Iterator
from functools import lru_cache

from stoep_twin.chips.bme280 import Climate
from stoep_twin.chips.pms5003 import Dust

_DAY = 86400.0
_HOUR = 3600.0
EMPTY_MM = 1200  # to the floor of the bin
_SHOPS_OPEN, _SHOPS_SHUT = 7, 21
_BUSIEST = 25  # people an hour
_MOST_OPENINGS = 8  # of a lid, an hour
_SLOTS = 120
LID_OPEN_S = 8.0
LID_DEGREES = 60.0
_LID_SWINGS_S = 0.6
_KNOCK_S = 0.04  # shorter than the pause between two samples at 10 Hz: it may be missed
FULL_MM = 200  # to the waste when it is called full


class _Wander:
    """A slow random walk that is a function of time: sums of sines with seeded phases."""

    def __init__(self, chance: random.Random, size: float, period: float) -> None:
        self._waves = [
            (
                size / (i + 1),
                2 * math.pi * (i + 1) / (period * chance.uniform(0.8, 1.2)),
                chance.uniform(0, 2 * math.pi),
            )
            for i in range(3)
        ]

    def at(self, seconds: float) -> float:
        return sum(size * math.sin(rate * seconds + phase) for size, rate, phase in self._waves)


class Place:
    """What surrounds one node; all times are Unix seconds."""

    def __init__(self, seed: int, index: int, start: float) -> None:
        chance = random.Random(f"{seed}/{index}")
        weather = random.Random(f"{seed}/weather")  # the same over the whole street
        self._mean = weather.uniform(8, 22)
        self._swing = weather.uniform(4, 9)
        self._drift = _Wander(weather, 1.5, 1.7 * _DAY)
        self._wet = weather.uniform(55, 75)
        self._wetness = _Wander(weather, 5, 0.9 * _DAY)
        self._sea = weather.uniform(99500, 102500)
        self._barometer = _Wander(weather, 500, 2.3 * _DAY)
        self._shell = chance.uniform(-0.8, 0.8)  # sun or shade
        self._damp = chance.uniform(-4, 4)
        self._above = chance.uniform(0, 25) * 12  # Pa for the metres above the reference
        self._clouds = _Wander(weather, 0.2, 0.3 * _DAY)
        self._smoke = _Wander(weather, 6, 0.6 * _DAY)
        self._exhaust = chance.uniform(0.8, 1.2)
        self.lean_degrees = 2.5 * random.Random(f"{seed}/{index}/lean").random()  # as it was set up
        self._opened_by = f"{seed}/{index}/lid"
        self._walked_by = f"{seed}/{index}/passers"
        self.start = start
        self._full_cell = chance.uniform(3.95, 4.15)
        self._drain = chance.uniform(0.004, 0.01) / _DAY
        self._fill_chance = random.Random(f"{seed}/{index}/fill")
        first = chance.uniform(0.15, 0.75)
        hours = self._fill_chance.uniform(2.0, 6.0)
        # One entry a cycle: when the bin was last emptied, and how many seconds it takes to fill.
        self._cycles: list[tuple[float, float]] = [(start - first * hours * _HOUR, hours * _HOUR)]

    def climate(self, at: float) -> Climate:
        """The air under the lid."""
        warmth = self._swing * math.sin(2 * math.pi * (at % _DAY - 9 * _HOUR) / _DAY)
        celsius = self._mean + self._shell + warmth + self._drift.at(at)
        percent = self._wet + self._damp - 2.0 * warmth + self._wetness.at(at)
        return Climate(celsius, self._sea - self._above + self._barometer.at(at), min(98.0, max(12.0, percent)))

    def fill(self, at: float) -> float:
        """How full the bin is, 0 to 1; a lorry comes soon after it is full."""
        while self._cycles[-1][0] + self._cycles[-1][1] <= at:
            begun, takes = self._cycles[-1]
            self._cycles.append((begun + takes, self._fill_chance.uniform(2.0, 6.0) * _HOUR))
        begun, takes = self._cycles[bisect.bisect_right(self._cycles, (at, math.inf)) - 1]
        share = min(1.0, max(0.0, (at - begun) / takes))
        return 0.02 + 0.95 * share

    def distance_mm(self, at: float) -> float:
        """From the range finder down to the waste."""
        return EMPTY_MM - self.fill(at) * (EMPTY_MM - FULL_MM)

    def battery_volts(self, at: float) -> float:
        """The cell, draining through the days."""
        return max(3.0, self._full_cell - (at - self.start) * self._drain)

    def solar_volts(self, at: float) -> float:
        """The panel, unloaded: nothing by night, near its highest as soon as there is some sun."""
        height = math.sin(2 * math.pi * (at % _DAY - 6 * _HOUR) / _DAY)
        return 5.4 * math.sqrt(max(0.0, height)) * min(1.0, 0.8 + self._clouds.at(at))

    def dust(self, at: float) -> Dust:
        """Particles in the air: smoke over the whole street, some of it from its own traffic."""
        fine = self._exhaust * max(2.0, 11 + self._smoke.at(at) + 3 * _bustle(at))
        return Dust(0.65 * fine, fine, 1.4 * fine)

    def co2_ppm(self, at: float) -> float:
        """Carbon dioxide: more by night, when plants breathe out, and with the traffic."""
        night = 12 * math.cos(2 * math.pi * (at % _DAY) / _DAY)
        return 432 + night + 20 * self._exhaust * _bustle(at) + self._drift.at(at)

    def lamp(self, at: float) -> tuple[float, float]:
        """Volts and amperes of a lamp that burns by night."""
        burns = math.sin(2 * math.pi * (at % _DAY - 6 * _HOUR) / _DAY) < 0
        return 24.0, 0.6 if burns else 0.0

    def passers(self, since: float) -> Iterator[float]:
        """When somebody passes, from `since` on, in order and without end."""
        return _onwards(_passers, self._walked_by, since)

    def lid_openings(self, since: float) -> Iterator[float]:
        """When somebody opens the lid, from `since` on, in order and without end."""
        return _onwards(_openings, self._opened_by, since)

    def acceleration(self, at: float) -> tuple[float, float, float]:
        """What the lid feels, in g: gravity along z while it is shut, and a knock when it is opened and shut."""
        angle, knock = math.radians(self.lean_degrees), 0.0
        openings = _openings(self._opened_by, math.floor(at / _HOUR))
        since = min((at - opened for opened in openings if opened <= at), default=_DAY)
        if since < LID_OPEN_S:
            angle += math.radians(LID_DEGREES) * min(1.0, since / _LID_SWINGS_S)
        if since < _KNOCK_S or LID_OPEN_S <= since < LID_OPEN_S + _KNOCK_S:
            knock = 1.0
        return math.sin(angle), 0.0, math.cos(angle) + knock


def _onwards(of_hour: Callable[[str, int], tuple[float, ...]], seed: str, since: float) -> Iterator[float]:
    for hour in itertools.count(math.floor(since / _HOUR)):
        yield from (at for at in of_hour(seed, hour) if at >= since)


def _bustle(at: float) -> float:
    """How busy the street is, 0 to 1: two rush hours and something between them."""
    hour = at % _DAY / _HOUR
    rush = math.exp(-(((hour - 8) / 1.5) ** 2)) + math.exp(-(((hour - 17) / 2) ** 2))
    return min(1.0, 0.03 + rush + (0.3 if _SHOPS_OPEN < hour < _SHOPS_SHUT else 0.0))


@lru_cache(maxsize=4096)
def _passers(seed: str, hour: int) -> tuple[float, ...]:
    chance = random.Random(f"{seed}/{hour}")
    middle = (hour + 0.5) * _HOUR
    mean = _BUSIEST * _bustle(middle)
    return tuple(sorted(hour * _HOUR + chance.uniform(0, _HOUR) for _ in range(round(chance.gauss(mean, mean**0.5)))))


@lru_cache(maxsize=4096)
def _openings(seed: str, hour: int) -> tuple[float, ...]:
    # Each in a slot of its own, early in it, so that the lid is shut again before the next and within its hour.
    chance = random.Random(f"{seed}/{hour}")
    mean = _MOST_OPENINGS * _bustle((hour + 0.5) * _HOUR)
    count = min(_SLOTS, max(0, round(chance.gauss(mean, mean**0.5))))
    slots = sorted(chance.sample(range(_SLOTS), count))
    return tuple(hour * _HOUR + slot * _HOUR / _SLOTS + chance.uniform(1, 15) for slot in slots)


@lru_cache(maxsize=1024)
def metres_from_bridge(seed: int, index: int) -> float:
    """How far down the street this node stands."""
    return random.Random(f"{seed}/{index}/where").uniform(10, 120)
