"""Where things stand along the street, in metres from its beginning, all on one side, at the kerb."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

LENGTH = 300.0
BRIDGE = LENGTH / 2  # the street cabinet
APART = 25.0  # two lampposts; more than twelve stand closer, for one bridge does not reach farther
_TREES = 0.4  # of the lampposts have one beside them


@dataclass(frozen=True)
class Spot:
    """Where one node stands."""

    metres: float  # along the street
    tree: bool = False  # whose branches its PIR may see


def spots(kinds: Sequence[str], seed: int) -> list[Spot]:
    """A spot for each piece of furniture, given by its kind: lampposts in order, everything else between them."""
    lampposts = kinds.count("lamppost")
    others = len(kinds) - lampposts
    posts = iter(_row(lampposts, APART / 2, LENGTH / max(1, lampposts)))
    between = iter(_row(others, APART, LENGTH / (others + 1)))
    chance = random.Random(f"{seed}/trees")
    trees = {index for index in range(lampposts) if chance.random() < _TREES}
    shaded = iter([index in trees for index in range(lampposts)])
    return [Spot(next(posts), next(shaded)) if kind == "lamppost" else Spot(next(between)) for kind in kinds]


def _row(many: int, first: float, room: float) -> list[float]:
    # APART where there is room; else as far apart as there is.
    squeeze = min(1.0, room / APART)
    return [(first + APART * index) * squeeze for index in range(many)]
