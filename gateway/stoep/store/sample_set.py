"""Which samples something is about: numbers of several nodes and epochs, packed into a few bytes."""

from collections.abc import Iterator
from typing import NamedTuple

import cbor2

from stoep.errors import CorruptError
from stoep.store.ranges import Ranges
from stoep.wire.shape import U32


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
        """Raises CorruptError."""
        try:
            found = cls()
            for identity, epoch, *ends in () if packed is None else cbor2.loads(packed):
                for first, last in zip(ends[::2], ends[1::2], strict=True):
                    found.add(_life(identity, epoch, first, last), first, last)
        except (cbor2.CBORError, ValueError, TypeError) as error:
            raise CorruptError(f"a set of samples is not as it was written ({error})") from error
        return found


def _life(*numbers: object) -> Life:
    """Of what stands at the head of a stretch, if that is one."""
    identity, epoch, first, last = (number if type(number) is int else -1 for number in numbers)
    if identity < 0 or not 0 <= epoch <= U32 or not 0 <= first <= last <= U32:
        raise ValueError(f"{numbers} is no stretch of samples")
    return Life(identity, epoch)
