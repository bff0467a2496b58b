"""Which part of which node has what, and when: drawn from the seed before anything is measured.

Each kind of fault befalls every sort of part that can have it, now one node's, now another's, one after the other, so
that a quantity always has a majority of sound sensors, as a street that is looked after has.
"""

import random
from collections.abc import Collection, Iterator
from typing import NamedTuple

from stoep_twin.ailing import ILLS
from stoep_twin.faults import Kind

HOUR, DAY = 3600.0, 86400.0
KINDS = (Kind.STUCK, Kind.DRIFTING, Kind.SPIKING, Kind.BLOCKED, Kind.WEB, Kind.WET)
PARTS = {"bench": ("climate",), "bin": ("climate", "range"), "lamppost": ("climate", "particles", "co2")}
STREET = ("lamppost", "bin", "lamppost", "bench", "lamppost", "bin", "bench") * 2  # 14 nodes
_LASTS = {  # days
    Kind.STUCK: (0.25, 1.5),
    Kind.DRIFTING: (7.0, 9.0),
    Kind.SPIKING: (2.0, 5.0),
    Kind.BLOCKED: (0.5, 3.0),
    Kind.WEB: (0.5, 3.0),
    Kind.WET: (4.0, 8.0),
}
_REST = 0.5  # days between two faults of one sort of part


class Fault(NamedTuple):
    """`node` by its place in the street; from `begins` to `ends` in seconds of the campaign."""

    kind: Kind
    node: int
    part: str
    begins: float
    ends: float


def draw(kinds: Collection[Kind], days: float, seed: int) -> list[Fault]:
    chance = random.Random(f"{seed}/faults")
    return sorted(_each(kinds, days, chance), key=lambda fault: fault.begins)


def _each(kinds: Collection[Kind], days: float, chance: random.Random) -> Iterator[Fault]:
    for part in ("climate", "particles", "co2", "range"):
        possible = [kind for kind in kinds if kind is Kind.STUCK or kind in ILLS[part]]
        at = chance.uniform(0.5, 1.5)
        before = -1
        coming: list[Kind] = []
        while possible and at < days:
            coming = coming or chance.sample(possible, len(possible))
            kind = coming.pop()
            having = [node for node, its in enumerate(STREET) if part in PARTS[its] and node != before]
            before = chance.choice(having)
            ends = min(days, at + chance.uniform(*_LASTS[kind]))
            yield Fault(kind, before, part, at * DAY, ends * DAY)
            at = ends + _REST
