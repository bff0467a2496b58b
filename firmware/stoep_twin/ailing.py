"""What befalls a sensor that goes on talking: it drifts, sees things, looks at a web or a raindrop, not at the street.

Unlike what `faults.py` does between chip and board, this lies between the street and the chip: checksums are right, and
nothing on the board can know. All of it is a function of seed and time, but for the web, which an echo now and then
finds a way through.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from stoep_twin.chips.bme280 import Climate
from stoep_twin.chips.pms5003 import Dust
from stoep_twin.faults import Kind
from stoep_twin.world.hours import DAY
from stoep_twin.world.place import Place

# By the parts' names in the drawings. What each can have, of those kinds that lie before the chip.
ILLS: Mapping[str, frozenset[Kind]] = {
    "climate": frozenset({Kind.DRIFTING, Kind.SPIKING}),
    "co2": frozenset({Kind.DRIFTING, Kind.SPIKING}),
    "particles": frozenset({Kind.DRIFTING, Kind.SPIKING, Kind.BLOCKED, Kind.WET}),
    "range": frozenset({Kind.SPIKING, Kind.BLOCKED, Kind.WEB}),
    "light": frozenset({Kind.SPIKING, Kind.BLOCKED, Kind.WEB}),
}
# As wrong as the data sheets let a sound sensor be: the measure of what drifts and spikes.
CELSIUS, PERCENT, PASCAL = 1.0, 3.0, 100.0  # BST-BME280-DS002, tables 1 to 3, 0 to 65 °C
PPM = 60.0  # ± (50 ppm + 2.5 %) at 400 ppm (SCD41 1.4, table 1)
MICROGRAMS = 10.0  # below 100 (PMS5003 2.3, table 1)
_DRIFTS_TO, _DRIFTS_FOR = 5.0, 7 * DAY  # accuracies, within
_SLOT = 300.0  # s that a spike lasts: all shots of a wake
_SPIKES = 1 / 12  # of the slots
_LEAST, _MOST = 8.0, 40.0  # accuracies that a spike is off
_BLOCKED_MM, _WEB_MM = (40.0, 140.0), (40.0, 160.0)  # a bag over the sensor; a web across its horn
_WEB_ECHOES = 0.6  # of all come from the web
_CHOKED = 0.05  # of the dust still comes in


@dataclass(frozen=True)
class Ill:
    """What a part has, since when (Unix s)."""

    kind: Kind
    since: float


@dataclass(frozen=True)
class Unit:
    """How far one sound specimen is off; within what its data sheet allows. `gain` of the dust."""

    celsius: float = 0.0
    percent: float = 0.0
    pascal: float = 0.0
    ppm: float = 0.0
    gain: float = 1.0


class Ailing:
    """A place as the parts of one board feel it. `ills` by part; none: as it is."""

    def __init__(self, place: Place, seed: int) -> None:
        self.place = place
        self.unit = Unit()
        self.ills: dict[str, Ill] = {}
        self._seed = seed
        self._echoes = random.Random(f"{seed}/echoes")

    def befall(self, part: str, kind: Kind, at: float) -> bool:
        """From `at` on; whether that can befall such a part."""
        possible = kind in ILLS.get(part, ())
        if possible:
            self.ills[part] = Ill(kind, at)
        return possible

    def heal(self, part: str) -> None:
        self.ills.pop(part, None)

    def climate(self, at: float) -> Climate:
        truth, off, unit = self.place.climate(at), self._off("climate", at), self.unit
        celsius = truth.celsius + unit.celsius + off * CELSIUS
        percent, pascal = truth.percent + unit.percent, truth.pascal + unit.pascal
        if off and self.ills["climate"].kind is Kind.SPIKING:
            percent, pascal = percent + off * PERCENT, pascal + off * PASCAL
        return Climate(min(84.0, max(-39.0, celsius)), pascal, min(100.0, max(0.0, percent)))

    def co2_ppm(self, at: float) -> float:
        return max(0.0, self.place.co2_ppm(at) + self.unit.ppm + self._off("co2", at) * PPM)

    def dust(self, at: float) -> Dust:
        truth, ill = _scaled(self.place.seen_dust(at), self.unit.gain), self.ills.get("particles")
        if ill is None:
            return truth
        if ill.kind is Kind.BLOCKED:
            return _scaled(truth, _CHOKED)
        if ill.kind is Kind.WET:
            drops = min(1.0, self.place.weather.rain(at))
            grown = _scaled(truth, 1 + 2 * drops)
            return replace(grown, pm2_5=grown.pm2_5 + 15 * drops, pm10=grown.pm10 + 25 * drops)
        more = self._off("particles", at) * MICROGRAMS
        return Dust(*(max(0.0, mass + more) for mass in (truth.pm1_0, truth.pm2_5, truth.pm10)))

    def distance_mm(self, at: float, part: str = "range") -> float:
        truth, ill = self.place.distance_mm(at), self.ills.get(part)
        if ill is None:
            return truth
        chance = random.Random(f"{self._seed}/{part}/{ill.since}")
        if ill.kind is Kind.BLOCKED:
            return chance.uniform(*_BLOCKED_MM)
        if ill.kind is Kind.WEB:
            return chance.uniform(*_WEB_MM) if self._echoes.random() < _WEB_ECHOES else truth
        slot = self._slot(part, at)
        return slot.uniform(200.0, 4500.0) if slot.random() < _SPIKES else truth

    def _off(self, part: str, at: float) -> float:
        """How far it is off, in accuracies."""
        ill = self.ills.get(part)
        if ill is None:
            return 0.0
        if ill.kind is Kind.DRIFTING:
            sign = random.Random(f"{self._seed}/{part}/{ill.since}").choice((-1.0, 1.0))
            return sign * _DRIFTS_TO * min(1.0, max(0.0, (at - ill.since) / _DRIFTS_FOR))
        slot = self._slot(part, at)
        return slot.choice((-1.0, 1.0)) * slot.uniform(_LEAST, _MOST) if slot.random() < _SPIKES else 0.0

    def _slot(self, part: str, at: float) -> random.Random:
        return random.Random(f"{self._seed}/{part}/{at // _SLOT}")


def _scaled(dust: Dust, by: float) -> Dust:
    return Dust(dust.pm1_0 * by, dust.pm2_5 * by, dust.pm10 * by)
