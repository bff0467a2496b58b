"""Which samples something is about: numbers of several nodes and epochs, packed into a few bytes."""

from collections.abc import Iterator
from typing import NamedTuple

import cbor2

from stoep.store.ranges import Ranges


class Life(NamedTuple):
    """Within it a sample is known by its seq."""

    identity: int
    epoch: int


class SampleSet:
    __slots__ = ("_of",)

    def __init__(self) -> None:
        self._of: dict[Life, Ranges] = {}

    def __bool__(self) -> bool:
        return bool(self._of)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SampleSet) and self._of == other._of

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[tuple[Life, Ranges]]:
        return iter(self._of.items())

    def add(self, life: Life, first: int, last: int) -> None:
        self._of.setdefault(life, Ranges()).add(first, last)

    def update(self, other: "SampleSet") -> None:
        for life, ranges in other:
            for first, last in ranges:
                self.add(life, first, last)

    def of(self, life: Life) -> Ranges:
        return self._of.get(life) or Ranges()

    def pack(self) -> bytes | None:
        """For a column; None when there is nothing in it."""
        if not self._of:
            return None
        return cbor2.dumps([[*life, *(end for span in ranges for end in span)] for life, ranges in self])

    @classmethod
    def unpack(cls, packed: bytes | None) -> "SampleSet":
        found = cls()
        for identity, epoch, *ends in () if packed is None else cbor2.loads(packed):
            for first, last in zip(ends[::2], ends[1::2], strict=True):
                found.add(Life(identity, epoch), first, last)
        return found
