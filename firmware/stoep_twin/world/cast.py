"""A street in which everybody is known: whoever judges its lamps sends them, and nobody else comes.

The same geometry and chances as in any other street (`pir.py`) decide which PIR sees whom and when.
"""

from __future__ import annotations

import bisect
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stoep_twin.chips.am312 import AM312
from stoep_twin.world import pir
from stoep_twin.world.people import Trajectory
from stoep_twin.world.wind import Gust


@dataclass(frozen=True, order=True)
class Glimpse:
    """One look at which a PIR sees something; `who` is its number in the cast, -1 is nobody."""

    at: float  # Unix s
    who: int


class Cast:
    """Those who pass PIRs at `spots`, metres along the street. All but the people are nobody: a cat, a branch."""

    def __init__(self, seed: int, spots: Sequence[float]) -> None:
        self._seed = seed
        self._glimpses: dict[float, list[Glimpse]] = {metres: [] for metres in spots}
        self.people: list[Trajectory] = []

    def enter(self, one: Trajectory) -> None:
        """Somebody will pass."""
        self._pass(one, len(self.people), f"person {len(self.people)}")
        self.people.append(one)

    def prowl(self, cat: Trajectory) -> None:
        """A cat will."""
        self._pass(cat, -1, "cat")

    def shake(self, metres: float, gusts: Sequence[Gust]) -> None:
        """Gusts shake a branch before the PIR that stands at `metres`."""
        chance = random.Random(f"{self._seed}/{metres}/branch")
        for gust in gusts:
            for at in pir.glimpses(chance, pir.sheet().share("branch", gust.peak), gust.begins, gust.ends):
                bisect.insort(self._glimpses[metres], Glimpse(at, -1))

    def _pass(self, one: Trajectory, who: int, name: str) -> None:
        for metres, seen in self._glimpses.items():
            chance = random.Random(f"{self._seed}/{metres}/{name}")
            for enters, leaves, speed in pir.crossings(one, metres):
                for at in pir.glimpses(chance, pir.sheet().share(one.kind, speed), enters, leaves):
                    bisect.insort(seen, Glimpse(at, who))

    def glimpses(self, metres: float, since: float) -> Iterator[float]:
        """When the PIR at `metres` sees something, from `since` on (Unix s), in order."""
        seen = self._glimpses.get(metres, [])
        for place in range(bisect.bisect_left(seen, Glimpse(since, -1)), len(seen)):
            yield seen[place].at

    def next_glimpse(self, since: float) -> float | None:
        """When any PIR sees something next, from `since` on."""
        return min((at for metres in self._glimpses for at in list(self.glimpses(metres, since))[:1]), default=None)

    def rises(self, metres: float) -> list[tuple[float, int]]:
        """When the output of the PIR at `metres` goes high, had it power all the time, and for whom."""
        latency = pir.sheet().latency_seconds
        seen = self._glimpses[metres]
        whose = {glimpse.at + latency: glimpse.who for glimpse in reversed(seen)}
        if not seen:
            return []
        powered = seen[0].at - 3600.0
        chip = AM312(lambda since: (glimpse.at for glimpse in seen if glimpse.at >= since), lambda: powered, latency)
        return [(begins, whose[begins]) for begins, _ in chip.pulses(seen[0].at - 1.0, float("inf"))]
