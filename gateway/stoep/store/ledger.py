"""Rows for what was given up: by nodes, narrowed again when it comes after all or gets a better cause; and by us."""

import sqlite3
from collections.abc import Iterable
from enum import IntEnum

from stoep.wire.messages import Lost

_DAY = 86_400


class Cause(IntEnum):
    """Why the gateway itself gave something up. A node's causes are bytes, see `[lost]` in wire/channels.toml."""

    EVICTED = 256  # to keep the store within its size or its age
    UNREADABLE = 257  # in a corrupt store

    @property
    def word(self) -> str:
        return self.name.lower()


def give_up(sql: sqlite3.Connection, cause: Cause, what: str, kid: bytes, starts: Iterable[int]) -> None:
    """Messages or windows of a node, by when (Unix seconds) they began: one row a day."""
    for start in starts:
        sql.execute(
            "INSERT INTO given_up (cause, what, kid, day, first, last, count) VALUES (?, ?, ?, ?, ?, ?, 1) "
            "ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last), "
            "count = count + 1",
            (cause, what, kid, start // _DAY, start, start),
        )


def given_up(sql: sqlite3.Connection) -> dict[str, int]:
    """How many of what, in all: "evicted window" → 12."""
    found = sql.execute("SELECT cause, what, sum(count) FROM given_up GROUP BY cause, what").fetchall()
    return {f"{Cause(cause).word} {what}": int(count) for cause, what, count in found}


def strike(sql: sqlite3.Connection, identity: int, epoch: int, first: int, last: int) -> None:
    """Takes first..last out of the ledger."""
    overlapping = sql.execute(
        "SELECT id, cause, first, last, received FROM ledger "
        "WHERE identity = ? AND epoch = ? AND first <= ? AND last >= ?",
        (identity, epoch, last, first),
    ).fetchall()
    for row, cause, a, b, received in overlapping:
        sql.execute("DELETE FROM ledger WHERE id = ?", (row,))
        if a < first:
            _insert(sql, identity, Lost(epoch, a, first - 1, cause), received)
        if b > last:
            _insert(sql, identity, Lost(epoch, last + 1, b, cause), received)


def enter(sql: sqlite3.Connection, identity: int, lost: Lost, received: int | None) -> None:
    """`received`: Unix seconds at which we were told, None while the clock was not trusted."""
    strike(sql, identity, lost.epoch, lost.first, lost.last)
    _insert(sql, identity, lost, received)


def _insert(sql: sqlite3.Connection, identity: int, lost: Lost, received: int | None) -> None:
    sql.execute(
        "INSERT INTO ledger (identity, cause, epoch, first, last, received) VALUES (?, ?, ?, ?, ?, ?)",
        (identity, lost.cause, lost.epoch, lost.first, lost.last, received),
    )
