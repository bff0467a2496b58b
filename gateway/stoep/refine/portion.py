"""How many of the windows that are due are told in one transaction: a few seconds' work, whatever the machine.

A day of a large street that comes at once would else be minutes in which nothing reaches the disk: a service that is
ended before, and started, and ended again, would never tell the city anything. Windows that are told together are
judged together, so more of them cost less than as many portions would: a portion grows as long as there is time.
"""

from stoep.store.windows import Window

_FEWEST = 10  # windows; where nothing is known of the machine yet
_MOST = 500
_QUICK = 10.0  # real seconds below which the next portion is twice as large
_SLOW = 30.0  # and above which it is half as large; half of what the watchdog waits for a stage


class Portion:
    def __init__(self) -> None:
        self._wanted = _FEWEST

    def of(self, due: list[Window]) -> list[Window]:
        """The first of `due`, which are in the order of time: of a street whole quarters of an hour."""
        end = min(self._wanted, len(due))
        while end < min(len(due), _MOST) and due[end].start == due[end - 1].start:
            end += 1
        return due[:end]

    def took(self, windows: int, seconds: float) -> None:
        """So many were told in so many real seconds."""
        if seconds > _SLOW and windows <= self._wanted:  # a large street's quarter is as large as it is
            self._wanted = max(_FEWEST, self._wanted // 2)
        elif seconds < _QUICK and windows >= self._wanted:
            self._wanted = min(2 * self._wanted, _MOST)
