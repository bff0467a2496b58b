"""Windows as rows: kept long enough that a reading which was weeks on its way still finds its own."""

import sqlite3
from collections.abc import Iterable

from stoep.store.database import Database
from stoep.store.sample_set import SampleSet
from stoep.store.windows import Window

KEPT_SECONDS = 36 * 86_400
_COLUMNS = "kid, start, revision, due, partial, content, fresh"


def _window(row: tuple[bytes, int, int, int, int, bytes, bytes | None]) -> Window:
    kid, start, revision, due, partial, content, fresh = row
    totals = Window.totals_of(content)
    return Window(kid, start, revision, bool(due), bool(partial), totals, SampleSet.unpack(fresh))


def find(database: Database, kid: bytes, start: int) -> Window:
    """The window as it stands; a new one where there is none, `partial` where there may have been one."""
    with database.reading() as sql:
        row = sql.execute(f"SELECT {_COLUMNS} FROM window WHERE kid = ? AND start = ?", (kid, start)).fetchone()  # noqa: S608
        if row is not None:
            return _window(row)
        (purged,) = sql.execute("SELECT purged FROM store").fetchone()
    return Window(kid, start, partial=start < purged)


def due(database: Database) -> list[Window]:
    """Those not published as they stand."""
    with database.reading() as sql:
        return [_window(row) for row in sql.execute(f"SELECT {_COLUMNS} FROM window WHERE due = 1")]  # noqa: S608


def newest(database: Database) -> list[Window]:
    """The last published window of each kid."""
    query = f"SELECT {_COLUMNS}, max(start) FROM window WHERE revision > 0 GROUP BY kid"  # noqa: S608
    with database.reading() as sql:
        return [_window(row[:7]) for row in sql.execute(query)]


def generation(database: Database) -> int:
    with database.reading() as sql:
        (number,) = sql.execute("SELECT generation FROM store").fetchone()
    return int(number)


def save(sql: sqlite3.Connection, windows: Iterable[Window]) -> None:
    sql.executemany(
        f"INSERT OR REPLACE INTO window ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        [(w.kid, w.start, w.revision, w.due, w.partial, w.content(), w.fresh.pack()) for w in windows],
    )


def purge(sql: sqlite3.Connection, before: int) -> None:
    """Deletes published windows that began before `before` (Unix seconds)."""
    if sql.execute("DELETE FROM window WHERE start < ? AND due = 0", (before,)).rowcount:
        sql.execute("UPDATE store SET purged = max(purged, ?)", (before,))
