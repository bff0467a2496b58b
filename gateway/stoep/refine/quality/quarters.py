"""A few numbers for each quarter of an hour of each node, a day in one array: large streets in a small memory.

An array is column after column, the first of them 1 where a window is known. A day has columns for those channels alone
of which there was a number: of the dust and gas that lampposts measure a bin knows nothing.
"""

from array import array
from collections.abc import Mapping

from stoep.store.windows import SECONDS

_A_DAY = 86400 // SECONDS
_FEWEST = 1000  # days of nodes: today and yesterday of a street of 500

Key = tuple[bytes, int]  # kid, start of a window
Day = tuple[tuple[int, ...], "array[int]"]  # the channels that have columns; all columns


class Quarters:
    """By window a number for each of some channels, or none; `code` is the numbers' (module array), signed.

    At most `most` days of nodes are kept. The older half is let go of then: whoever needs it works it out again.
    """

    def __init__(self, code: str) -> None:
        self._code = code
        self._none = -(1 << 8 * array(code).itemsize - 1)
        self._days: dict[Key, Day] = {}  # by kid and number of the day
        self._layouts: dict[tuple[int, ...], tuple[int, ...]] = {}  # one object for all days that have the same columns
        self.most = _FEWEST

    def hold(self, nodes: int) -> None:
        """Room for a street of so many."""
        self.most = max(_FEWEST, 2 * nodes)

    def __contains__(self, key: Key) -> bool:
        day, quarter = _place(key)
        return day in self._days and bool(self._days[day][1][quarter])

    def get(self, key: Key) -> dict[int, int] | None:
        """By channel; None: nobody has put anything."""
        day, quarter = _place(key)
        if day not in self._days:
            return None
        channels, columns = self._days[day]
        known, *numbers = columns[quarter::_A_DAY]
        if not known:
            return None
        return {channel: number for channel, number in zip(channels, numbers, strict=True) if number != self._none}

    def put(self, key: Key, numbers: Mapping[int, int]) -> None:
        day, quarter = _place(key)
        channels, columns = self._days.get(day) or self._new(day)
        more = tuple(channel for channel in numbers if channel not in channels)
        if more:
            channels, columns = channels + more, columns + array(self._code, [self._none]) * (_A_DAY * len(more))
            self._days[day] = self._layouts.setdefault(channels, channels), columns
        row = [1, *(numbers.get(channel, self._none) for channel in channels)]
        columns[quarter::_A_DAY] = array(self._code, row)

    def forget(self, key: Key) -> None:
        day, quarter = _place(key)
        if day in self._days:
            _, columns = self._days[day]
            columns[quarter] = 0

    def clear(self) -> None:
        self._days.clear()

    def _new(self, day: Key) -> Day:
        if len(self._days) >= self.most:
            self._thin()
        self._days[day] = (), array(self._code, [0]) * _A_DAY
        return self._days[day]

    def _thin(self) -> None:
        for day in sorted(self._days, key=lambda day: day[1])[: len(self._days) // 2]:
            del self._days[day]


def _place(key: Key) -> tuple[Key, int]:
    """The day of a node, and which quarter of an hour of it."""
    kid, start = key
    day, quarter = divmod(start // SECONDS, _A_DAY)
    return (kid, day), quarter
