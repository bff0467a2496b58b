"""Samples in the order of their taking, small in memory and on the card: thousands of windows are open at once.

In memory each is a few bytes of CBOR. As a column they lie channel by channel, each number as the step from the one
before: of a quarter of an hour with a sample a minute that is less than the sums alone had taken.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import cbor2

from stoep.errors import CorruptError


class Taken(NamedTuple):
    """A sample that is dated: `at` in Unix µs (to the millisecond), `time` a TimeQuality, `counts` by channel."""

    at: int
    epoch: int
    seq: int
    time: int
    counts: Mapping[int, int]


class Series:
    __slots__ = ("_packed",)

    def __init__(self, samples: Iterable[Taken] = ()) -> None:
        self._packed: list[bytes] = []
        for sample in samples:
            self.add(sample)

    def __len__(self) -> int:
        return len(self._packed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Series) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[Taken]:
        """In the order of taking, whatever the order in which they came."""
        return iter(sorted(map(_loaded, self._packed)))

    def add(self, sample: Taken) -> None:
        flat = (number for pair in sorted(sample.counts.items()) for number in pair)
        self._packed.append(cbor2.dumps([_rounded(sample.at), *sample[1:4], *flat]))

    def columns(self) -> list[Any]:
        """For CBOR: times in ms, epochs, seqs (each as steps), time qualities; channels and a column for each."""
        samples = list(self)
        numbers = sorted({number for sample in samples for number in sample.counts})
        return [
            _steps([sample.at // 1000 for sample in samples]),
            _steps([sample.epoch for sample in samples]),
            _steps([sample.seq for sample in samples]),
            [int(sample.time) for sample in samples],
            numbers,
            *(_steps([sample.counts.get(number) for sample in samples]) for number in numbers),
        ]

    @classmethod
    def of_columns(cls, columns: Any) -> "Series":
        """Raises CorruptError."""
        try:
            times, epochs, seqs, qualities, numbers, *counts = columns
            rows = zip(
                *(list(_summed(steps)) for steps in (times, epochs, seqs)),
                qualities,
                *(list(_summed(steps)) for steps in counts),
                strict=True,
            )
            return cls(
                Taken(at * 1000, epoch, seq, time, _known(numbers, values)) for at, epoch, seq, time, *values in rows
            )
        except (TypeError, ValueError) as error:
            raise CorruptError(f"a window's samples are not as they were written ({error})") from error


def _rounded(at: int) -> int:
    return at // 1000 * 1000


def _loaded(packed: bytes) -> Taken:
    at, epoch, seq, time, *flat = cbor2.loads(packed)
    return Taken(at, epoch, seq, time, dict(zip(flat[::2], flat[1::2], strict=True)))


def _known(numbers: list[int], values: list[int | None]) -> dict[int, int]:
    return {number: value for number, value in zip(numbers, values, strict=True) if value is not None}


def _steps(values: list[int | None] | list[int]) -> list[int | None]:
    """Each as the difference from the one known before it."""
    steps: list[int | None] = []
    before = 0
    for value in values:
        steps.append(None if value is None else value - before)
        before = before if value is None else value
    return steps


def _summed(steps: Iterable[int | None]) -> Iterator[int | None]:
    value = 0
    for step in steps:
        value += step or 0
        yield None if step is None else value
