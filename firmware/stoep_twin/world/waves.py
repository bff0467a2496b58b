"""Slow changes that nobody has to step."""

from __future__ import annotations

import math
import random


class Wander:
    """A random walk that is a function of time: three sines with seeded phases, 11/6 of `size` at the most."""

    def __init__(self, chance: random.Random, size: float, period: float) -> None:
        self._waves = [
            (
                size / (i + 1),
                2 * math.pi * (i + 1) / (period * chance.uniform(0.8, 1.2)),
                chance.uniform(0, 2 * math.pi),
            )
            for i in range(3)
        ]

    def at(self, seconds: float) -> float:
        return sum(size * math.sin(rate * seconds + phase) for size, rate, phase in self._waves)
