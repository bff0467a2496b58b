"""The European Air Quality Index of one node and hour, of the pollutants it measures, or why there is none.

Bands of 2024 (European Environment Agency; ETC HE Report 2024/17, doi:10.5281/zenodo.15781195, table 5.2): the mean of
each whole hour falls into one of six bands, the worst pollutant decides. The table is printed in whole numbers ("0-5",
"6-15") and says nothing of what lies between; here a band reaches up to and including its upper edge and nothing is
rounded, so that 5 µg/m³ is good and the least more is fair: no reading comes into a better band than its own.

The agency shows an index of a station that measures at least NO2 and particles beside traffic, NO2, O3 and particles
elsewhere. Our nodes measure particles only, so by that rule there is no official index here: what is said is of the
pollutants measured, says so (`store/air.py`), and the index of all five can be as bad or worse, never better.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from stoep.store.air import AirIndex

HOUR = 3600  # seconds
EDGES: Mapping[str, tuple[int, ...]] = {  # µg/m³, each the last that belongs to its band
    "pm2_5": (5, 15, 50, 90, 140),
    "pm10": (15, 45, 120, 195, 270),
}
_COMPLETE = Fraction(3, 4)  # of the readings that are expected in an hour (Directive 2008/50/EC, annex XI)


@dataclass(frozen=True)
class Pollutant:
    """One channel of an hour: its good readings' sum in µg/m³, how many they are, how many there should be."""

    total: Fraction | int
    count: int
    expected: Fraction | int


def ends_hour(end: int) -> bool:
    """Whether a window that ends then (Unix seconds) is the last of its hour."""
    return end % HOUR == 0


def band(pollutant: str, mean: Fraction | int) -> int:
    """1, good, to 6, extremely poor. `mean` of an hour in µg/m³."""
    return 1 + sum(mean > edge for edge in EDGES[pollutant])


def index(hour: Mapping[str, Pollutant]) -> AirIndex | None:
    """Of the pollutants in `hour`, by channel; None where the node measures none that the index knows."""
    measured = {name: hour[name] for name in EDGES if name in hour}
    if not measured:
        return None
    lacks = {name: lack for name, one in measured.items() if (lack := _lacks(one)) is not None}
    means = {name: Fraction(one.total) / one.count for name, one in measured.items() if name not in lacks}
    if not means:
        return AirIndex(None, None, "; ".join(f"{name}: {lack}" for name, lack in lacks.items()), {})
    worst = max(means, key=lambda name: band(name, means[name]))  # PM2.5 where both are as bad
    reason = "; ".join(f"without {name}: {lack}" for name, lack in lacks.items()) or None
    return AirIndex(band(worst, means[worst]), worst, reason, means)


def _lacks(one: Pollutant) -> str | None:
    """Why this hour has no mean."""
    if one.expected < 1:
        return "the node measures less than once an hour"
    if one.count < _COMPLETE * one.expected:
        return f"{one.count} good readings of {float(one.expected):g}, {float(_COMPLETE):.0%} are needed"
    return None
