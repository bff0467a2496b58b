"""Rows for what was given up, narrowed again when it comes after all or gets a better cause."""

import sqlite3

from stoep.wire.messages import Lost


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
