"""A few numbers for each quarter of an hour of each node, a day in one array: large streets in a small memory."""

from array import array
from collections.abc import Collection, Mapping

from stoep.store.windows import SECONDS

_A_DAY = 86400 // SECONDS
_FEWEST = 2000  # days of nodes: three of a street of 500 and what comes late

Key = tuple[bytes, int]  # kid, start of a window


class Quarters:
    """By window a number for each of some `channels`, or none; `code` is the numbers' (module array), signed.

    At most `most` days of nodes are kept. The older half is let go of then: whoever needs it works it out again.
    """

    def __init__(self, channels: Collection[int], code: str) -> None:
        self._channels = sorted(channels)
        self._days: dict[Key, array[int]] = {}  # by kid and number of the day; for each window: known, its numbers
        self._code = code
        self._width = 1 + len(self._channels)
        self._none = -(1 << 8 * array(code).itemsize - 1)
        self.most = _FEWEST

    def hold(self, nodes: int) -> None:
        """Room for a street of so many."""
        self.most = max(_FEWEST, 4 * nodes)

    def __contains__(self, key: Key) -> bool:
        day, at = self._place(key)
        known = self._days.get(day)
        return known is not None and bool(known[at])

    def get(self, key: Key) -> dict[int, int] | None:
        """By channel; None: nobody has put anything."""
        day, at = self._place(key)
        known = self._days.get(day)
        if known is None or not known[at]:
            return None
        numbers = zip(self._channels, known[at + 1 : at + self._width], strict=True)
        return {channel: number for channel, number in numbers if number != self._none}

    def put(self, key: Key, numbers: Mapping[int, int]) -> None:
        day, at = self._place(key)
        known = self._days.get(day)
        if known is None:
            if len(self._days) >= self.most:
                self._thin()
            known = self._days[day] = array(self._code, bytes(array(self._code).itemsize * self._width * _A_DAY))
        row = [1, *(numbers.get(channel, self._none) for channel in self._channels)]
        known[at : at + self._width] = array(self._code, row)

    def forget(self, key: Key) -> None:
        day, at = self._place(key)
        if day in self._days:
            self._days[day][at] = 0

    def clear(self) -> None:
        self._days.clear()

    def _place(self, key: Key) -> tuple[Key, int]:
        kid, start = key
        day, quarter = divmod(start // SECONDS, _A_DAY)
        return (kid, day), quarter * self._width

    def _thin(self) -> None:
        for day in sorted(self._days, key=lambda day: day[1])[: len(self._days) // 2]:
            del self._days[day]
