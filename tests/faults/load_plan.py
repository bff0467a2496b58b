"""What happens to each node of a large street in a day: its wakes, its silence, its cold boot.

So that there is one right answer, no sample is taken within MARGIN of a window's border, and no node boots cold within
`_SETTLED` wakes of a silence: nobody could say when those samples were taken.
"""

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from load_nodes import LoadNode

from gateway_rig import MORNING

HOUR = 3600.0
DAY = 24 * HOUR
GRID = 20.0  # seconds: who wakes within them is heard at one time
LATE = 0.2  # of the samples
LATE_SECONDS = 900.0  # a sample that comes later than this is late
_LONGEST = 30 * HOUR  # a silence
_SETTLED = 8  # wakes
_DRAINS = 10 * HOUR
_INTERVALS: Mapping[str, float] = {"bin": 600.0, "bench": 600.0, "lamppost": 300.0}


class Due(NamedTuple):
    """A wake; `utc`: when a sample is taken, None after the day; `silent`: nobody hears the node."""

    utc: float | None
    silent: bool = False
    boots: bool = False


@dataclass
class Plan:
    """Who wakes when, by the time at which it is heard."""

    wakes: dict[float, list[tuple[LoadNode, Due]]] = field(default_factory=lambda: defaultdict(list))
    samples: int = 0
    silent: int = 0
    boots: int = 0

    def add(self, node: LoadNode, at: float, due: Due) -> None:
        self.wakes[(at // GRID + 1) * GRID].append((node, due))
        self.samples += due.utc is not None
        self.silent += due.silent
        self.boots += due.boots


def plan(nodes: list[LoadNode], seed: int) -> Plan:
    """Silences until a fifth of the samples are late; cold boots where a node is heard."""
    chance = random.Random(f"plan {seed}")
    made = Plan()
    expected = sum(DAY / _INTERVALS[node.kind] for node in nodes)
    for node in chance.sample(nodes, len(nodes)):
        _live(node, made, chance, falls_silent=made.silent < LATE * expected)
    return made


def _live(node: LoadNode, made: Plan, chance: random.Random, *, falls_silent: bool) -> None:
    interval = _INTERVALS[node.kind]
    wakes = int(DAY / interval)
    phase = MORNING + chance.random() * interval
    begin = end = wakes  # of the silence, in wakes
    if falls_silent:
        begin = chance.randrange(2 * _SETTLED, wakes)
        end = begin + int(chance.uniform(HOUR, _LONGEST) / interval)
    heard = [n for n in range(_SETTLED, wakes) if n < begin - _SETTLED or n > end + _SETTLED]
    boot = chance.choice(heard) if heard and chance.random() < 0.5 else None
    for number in range(wakes):
        at = phase + number * interval
        made.add(node, at, Due(at, begin <= number < end, number == boot))
    for number in range(max(wakes, end), max(wakes, end) + int(_DRAINS / interval)):
        made.add(node, phase + number * interval, Due(None))
