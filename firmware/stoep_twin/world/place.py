"""What surrounds one node: the air it measures, who passes it, its bin and its battery."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from stoep_twin.chips.bme280 import Climate
from stoep_twin.chips.pms5003 import Dust, Unit
from stoep_twin.world import pir, weather
from stoep_twin.world.cast import Cast
from stoep_twin.world.fill import Fill
from stoep_twin.world.haze import Haze
from stoep_twin.world.hours import DAY, bustle, onwards
from stoep_twin.world.lid import Lid
from stoep_twin.world.plan import APART, Spot
from stoep_twin.world.waves import Wander

_SOMEWHERE = Spot(APART)
_BAKES = 7.0  # °C in a shell that the highest sun is on, in still air (est.)
_COOLS = 6.0  # m/s that halve it


class Place:
    """What surrounds the node with this index, which stands at `spot`; all times are Unix seconds.

    `cast` are those who pass it instead of the people of the day, and instead of its branches.
    """

    def __init__(self, seed: int, index: int, start: float, spot: Spot = _SOMEWHERE, cast: Cast | None = None) -> None:
        chance = random.Random(f"{seed}/{index}")
        self._seed = seed
        self.start = start
        self.spot = spot
        self._cast = cast
        self.weather = weather.of(seed)
        self._wind = self.weather.wind
        self._damp = chance.uniform(-4, 4)
        self._above = chance.uniform(0, 25) * 12  # Pa for the metres above the reference
        self._exposed = chance.uniform(0.1, 1.0)  # to the sun
        self._smoke = Wander(random.Random(f"{seed}/smoke"), 6, 0.6 * DAY)
        self._breath = Wander(random.Random(f"{seed}/co2"), 1.5, 1.7 * DAY)
        self._exhaust = chance.uniform(0.8, 1.2)
        self._haze = Haze(seed)
        self.dust_unit = Unit.of_works(random.Random(f"{seed}/{index}/pms5003"))  # the one that hangs there
        self.lean_degrees = 2.5 * random.Random(f"{seed}/{index}/lean").random()  # as it was set up
        self._lid = Lid(seed, index, self._wind)
        self._full_cell = chance.uniform(3.95, 4.15)
        self._drain = chance.uniform(0.004, 0.01) / DAY
        self._bin = Fill(seed, index, start, chance.uniform(0.15, 0.75))

    def climate(self, at: float) -> Climate:
        """The air in the furniture's shell, which the sun heats and the wind cools."""
        heated = _BAKES * self._exposed * self.weather.baked(at) / (1 + self._wind.mean(at) / _COOLS)
        percent = self.weather.percent(at) + self._damp - 2.0 * heated
        return Climate(
            self.weather.celsius(at) + heated, self.weather.pascal(at) - self._above, min(98.0, max(12.0, percent))
        )

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
        return 5.6 * (1 - math.exp(-8 * self.weather.sunshine(at)))

    def dust(self, at: float) -> Dust:
        """Particles in the air, as a filter is weighed: smoke over the whole street and from its traffic.

        Wind carries it off, rain washes it out, under fog it gathers.
        """
        smoke = max(2.0, 11 + self._smoke.at(at) + 3 * bustle(at))
        blown = 1 / (1 + self._wind.mean(at) / 12)
        washed = 1 - 0.4 * min(1.0, self.weather.rain(at) / 2)
        gathered = 1 + 0.5 * self.weather.fog.share(at)
        fine = max(1.0, 1.3 * self._exhaust * smoke * blown * washed * gathered)
        return Dust(0.65 * fine, fine, 1.4 * fine)

    def seen_dust(self, at: float) -> Dust:
        """The same as light shows it: with the water on it."""
        around = self.climate(at)
        return self._haze.seen(at, self.dust(at), around.celsius, around.percent)

    def co2_ppm(self, at: float) -> float:
        """Carbon dioxide: more by night, when plants breathe out, and with the traffic, unless the wind takes it."""
        night = 12 * math.cos(2 * math.pi * (at % DAY) / DAY)
        traffic = 25 * self._exhaust * bustle(at) / (1 + self._wind.mean(at) / 12)
        return 432 + night + traffic + self._breath.at(at)

    def glimpses(self, since: float) -> Iterator[float]:
        """When its PIR sees something, from `since` on, in order and without end: several times while one passes."""
        if self._cast is not None:
            return self._cast.glimpses(self.spot.metres, since)
        return onwards(lambda hour: pir.seen(self._seed, self.spot, hour), since)

    def lid_openings(self, since: float) -> Iterator[float]:
        """When somebody opens the lid, from `since` on, in order and without end."""
        return onwards(self._lid.openings, since)

    def lid_movements(self, since: float) -> Iterator[float]:
        """Each instant from which on the lid moves: it is opened, it falls shut, a gust knocks it."""
        return onwards(self._lid.movements, since)

    def sway_degrees(self, since: float, until: float) -> float:
        """The wind did not push the lid farther from how it stands, either way, between these times."""
        return self._lid.most_sway(since, until)

    def acceleration(self, at: float) -> tuple[float, float, float]:
        """What the lid feels, in g: gravity along z while it is shut and still, and its knocks."""
        degrees, knock = self._lid.felt(at)
        angle = math.radians(self.lean_degrees + degrees)
        return math.sin(angle), 0.0, math.cos(angle) + knock
