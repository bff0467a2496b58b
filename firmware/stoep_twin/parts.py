"""Which model stands for which part of a drawing, and what of the world it feels."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stoep_twin.ailing import Ailing
from stoep_twin.chips.a02yyuw import A02YYUW
from stoep_twin.chips.am312 import AM312
from stoep_twin.chips.battery import Battery
from stoep_twin.chips.bme280 import BME280, Words
from stoep_twin.chips.chip import Chip
from stoep_twin.chips.ina219 import INA219
from stoep_twin.chips.lamp import Lamp
from stoep_twin.chips.lis3dh import LIS3DH
from stoep_twin.chips.pms5003 import PMS5003
from stoep_twin.chips.scd41 import SCD41
from stoep_twin.chips.vl53l1x import VL53L1X
from stoep_twin.world import pir
from stoep_twin.world.place import Place

_FASTEST_FRAME_S = 0.002  # real: a board reads its UART in real time, however fast the world turns
_LATE_S = 0.1  # real: a board's word may reach its part so much later


@dataclass(frozen=True)
class Around:
    """What surrounds the parts of one board: `now()` is Unix seconds of virtual time, `speed` its pace."""

    place: Place
    now: Callable[[], float]
    speed: float
    seed: int
    numbers: dict[str, int]  # of the drawing
    lamp: Lamp | None = None  # of a lamppost
    felt: Ailing = field(init=False)  # the place, as its parts feel it

    def __post_init__(self) -> None:
        object.__setattr__(self, "felt", Ailing(self.place, self.seed))

    def at_least(self, seconds: float) -> float:
        """A period of a stream in virtual seconds, not shorter than a board can read it in real time."""
        return max(seconds, _FASTEST_FRAME_S * self.speed)


def _climate(around: Around) -> Chip:
    return BME280(lambda: around.felt.climate(around.now()), around.now, Words.of_chip(around.seed))


def _range(around: Around) -> Chip:
    return A02YYUW(
        lambda: around.felt.distance_mm(around.now()), around.now, around.seed, around.at_least(A02YYUW.period)
    )


def _battery(around: Around) -> Chip:
    return Battery(lambda: around.place.battery_volts(around.now()), around.numbers["BATTERY_DIVIDER"], around.seed)


def _solar(around: Around) -> Chip:
    return Battery(lambda: around.place.solar_volts(around.now()), around.numbers["SOLAR_DIVIDER"], around.seed + 1)


def _laser(around: Around) -> Chip:
    return VL53L1X(lambda: around.felt.distance_mm(around.now(), "light"), around.now, around.seed + 4)


def _light(around: Around) -> Chip | None:
    return around.lamp


def _lamp(around: Around) -> Chip | None:
    return around.lamp and INA219(around.lamp.draws, around.now, around.numbers["LAMP_SHUNT_MILLIOHM"])


def _particles(around: Around) -> Chip:
    return PMS5003(
        lambda: around.felt.dust(around.now()),
        around.now,
        around.seed + 2,
        around.at_least(PMS5003.period),
        max(0.0, PMS5003.settles - _LATE_S * around.speed),
        around.place.dust_unit,
    )


def _co2(around: Around) -> Chip:
    def air() -> tuple[float, float, float]:
        climate = around.felt.climate(around.now())
        return around.felt.co2_ppm(around.now()), climate.celsius, climate.percent

    return SCD41(air, around.now, around.seed + 3)


def _passers(around: Around) -> Chip:
    return AM312(around.place.glimpses, around.now, pir.sheet().latency_seconds)


def _motion(around: Around) -> Chip:
    chance = random.Random(f"{around.seed}/motion")
    off = chance.uniform(-0.015, 0.015), chance.uniform(-0.015, 0.015), chance.uniform(-0.015, 0.015)
    place = around.place
    return LIS3DH(place.acceleration, around.now, place.lid_movements, offset=off)


_MAKERS: dict[str, Callable[[Around], Chip | None]] = {
    "BME280": _climate,
    "A02YYUW": _range,
    "PMS5003": _particles,
    "SCD41": _co2,
    "AM312": _passers,
    "INA219": _lamp,
    "VL53L1X": _laser,
    "LIS3DH": _motion,
    "battery": _battery,
    "solar": _solar,
    "light": _light,
}


def make(name: str, part: dict[str, Any], around: Around) -> Chip | None:
    """The model of one part of a drawing, by what it is or else by its name there; None if nobody has written it."""
    return _MAKERS[part["part"] if part["part"] in _MAKERS else name](around) if modelled(name, part) else None


def modelled(name: str, part: dict[str, Any]) -> bool:
    """Whether somebody has written a model of it."""
    return part["part"] in _MAKERS or name in _MAKERS
