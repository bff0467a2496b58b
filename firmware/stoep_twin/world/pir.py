"""What a PIR at a node sees of the people, the cat and the branches: geometry, and the chances of `pir.toml`.

It stands in the line of furniture and looks square across the street. Whoever goes through its cone crosses it; whether
they are seen, and at which of its looks, is drawn for each crossing, so that the shares of the file come out.
"""

from __future__ import annotations

import math
import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

from stoep_twin.world import weather
from stoep_twin.world.hours import hour_of
from stoep_twin.world.people import Trajectory, appearing
from stoep_twin.world.plan import Spot

_FILE = Path(__file__).with_name("pir.toml")


@dataclass(frozen=True)
class Sheet:
    """`pir.toml`: metres, degrees, seconds; shares by speed in m/s."""

    range_metres: float
    cone_degrees: float
    latency_seconds: float
    trial_seconds: float
    seen: dict[str, list[tuple[float, float]]]

    def share(self, what: str, speed: float) -> float:
        """Of those crossing at a speed (m/s), how many are seen at least once; of a branch, by the gust's peak."""
        points = self.seen[what]
        if speed <= points[0][0]:
            return points[0][1]
        for (slower, least), (faster, most) in pairwise(points):
            if speed <= faster:
                return least + (most - least) * (speed - slower) / (faster - slower)
        return points[-1][1]

    def half_width(self, across: float) -> float:
        """How far to either side of the PIR, along the street, it sees somebody so many metres before it."""
        if across >= self.range_metres:
            return 0.0
        cone = across * math.tan(math.radians(self.cone_degrees / 2))
        return min(cone, math.sqrt(self.range_metres**2 - across**2))


@cache
def sheet() -> Sheet:
    """The file, read once."""
    with _FILE.open("rb") as file:
        return Sheet(**tomllib.load(file))


def crossings(one: Trajectory, metres: float) -> Iterator[tuple[float, float, float]]:
    """(enters, leaves, m/s) of each time somebody moves through the cone of a PIR that stands at `metres`."""
    half = sheet().half_width(one.across)
    for (begins, whence), (ends, whither) in pairwise(one.path):
        if half == 0 or whence == whither:
            continue  # out of its sight, or standing still
        speed = (whither - whence) / (ends - begins)
        first, last = sorted(begins + (edge - whence) / speed for edge in (metres - half, metres + half))
        if max(first, begins) < min(last, ends):
            yield max(first, begins), min(last, ends), abs(speed)


def glimpses(chance: random.Random, share: float, begins: float, ends: float) -> Iterator[float]:
    """When a PIR sees a movement that lasts from `begins` to `ends`: with the chance `share` at least once."""
    looks = max(1, round((ends - begins) / sheet().trial_seconds))
    each = 1 - (1 - share) ** (1 / looks)
    for look in range(looks):
        at, seen = begins + (ends - begins) * (look + chance.random()) / looks, chance.random() < each
        if seen:
            yield at


@lru_cache(maxsize=4096)
def seen(seed: int, spot: Spot, hour: int) -> tuple[float, ...]:
    """The instants of one hour, given by its number since 1970, at which the PIR at a spot sees something."""
    found = [at for begun in (hour - 1, hour) for at in _seen_of(seed, spot.metres, begun) if hour_of(at) == hour]
    if spot.tree:
        chance = random.Random(f"{seed}/{spot.metres}/branch/{hour}")
        for gust in weather.of(seed).wind.gusts(hour):
            found += glimpses(chance, sheet().share("branch", gust.peak), gust.begins, gust.ends)
    return tuple(sorted(found))


@lru_cache(maxsize=4096)
def _seen_of(seed: int, metres: float, hour: int) -> tuple[float, ...]:
    # Of those who appeared in that hour, some of whom cross in the next.
    chance = random.Random(f"{seed}/{metres}/pir/{hour}")
    return tuple(
        at
        for one in appearing(seed, hour)
        for enters, leaves, speed in crossings(one, metres)
        for at in glimpses(chance, sheet().share(one.kind, speed), enters, leaves)
    )
