"""The nodes' alarms: kept by the commit that acknowledges them, marked when their message is in the outbox."""

import sqlite3
from collections.abc import Iterable

from stoep.store.database import Database
from stoep.wire.messages import Alarm


def keys(database: Database) -> dict[int, set[tuple[int, int]]]:
    """(epoch, number) of the alarms on disk, per identity."""
    found: dict[int, set[tuple[int, int]]] = {}
    with database.reading() as sql:
        for identity, epoch, number in sql.execute("SELECT identity, epoch, number FROM alarm"):
            found.setdefault(identity, set()).add((epoch, number))
    return found


def enter(sql: sqlite3.Connection, identity: int, alarms: Iterable[Alarm]) -> None:
    """Within the commit; one that is there already is left as it is."""
    sql.executemany(
        "INSERT OR IGNORE INTO alarm (identity, epoch, number, code, tick, raised, value, trace) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(identity, a.epoch, a.number, a.code, a.tick, a.raised, a.value, a.trace) for a in alarms],
    )


def unsent(database: Database) -> list[tuple[int, Alarm]]:
    """Those of which the city was told nothing yet, with their identities."""
    with database.reading() as sql:
        rows = sql.execute(
            "SELECT identity, epoch, number, code, tick, raised, value, trace FROM alarm WHERE sent = 0 "
            "ORDER BY identity, epoch, number"
        ).fetchall()
    return [
        (identity, Alarm(epoch, number, code, tick, bool(raised), value, trace))
        for identity, epoch, number, code, tick, raised, value, trace in rows
    ]


def sent(sql: sqlite3.Connection, identity: int, alarm: Alarm) -> None:
    """Its message is in the outbox, or nobody wants one."""
    sql.execute(
        "UPDATE alarm SET sent = 1 WHERE identity = ? AND epoch = ? AND number = ?",
        (identity, alarm.epoch, alarm.number),
    )
