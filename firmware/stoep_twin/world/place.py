"""What surrounds one node: the air it measures, who passes it, its bin and its battery."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from functools import lru_cache

from stoep_twin.chips.bme280 import Climate
from stoep_twin.chips.pms5003 import Dust
from stoep_twin.world import lid
from stoep_twin.world.fill import Fill
from stoep_twin.world.hours import DAY, HOUR, bustle, onwards
from stoep_twin.world.waves import Wander

_BUSIEST = 25  # people an hour


class Place:
    """What surrounds one node; all times are Unix seconds."""

    def __init__(self, seed: int, index: int, start: float) -> None:
        chance = random.Random(f"{seed}/{index}")
        weather = random.Random(f"{seed}/weather")  # the same over the whole street
        self._mean = weather.uniform(8, 22)
        self._swing = weather.uniform(4, 9)
        self._drift = Wander(weather, 1.5, 1.7 * DAY)
        self._wet = weather.uniform(55, 75)
        self._wetness = Wander(weather, 5, 0.9 * DAY)
        self._sea = weather.uniform(99500, 102500)
        self._barometer = Wander(weather, 500, 2.3 * DAY)
        self._shell = chance.uniform(-0.8, 0.8)  # sun or shade
        self._damp = chance.uniform(-4, 4)
        self._above = chance.uniform(0, 25) * 12  # Pa for the metres above the reference
        self._clouds = Wander(weather, 0.2, 0.3 * DAY)
        self._smoke = Wander(weather, 6, 0.6 * DAY)
        self._exhaust = chance.uniform(0.8, 1.2)
        self.lean_degrees = 2.5 * random.Random(f"{seed}/{index}/lean").random()  # as it was set up
        self._seed, self._index = seed, index
        self._walked_by = f"{seed}/{index}/passers"
        self.start = start
        self._full_cell = chance.uniform(3.95, 4.15)
        self._drain = chance.uniform(0.004, 0.01) / DAY
        self._bin = Fill(seed, index, start, chance.uniform(0.15, 0.75))

    def climate(self, at: float) -> Climate:
        """The air under the lid."""
        warmth = self._swing * math.sin(2 * math.pi * (at % DAY - 9 * HOUR) / DAY)
        celsius = self._mean + self._shell + warmth + self._drift.at(at)
        percent = self._wet + self._damp - 2.0 * warmth + self._wetness.at(at)
        return Climate(celsius, self._sea - self._above + self._barometer.at(at), min(98.0, max(12.0, percent)))

    def fill(self, at: float) -> float:
        """How full the bin is, 0 to 1."""
        return self._bin.share(at)

    def distance_mm(self, at: float) -> float:
        """From the range finder down to the waste."""
        return self._bin.distance_mm(at)

    def battery_volts(self, at: float) -> float:
        """The cell, draining through the days."""
        return max(3.0, self._full_cell - (at - self.start) * self._drain)

    def solar_volts(self, at: float) -> float:
        """The panel, unloaded: nothing by night, near its highest as soon as there is some sun."""
        height = math.sin(2 * math.pi * (at % DAY - 6 * HOUR) / DAY)
        return 5.4 * math.sqrt(max(0.0, height)) * min(1.0, 0.8 + self._clouds.at(at))

    def dust(self, at: float) -> Dust:
        """Particles in the air: smoke over the whole street, some of it from its own traffic."""
        fine = self._exhaust * max(2.0, 11 + self._smoke.at(at) + 3 * bustle(at))
        return Dust(0.65 * fine, fine, 1.4 * fine)

    def co2_ppm(self, at: float) -> float:
        """Carbon dioxide: more by night, when plants breathe out, and with the traffic."""
        night = 12 * math.cos(2 * math.pi * (at % DAY) / DAY)
        return 432 + night + 20 * self._exhaust * bustle(at) + self._drift.at(at)

    def lamp(self, at: float) -> tuple[float, float]:
        """Volts and amperes of a lamp that burns by night."""
        burns = math.sin(2 * math.pi * (at % DAY - 6 * HOUR) / DAY) < 0
        return 24.0, 0.6 if burns else 0.0

    def passers(self, since: float) -> Iterator[float]:
        """When somebody passes, from `since` on, in order and without end."""
        return onwards(lambda hour: _passers(self._walked_by, hour), since)

    def lid_openings(self, since: float) -> Iterator[float]:
        """When somebody opens the lid, from `since` on, in order and without end."""
        return onwards(lambda hour: lid.openings(self._seed, self._index, hour), since)

    def acceleration(self, at: float) -> tuple[float, float, float]:
        """What the lid feels, in g: gravity along z while it is shut, and a knock when it is opened and shut."""
        opened, knock = lid.swing(self._seed, self._index, at)
        angle = math.radians(self.lean_degrees + opened)
        return math.sin(angle), 0.0, math.cos(angle) + knock


@lru_cache(maxsize=4096)
def _passers(seed: str, hour: int) -> tuple[float, ...]:
    chance = random.Random(f"{seed}/{hour}")
    mean = _BUSIEST * bustle((hour + 0.5) * HOUR)
    return tuple(sorted(hour * HOUR + chance.uniform(0, HOUR) for _ in range(round(chance.gauss(mean, mean**0.5)))))


@lru_cache(maxsize=1024)
def metres_from_bridge(seed: int, index: int) -> float:
    """How far down the street this node stands."""
    return random.Random(f"{seed}/{index}/where").uniform(10, 120)
