"""The weather over the whole street: the sun and the clouds before it, rain, and what they make of the air.

Modelled on the climate of Ukkel as the KMI publishes it, in round numbers; the days are chance.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache

from stoep_twin.world import sun
from stoep_twin.world.fog import Fog
from stoep_twin.world.hours import DAY, HOUR, hour_of
from stoep_twin.world.waves import Wander
from stoep_twin.world.wind import Wind

_MEAN, _SEASON, _COLDEST = 11.0, 7.5, 20  # °C over the year, °C to either side, day of the year
_COOLS_H = 4.0  # how long the air remembers the sun
_WARMS = 17.0  # °C for a full sun remembered
_SPELLS = 4  # of rain a day at most,
_SPELL = 0.3  # each with this chance
_RAMP_S = 900.0  # a spell begins and ends no quicker
_BREWS_S = 3600.0  # before and after it the sky is closed
_SATURATED = 99.0  # %, in fog
_FOGGY = 0.6
_GREY, _BRIGHT = 0.8, 0.35  # shares of cloud, for words


@dataclass(frozen=True)
class _Spell:
    begins: float
    ends: float
    millimetres: float  # an hour

    def share(self, at: float, wider: float = 0.0, ramp: float = _RAMP_S) -> float:
        """0 outside, 1 well inside."""
        return max(0.0, min(1.0, (at - self.begins + wider) / ramp, (self.ends + wider - at) / ramp))


class Weather:
    """One street's weather. Times are Unix seconds; everything changes slowly but the wind's gusts."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(f"{seed}/weather")
        self._seed = seed
        self.wind = Wind(seed)
        self.fog = Fog(seed, self.wind)
        self._front = Wander(chance, 2.0, 2.7 * DAY)
        self._wet = chance.uniform(62, 76)
        self._wetness = Wander(chance, 4, 0.9 * DAY)
        self._sea = chance.uniform(99500, 102500)
        self._barometer = Wander(chance, 500, 2.3 * DAY)
        self._sky = Wander(chance, 0.3, 0.8 * DAY)
        self._clouds = Wander(chance, 0.12, 2 * HOUR)
        self._spells = lru_cache(maxsize=256)(self._spells_of_day)
        self._hourly = lru_cache(maxsize=4096)(self._remembered)

    def rain(self, at: float) -> float:
        """Millimetres an hour."""
        return max((spell.millimetres * spell.share(at) for spell in self._near(at)), default=0.0)

    def cloud(self, at: float) -> float:
        """The share of the sky that is covered, 0 to 1."""
        rains = max((spell.share(at, _BREWS_S, _BREWS_S) for spell in self._near(at)), default=0.0)
        return min(1.0, max(0.0, 0.55 + self._sky.at(at) + self._clouds.at(at), 0.95 * rains))

    def sunshine(self, at: float) -> float:
        """What falls on a level roof, 0 to 1, where 1 would be a clear sky with the sun overhead.

        What clouds leave of it is F. Kasten's and G. Czeplak's, from ten years of Hamburg (Solar Energy 24, 1980).
        """
        return max(0.0, sun.height(at)) * (1 - 0.75 * math.pow(self.cloud(at), 3.4))

    def warmth(self, at: float) -> float:
        """°C that the sun of the last hours has added to the day's mean, or its absence taken away."""
        return self._between(at)[0]

    def baked(self, at: float) -> float:
        """Sunshine as something that has stood in it feels it, 0 to 1: without the haste of single clouds."""
        return self._between(at)[1]

    def celsius(self, at: float) -> float:
        """The air in the shade."""
        season = -_SEASON * math.cos(2 * math.pi * (sun.day_of_year(at) - _COLDEST) / 365.25)
        return _MEAN + season + self._front.at(at) + self.warmth(at)

    def percent(self, at: float) -> float:
        """Relative humidity, not yet bounded: drier in the day's warmth, wetter in the rain, all but 100 in fog."""
        usual = self._wet + self._wetness.at(at) - 2.0 * self.warmth(at) + 18 * min(1.0, self.rain(at) / 1.5)
        return usual + max(0.0, _SATURATED - usual) * self.fog.share(at)

    def pascal(self, at: float) -> float:
        """The pressure at the lowest node."""
        return self._sea + self._barometer.at(at)

    def words(self, at: float) -> str:
        """For people: `14 °C, wind 5 m/s, sunny`."""
        cloud = self.cloud(at)
        if self.rain(at) > 0:
            sky = "rain"
        elif self.fog.share(at) > _FOGGY:
            sky = "fog"
        elif cloud > _GREY:
            sky = "grey"
        elif cloud > _BRIGHT:
            sky = "clouds"
        else:
            sky = "sunny" if sun.height(at) > 0 else "clear"
        return f"{self.celsius(at):.0f} °C, wind {self.wind.mean(at):.0f} m/s, {sky}"

    def _near(self, at: float) -> tuple[_Spell, ...]:
        day = math.floor(at / DAY)
        return self._spells(day - 1) + self._spells(day) + self._spells(day + 1)

    def _spells_of_day(self, day: int) -> tuple[_Spell, ...]:
        chance = random.Random(f"{self._seed}/rain/{day}")
        found = []
        for _ in range(sum(chance.random() < _SPELL for _ in range(_SPELLS))):
            begins = (day + chance.random()) * DAY
            lasts = 2 * _RAMP_S + min(6 * HOUR, chance.expovariate(1 / (0.9 * HOUR)))
            found.append(_Spell(begins, begins + lasts, 0.3 + chance.expovariate(1.0)))
        return tuple(found)

    def _between(self, at: float) -> tuple[float, float]:
        hour = hour_of(at)
        share = at / HOUR - hour
        (warmth, baked), (warmth_then, baked_then) = self._hourly(hour), self._hourly(hour + 1)
        return warmth + (warmth_then - warmth) * share, baked + (baked_then - baked) * share

    def _remembered(self, hour: int) -> tuple[float, float]:
        # (warmth, sunshine) on the hour. Fading memory of a day against that day's mean.
        shone = [self.sunshine((hour - ago) * HOUR) for ago in range(24)]
        fades = [math.exp(-ago / _COOLS_H) for ago in range(24)]
        felt = sum(sunshine * weight for sunshine, weight in zip(shone, fades, strict=True)) / sum(fades)
        return _WARMS * (felt - sum(shone) / 24), shone[0]


@lru_cache(maxsize=64)
def of(seed: int) -> Weather:
    """The weather of a street, one for all its nodes."""
    return Weather(seed)
