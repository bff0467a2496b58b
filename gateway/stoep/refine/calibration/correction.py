"""One correction as arithmetic: gain, offset, and the water on the particles, in fractions that do not drift.

Light scattering sees a particle with the water it has taken up; what counts for health and law is weighed dry.
"""

from dataclasses import dataclass
from fractions import Fraction

from stoep.store.windows import FINER

_FINE: int = 10**FINER
_SATURATED = 10_000  # counts of relative humidity


@dataclass(frozen=True)
class Growth:
    """What a particle reading is divided by: 1 + `factor` / (100 / RH - 1), RH held between `dry` and `wet`.

    `dry` and `wet` are counts of the humidity channel (0.01 %). With the factor 0.24 between 30 and 70 % this is the
    equation of Nilson et al. for Plantower's sensors where nothing stands beside (AMT 15, 3315, 2022).
    """

    factor: Fraction
    dry: int = 3_000
    wet: int = 7_000

    def divisor(self, humidity: int) -> Fraction:
        """From the humidity in counts."""
        held = min(self.wet, max(self.dry, humidity))
        return 1 + self.factor * Fraction(held, _SATURATED - held)


@dataclass(frozen=True)
class Correction:
    """corrected = `gain` × reading / growth + `offset`; `offset` in the channel's counts.

    `version` counts a sensor's calibrations from 1; 0 is what holds where there is none. `name` says in words what was
    done. A corrected value may lie below zero where the truth is near it: cut off, a mean would say too much.
    """

    version: int
    name: str
    gain: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    growth: Growth | None = None

    def exactly(self, counts: int | Fraction, humidity: int | None = None) -> Fraction:
        """In counts. Raises ValueError where the growth is wanted and no humidity known."""
        if self.growth is None:
            return self.gain * counts + self.offset
        if humidity is None:
            raise ValueError("no humidity")
        return self.gain * counts / self.growth.divisor(humidity) + self.offset

    def level(self, counts: int) -> int:
        """`exactly`, but with the water left on the particles: to hold it against a sensor in the same air."""
        return round(self.gain * counts + self.offset)

    def fine(self, counts: int, humidity: int | None = None) -> int:
        """`exactly`, in counts of `FINER` places more, the nearest (of two the even one)."""
        return round(self.exactly(counts, humidity) * _FINE)


NILSON = Correction(0, "humidity, after Nilson et al. 2022", growth=Growth(Fraction(24, 100)))
