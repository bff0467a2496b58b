"""What the gateway's monotonic clock must be given to become UTC, per boot, as far as anybody ever knew.

A Pi without a clock of its own boots with the wrong time: what came in before NTP spoke is dated afterwards.
"""

import sqlite3

from stoep.clock import Clock

_STEP = 0.5  # seconds by which an offset must move to be written again


class Boots:
    def __init__(self, offsets: dict[int, float], current: int, clock: Clock) -> None:
        self._saved = dict(offsets)
        self._offsets = dict(offsets)
        self._current = current
        self._clock = clock

    def refresh(self) -> bool:
        """Asks the clock; True while it is trusted."""
        if not self._clock.trusted():
            return False
        self._offsets[self._current] = self._clock.offset()
        return True

    def utc(self, boot: int, at: int) -> float | None:
        """Unix seconds of the monotonic time `at` (µs) of `boot`; None while nobody knows."""
        offset = self._offsets.get(boot)
        return None if offset is None else at / 1_000_000 + offset

    def received(self, boot: int, at: int) -> float:
        """The same, but for a boot that ended undated the time at which the present one began."""
        known = self.utc(boot, at)
        return self._offsets[self._current] if known is None else known

    def save(self, sql: sqlite3.Connection) -> dict[int, float]:
        """Within the checkpoint; what `saved` is to be told when it is on the disk."""
        news = {
            boot: offset
            for boot, offset in self._offsets.items()
            if abs(self._saved.get(boot, -1e18) - offset) >= _STEP
        }
        sql.executemany("UPDATE boot SET offset = ? WHERE id = ?", [(offset, boot) for boot, offset in news.items()])
        return news

    def saved(self, offsets: dict[int, float]) -> None:
        self._saved.update(offsets)
