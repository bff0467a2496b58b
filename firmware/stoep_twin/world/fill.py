"""A bin fills, hour by hour, and soon after it is full a lorry comes."""

from __future__ import annotations

import bisect
import math
import random

from stoep_twin.world.hours import HOUR

EMPTY_MM = 1200  # to the floor of the bin
FULL_MM = 200  # to the waste when it is called full


class Fill:
    """One bin, from `start` on (Unix s). Its cycles are drawn one after the other and kept."""

    def __init__(self, seed: int, index: int, start: float, first: float) -> None:
        self._chance = random.Random(f"{seed}/{index}/fill")
        hours = self._chance.uniform(2.0, 6.0)
        # One entry a cycle: when the bin was last emptied, and how many seconds it takes to fill.
        self._cycles: list[tuple[float, float]] = [(start - first * hours * HOUR, hours * HOUR)]

    def share(self, at: float) -> float:
        """How full it is, 0 to 1."""
        while self._cycles[-1][0] + self._cycles[-1][1] <= at:
            begun, takes = self._cycles[-1]
            self._cycles.append((begun + takes, self._chance.uniform(2.0, 6.0) * HOUR))
        begun, takes = self._cycles[bisect.bisect_right(self._cycles, (at, math.inf)) - 1]
        share = min(1.0, max(0.0, (at - begun) / takes))
        return 0.02 + 0.95 * share

    def distance_mm(self, at: float) -> float:
        """From the range finder down to the waste."""
        return EMPTY_MM - self.share(at) * (EMPTY_MM - FULL_MM)
