"""A window with a mark for each of its readings."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from stoep.store.series import Series, Taken
from stoep.store.verdict import GOOD
from stoep.store.windows import Window

Marks = dict[int, int]  # of a sample: by channel


class Judged(NamedTuple):
    """`samples` in the order of taking; `expected`: the channels that the node should have measured."""

    window: Window
    samples: Sequence[tuple[Taken, Marks]]
    expected: Collection[int] = ()


def told(window: Window) -> Window | None:
    """A window with no samples but those of its last published revision; None where there is none.

    What is said of a window rests on nothing else, so that it can be said again after a kill.
    """
    if not window.due:
        return window
    if not window.revision:
        return None
    fresh = [(life.epoch, ranges) for life, ranges in window.fresh]
    kept = [
        taken
        for taken in window.samples
        if not any(taken.epoch == epoch and taken.seq in ranges for epoch, ranges in fresh)
    ]
    return replace(window, samples=Series(kept))


def trusted(window: Window) -> Judged:
    """A window as if every reading in it were good."""
    return Judged(window, [(taken, dict.fromkeys(taken.counts, GOOD)) for taken in window.samples])
