"""What a bin's range finder has before it besides waste: a bag's edge, a lid that is open, a web, itself gone dead.

How often and how long: estimates, on the generous side.
"""

from __future__ import annotations

import bisect
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from stoep_twin.world.fill import EMPTY_MM, FULL_MM
from stoep_twin.world.hours import DAY, HOUR
from stoep_twin.world.lid import LID_OPEN_S, Lid

_SIDEWAYS_MM = 900.0, 6000.0  # what an open lid's finder hears; beyond 4,500 nothing


class Trouble(Enum):
    BAG = "bag"  # its edge hangs higher than the waste
    NEAR = "near"  # something in the blind zone
    WEB = "web"  # a spider's, or a leaf, before the finder
    STUCK = "stuck"  # it repeats itself
    SILENT = "silent"  # nothing comes of it


_EVERY = {  # days on the mean; hours from and to
    Trouble.BAG: (1.5, (0.15, 2.0)),
    Trouble.NEAR: (4.0, (0.25, 1.5)),
    Trouble.WEB: (45.0, (4.0, 30.0)),
    Trouble.STUCK: (60.0, (4.0, 30.0)),
    Trouble.SILENT: (20.0, (1.0, 8.0)),
}


@dataclass(frozen=True)
class Spell:
    trouble: Trouble
    begins: float
    ends: float
    share: float  # 0 to 1, what else chance has to say


class Echoes:
    """Before one bin's finder; `truth(at)` is how far the waste is, in mm."""

    def __init__(
        self, seed: int, index: int, start: float, ends: float, lid: Lid, truth: Callable[[float], float]
    ) -> None:
        chance = random.Random(f"{seed}/{index}/echoes")
        self._truth = truth
        self._lid = lid
        self.spells: list[Spell] = []
        for trouble, (days, hours) in _EVERY.items():
            at = start + chance.expovariate(1 / (days * DAY))
            while at < ends:
                lasts = chance.uniform(*hours) * HOUR
                self.spells.append(Spell(trouble, at, at + lasts, chance.random()))
                at += lasts + chance.expovariate(1 / (days * DAY))
        self.spells.sort(key=lambda spell: spell.begins)

    def trouble(self, at: float) -> Spell | None:
        """The gravest one, if any."""
        until = bisect.bisect_right(self.spells, at, key=lambda spell: spell.begins)
        now = [spell for spell in self.spells[:until] if at < spell.ends]
        return max(now, key=lambda spell: list(Trouble).index(spell.trouble), default=None)

    def distance_mm(self, at: float) -> float | None:
        """What an echo comes from; None where none comes or nobody asks."""
        spell = self.trouble(at)
        truth = self._truth(at)
        if spell is None:
            opened = any(0 <= at - when < LID_OPEN_S for when in self._lid.openings(int(at // HOUR)))
            return random.Random(f"{at}").uniform(*_SIDEWAYS_MM) if opened else truth
        if spell.trouble is Trouble.SILENT:
            return None
        if spell.trouble is Trouble.NEAR:
            return 10.0
        if spell.trouble is Trouble.STUCK:
            return self._truth(spell.begins)
        if spell.trouble is Trouble.WEB:
            return min(truth, 40 + spell.share * 0.8 * FULL_MM)
        return min(truth, FULL_MM + spell.share * (EMPTY_MM - FULL_MM))
