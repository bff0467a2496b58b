"""Messages that wait for the city's broker to confirm them: rows, so that no restart loses one.

No row has a time to live, and there is no count from which on rows are dropped: what goes before it was confirmed is
decided by the store's caps and stands in the ledger.
"""

import sqlite3
import threading
from collections.abc import Collection, Iterable
from typing import NamedTuple

from stoep.clock import real
from stoep.errors import StoreFullError
from stoep.store.database import Database
from stoep.store.sample_set import SampleSet
from stoep.store.squeeze import squeeze, whole_message

AGELESS = 1 << 62  # in the place of a time: the message is as new tomorrow as today
_MANY = 10_000  # rows from which on counting takes so long that it is not done at each look
_COUNT_SECONDS = 10.0


class Message(NamedTuple):
    """`at`: up to when it tells, Unix seconds; AGELESS where age means nothing."""

    id: int
    topic: str
    payload: bytes
    at: int


class Part(NamedTuple):
    """The rows with this urgency behind (`at`, `id`) and older than `before`."""

    urgent: bool
    at: int
    id: int
    before: int


class Outbox:
    """Urgent rows first, then by what they tell of. `waiting` is set when there may be something new."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._count = 0
        self._counted = -_COUNT_SECONDS
        self._gone: set[int] = set()  # the broker has them, but there was no room to write that down
        self.waiting = threading.Event()
        self.waiting.set()

    @staticmethod
    def put(
        sql: sqlite3.Connection,
        key: str,
        topic: str,
        payload: bytes,
        *,
        urgent: bool = False,
        at: float | None = None,
        carries: SampleSet | None = None,
    ) -> None:
        """Within the caller's transaction; a newer message takes the place of an unconfirmed one with the same key.

        `at`: up to when it tells, Unix seconds; without it the message never becomes backlog.
        `carries`: the samples that reach the city with it; those of the message whose place it takes join them.
        """
        carried = SampleSet()
        if carries:
            carried.update(carries)
        for (packed,) in sql.execute("SELECT carries FROM outbox WHERE key = ? AND carries IS NOT NULL", (key,)):
            carried.update(SampleSet.unpack(packed))
        sql.execute(
            "INSERT OR REPLACE INTO outbox (key, urgent, topic, payload, at, carries) VALUES (?, ?, ?, ?, ?, ?)",
            (key, urgent, topic, squeeze(payload), AGELESS if at is None else int(at), carried.pack()),
        )

    def next(self, limit: int, leave_out: Collection[int], part: Part | None = None) -> list[Message]:
        """Up to `limit` messages in their order, none of `leave_out`; of the whole outbox, or of a part of it.

        Ends the process when one of them is not as it was written: the next start sets the store aside.
        """
        where = "" if part is None else "WHERE urgent = ? AND (at, id) > (?, ?) AND at < ?"
        query = f"SELECT id, topic, payload, at FROM outbox {where} ORDER BY urgent DESC, at, id LIMIT ?"  # noqa: S608
        with self._database.reading() as sql:
            rows = sql.execute(query, (*(part or ()), limit + len(leave_out) + len(self._gone)))
            found = [row for row in rows if row[0] not in leave_out and row[0] not in self._gone][:limit]
            return [Message(number, topic, whole_message(payload), at) for number, topic, payload, at in found]

    def confirmed(self, ids: Iterable[int]) -> None:
        """The broker has them: they go, on a full disk as soon as that can be written."""
        self._gone.update(ids)
        try:
            with self._database.transaction() as sql:
                sql.executemany("DELETE FROM outbox WHERE id = ?", [(number,) for number in self._gone])
        except StoreFullError:
            return
        self._gone.clear()

    def __len__(self) -> int:
        """Of more than 10,000 rows: as it was up to ten seconds ago."""
        if self._count < _MANY or real() - self._counted >= _COUNT_SECONDS:
            with self._database.reading() as sql:
                (self._count,) = sql.execute("SELECT count(*) FROM outbox").fetchone()
            self._counted = real()
        return self._count
