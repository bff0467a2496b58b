"""A window with a mark for each of its readings."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from stoep.store.series import Taken
from stoep.store.verdict import GOOD
from stoep.store.windows import Window

Marks = dict[int, int]  # of a sample: by channel


class Judged(NamedTuple):
    """`samples` in the order of taking; `expected`: the channels that the node should have measured."""

    window: Window
    samples: Sequence[tuple[Taken, Marks]]
    expected: Collection[int] = ()


def trusted(window: Window) -> Judged:
    """A window as if every reading in it were good."""
    return Judged(window, [(taken, dict.fromkeys(taken.counts, GOOD)) for taken in window.samples])
