"""The days of a bin that are over, in one string of bytes: five weeks of it are seven kilobytes."""

import struct
from collections.abc import Iterator
from math import isnan, nan

from stoep.refine.bins.days import HOURS, Day

_DAY = struct.Struct(f"<I{HOURS}f{HOURS}fd")  # its number, what came, what was watched, when it was emptied


class Weeks:
    """By the date's ordinal."""

    __slots__ = ("_packed",)

    def __init__(self) -> None:
        self._packed = b""

    def __iter__(self) -> Iterator[Day]:
        for number, *hours, emptied in _DAY.iter_unpack(self._packed):
            yield Day(number, hours[:HOURS], hours[HOURS:], None if isnan(emptied) else emptied)

    def numbers(self) -> set[int]:
        return {number for number, *_ in _DAY.iter_unpack(self._packed)}

    def put(self, day: Day) -> None:
        self.forget({day.number})
        self._packed += _DAY.pack(day.number, *day.came, *day.watched, nan if day.emptied is None else day.emptied)

    def forget(self, numbers: set[int]) -> None:
        parts = (self._packed[at : at + _DAY.size] for at in range(0, len(self._packed), _DAY.size))
        self._packed = b"".join(part for part in parts if _DAY.unpack_from(part)[0] not in numbers)
