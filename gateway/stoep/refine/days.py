"""Which of a node's samples fall on which UTC day, as few numbers as that takes.

Samples of an epoch are numbered in the order of taking, so the first number of each day cuts the numbers into days:
also those that were lost or are still on their way, of which nobody can tell the time. Two rows a node and day, not
one a reading.
"""

import sqlite3
from collections import Counter
from typing import NamedTuple

DAY = 86_400
KEPT_DAYS = 40  # longer than a window lives, so that what reopens one still finds its day
_REMEMBERED = 2  # days whose marks are remembered here; an older one is looked up by the store


class _Key(NamedTuple):
    identity: int
    epoch: int
    day: int


class Days:
    def __init__(self) -> None:
        self._first: dict[_Key, tuple[int, int]] = {}  # → seq, Unix seconds
        self._changed: set[_Key] = set()
        self._late: Counter[tuple[int, int]] = Counter()  # (day, identity)
        self._newest = 0

    def note(self, identity: int, epoch: int, seq: int, utc: float, *, late: bool) -> None:
        """A sample is counted; `late`: after its window was published."""
        key = _Key(identity, epoch, int(utc // DAY))
        known = self._first.get(key)
        if known is None or seq < known[0]:
            self._first[key] = (seq, int(utc))
            self._changed.add(key)
        if late:
            self._late[key.day, identity] += 1
        self._newest = max(self._newest, key.day)

    def save(self, sql: sqlite3.Connection) -> None:
        """Within the checkpoint that counts these samples; `saved` is to be told when it is on the disk."""
        sql.executemany(
            "INSERT INTO day_mark (identity, epoch, day, seq, utc) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET seq = excluded.seq, utc = excluded.utc WHERE excluded.seq < seq",
            [(*key, *self._first[key]) for key in self._changed],
        )
        sql.executemany(
            "INSERT INTO day_tally (day, identity, late) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET late = late + excluded.late",
            [(*key, count) for key, count in self._late.items()],
        )

    def saved(self) -> None:
        self._changed.clear()
        self._late.clear()
        self._first = {key: at for key, at in self._first.items() if key.day > self._newest - _REMEMBERED}
