"""Sets of positions as ranges: a node's whole history is usually one pair of numbers."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class Ranges:
    """A set of whole numbers, kept as disjoint ranges that do not touch, both ends included."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    def __len__(self) -> int:
        """How many ranges, not how many numbers."""
        return len(self._firsts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranges) and self._firsts == other._firsts and self._lasts == other._lasts

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Ranges({list(self)})"

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and self._lasts[at] >= number

    def copy(self) -> "Ranges":
        twin = Ranges()
        twin._firsts = self._firsts.copy()
        twin._lasts = self._lasts.copy()
        return twin

    def last(self) -> int:
        """The highest number; 0 when there is none."""
        return self._lasts[-1] if self._lasts else 0

    def size(self, first: int, last: int) -> int:
        """How many numbers of the set are within first..last."""
        return sum(b - a + 1 for a, b in self.within(first, last))

    def end_from(self, first: int) -> int:
        """The end of the unbroken run that starts at `first`; `first` - 1 when it is not there."""
        at = bisect_right(self._firsts, first) - 1
        return self._lasts[at] if at >= 0 and self._lasts[at] >= first else first - 1

    def add(self, first: int, last: int) -> None:
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first = min(first, self._firsts[low])
            last = max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def remove(self, first: int, last: int) -> None:
        low = bisect_left(self._lasts, first)
        high = bisect_right(self._firsts, last)
        if low >= high:
            return
        left, right = self._firsts[low], self._lasts[high - 1]
        kept = [(left, first - 1)] if left < first else []
        if right > last:
            kept.append((last + 1, right))
        self._firsts[low:high] = [a for a, _ in kept]
        self._lasts[low:high] = [b for _, b in kept]

    def missing(self, first: int, last: int) -> list[tuple[int, int]]:
        """The ranges within first..last that are not in the set."""
        gaps = []
        at = first
        for a, b in self.within(first, last):
            if a > at:
                gaps.append((at, a - 1))
            at = b + 1
        if at <= last:
            gaps.append((at, last))
        return gaps

    def within(self, first: int, last: int) -> list[tuple[int, int]]:
        """The ranges within first..last that are in the set, cut to it."""
        low = bisect_left(self._lasts, first)
        high = bisect_right(self._firsts, last)
        return [
            (max(a, first), min(b, last)) for a, b in zip(self._firsts[low:high], self._lasts[low:high], strict=True)
        ]
