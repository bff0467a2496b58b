"""Messages that wait for the city's broker to confirm them: rows, so that no restart loses one."""

import sqlite3
import threading
from collections.abc import Collection, Iterable
from typing import NamedTuple

from stoep.store.database import Database
from stoep.store.squeeze import squeeze, whole


class Message(NamedTuple):
    id: int
    topic: str
    payload: bytes


class Outbox:
    """Urgent rows first, then by age. `waiting` is set when there may be something new."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.waiting = threading.Event()
        self.waiting.set()

    @staticmethod
    def put(sql: sqlite3.Connection, key: str, topic: str, payload: bytes, *, urgent: bool = False) -> None:
        """Within the caller's transaction; a newer message takes the place of an unconfirmed one with the same key."""
        sql.execute(
            "INSERT OR REPLACE INTO outbox (key, urgent, topic, payload) VALUES (?, ?, ?, ?)",
            (key, urgent, topic, squeeze(payload)),
        )

    def next(self, limit: int, leave_out: Collection[int]) -> list[Message]:
        """Up to `limit` messages, none of `leave_out`."""
        with self._database.reading() as sql:
            rows = sql.execute(
                "SELECT id, topic, payload FROM outbox ORDER BY urgent DESC, id LIMIT ?", (limit + len(leave_out),)
            )
            found = [row for row in rows if row[0] not in leave_out][:limit]
        return [Message(number, topic, whole(payload)) for number, topic, payload in found]

    def confirmed(self, ids: Iterable[int]) -> None:
        """The broker has them: they go."""
        with self._database.transaction() as sql:
            sql.executemany("DELETE FROM outbox WHERE id = ?", [(number,) for number in ids])

    def __len__(self) -> int:
        with self._database.reading() as sql:
            (count,) = sql.execute("SELECT count(*) FROM outbox").fetchone()
        return int(count)
