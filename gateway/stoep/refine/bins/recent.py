"""The soundings of a bin's last two days, in their order, eight bytes each: a large street has a hundred thousand."""

import struct
from bisect import bisect_left
from collections.abc import Iterable

from stoep.refine.bins.sounding import Sounding

_SOUNDING = struct.Struct("<IHH")  # Unix seconds, %, mm
_NO_DISTANCE = 0xFFFF


class Recent:
    """What is known from `since` on (Unix seconds, as all times here); before it, nothing is."""

    __slots__ = ("_packed", "since")

    def __init__(self, since: int) -> None:
        self.since = since
        self._packed = b""

    def put(self, start: int, end: int, soundings: Iterable[Sounding]) -> None:
        """From `start` to before `end` there are these and no others, in the order of time."""
        packed = b"".join(_SOUNDING.pack(int(s.at), s.level, _mm(s.distance)) for s in soundings)
        self._packed = self._packed[: self._place(start)] + packed + self._packed[self._place(end) :]

    def forget(self, before: int) -> None:
        self._packed = self._packed[self._place(before) :]
        self.since = max(self.since, before)

    def between(self, since: float, until: float) -> list[Sounding]:
        """From `since` to before `until`."""
        part = self._packed[self._place(since) : self._place(until)]
        return [
            Sounding(at, level, None if distance == _NO_DISTANCE else distance)
            for at, level, distance in _SOUNDING.iter_unpack(part)
        ]

    def _place(self, at: float) -> int:
        """Where in `_packed` the first of them stands that is not before `at`."""
        places = range(0, len(self._packed), _SOUNDING.size)
        return _SOUNDING.size * bisect_left(places, at, key=lambda place: _SOUNDING.unpack_from(self._packed, place)[0])


def _mm(distance: int | None) -> int:
    return _NO_DISTANCE if distance is None else distance
