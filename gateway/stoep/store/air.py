"""What is told of an hour's air: the European Air Quality Index of the pollutants that a node measures.

How it comes about is in `refine/air_index.py`; this is what a window carries to the city.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

BANDS = ("good", "fair", "moderate", "poor", "very poor", "extremely poor")
SCOPE = "of the pollutants measured; no official index, which needs NO2, and away from traffic O3, too: it may be worse"


@dataclass(frozen=True)
class AirIndex:
    """`index` 1 to 6 and the channel that decides it, or None and the `reason`; `means` in µg/m³ of complete hours."""

    index: int | None
    pollutant: str | None
    reason: str | None
    means: Mapping[str, Fraction]

    @property
    def band(self) -> str | None:
        return None if self.index is None else BANDS[self.index - 1]
