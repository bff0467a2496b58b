"""Which nodes stand near which, of what kind they are, and what each is tested for: as the registry has it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stoep.registry.registry import Entry
from stoep.wire.channels import Catalogue
from stoep.wire.checks import Checks

_MOST = 8  # neighbours of a node
_FARTHEST = 500.0  # m: beyond it the air is another
_APART = 30.0  # m between two nodes that follow each other in the registry, where it does not say (est.)
_DEGREE = 111_320.0  # m of latitude
_POST = "lamppost"  # the only kind that measures dust and carbon dioxide


@dataclass(frozen=True)
class Surroundings:
    """By kid. `checks` has by channel what is otherwise than in the catalogue."""

    around: Mapping[bytes, Sequence[bytes]] = field(default_factory=dict)
    checks: Mapping[bytes, Mapping[int, Checks]] = field(default_factory=dict)
    kinds: Mapping[bytes, str] = field(default_factory=dict)


def surroundings(entries: Iterable[Entry], catalogue: Catalogue) -> Surroundings:
    nodes = list(entries)
    return Surroundings(
        {node.kid: _around(nodes, index) for index, node in enumerate(nodes)},
        {
            node.kid: {
                number: override.over(catalogue.channels[number].checks) for number, override in node.quality.items()
            }
            for node in nodes
            if node.quality
        },
        {node.kid: node.kind for node in nodes},
    )


def _around(nodes: Sequence[Entry], index: int) -> Sequence[bytes]:
    """The nearest; for a lamppost lampposts before all others, for nobody else measures what it does."""
    mine = nodes[index]
    near = sorted(
        (mine.kind == _POST != other.kind, metres, other.kid)
        for at, other in enumerate(nodes)
        if at != index and (metres := _metres(mine, other, at - index)) <= _FARTHEST
    )
    return [kid for _, _, kid in near[:_MOST]]


def _metres(one: Entry, other: Entry, steps: int) -> float:
    if one.at is None or other.at is None:
        return min(abs(steps) * _APART, _FARTHEST)
    north = (one.at[0] - other.at[0]) * _DEGREE
    east = (one.at[1] - other.at[1]) * _DEGREE * math.cos(math.radians(one.at[0]))
    return math.hypot(north, east)
