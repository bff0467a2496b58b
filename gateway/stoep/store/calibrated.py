"""By what the published windows are corrected, and which are to be published again because that has changed.

Kept in the store, so that a gateway that is killed between the two goes on where it was.
"""

import sqlite3
from collections.abc import Iterable

from stoep.store import window_rows
from stoep.store.windows import SECONDS, Window

_ROW = 1
_DAY = 86_400


def content(sql: sqlite3.Connection) -> bytes | None:
    """What was saved last, for the caller to judge; None before the first time."""
    row = sql.execute("SELECT content FROM calibrated WHERE id = ?", (_ROW,)).fetchone()
    return None if row is None else bytes(row[0])


def save(sql: sqlite3.Connection, packed: bytes, again: Iterable[tuple[bytes, int, int]]) -> None:
    """`again`: kid, and from when to before when (Unix seconds) its windows are no longer as they were told."""
    sql.execute("INSERT OR REPLACE INTO calibrated (id, content) VALUES (?, ?)", (_ROW, packed))
    oldest, newest = sql.execute("SELECT min(start), max(start) FROM window").fetchone()
    for kid, begins, ends in again if newest is not None else ():
        since, until = max(begins, oldest), min(ends, newest + SECONDS)
        if since < until:
            sql.execute("INSERT INTO say_again (kid, since, until) VALUES (?, ?, ?)", (kid, since, until))


def waiting(sql: sqlite3.Connection) -> bool:
    return sql.execute("SELECT 1 FROM say_again LIMIT 1").fetchone() is not None


def next_due(sql: sqlite3.Connection) -> list[Window]:
    """A day's windows of one node, at most, that are out and are due from now on. Raises CorruptError."""
    row = sql.execute("SELECT id, kid, since, until FROM say_again ORDER BY id LIMIT 1").fetchone()
    if row is None:
        return []
    number, kid, since, until = row
    ends = min(until, since + _DAY)
    windows = window_rows.reopened(sql, kid, since, ends)
    if ends < until:
        sql.execute("UPDATE say_again SET since = ? WHERE id = ?", (ends, number))
    else:
        sql.execute("DELETE FROM say_again WHERE id = ?", (number,))
    return windows
