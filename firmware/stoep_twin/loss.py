"""Radio loss as asked for, also in a short run.

Independent draws would give a run of a hundred frames anything from 12 to 28 % when 20 % is meant. So losses are dealt
from shuffled decks of twenty: random in order, right in number.
"""

from __future__ import annotations

import random

_DECK = 20


class Deck:
    """Deals `True` (lost) with the given probability."""

    def __init__(self, probability: float, seed: int | str) -> None:
        if not 0 <= probability <= 1:
            raise ValueError(f"loss must be between 0 and 1, not {probability}")
        self._chance = random.Random(f"{seed}/loss")
        self._probability = probability
        self._cards: list[bool] = []

    def draw(self) -> bool:
        """Whether this frame is lost."""
        if not self._cards:
            exact = self._probability * _DECK
            lost = int(exact) + (self._chance.random() < exact - int(exact))
            self._cards = [i < lost for i in range(_DECK)]
            self._chance.shuffle(self._cards)
        return self._cards.pop()
