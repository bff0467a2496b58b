"""Windows as rows: kept long enough that a reading which was weeks on its way still finds its own."""

import sqlite3
from collections.abc import Iterable

from stoep.store import sealed
from stoep.store.database import Database
from stoep.store.sample_set import SampleSet
from stoep.store.windows import Total, Window

KEPT_SECONDS = 36 * 86_400
_PURGE_SHIFT = 16  # more revisions than a window can have between two purges
_COLUMNS = "kid, start, revision, due, partial, content, fresh"


def totals(kid: bytes, start: int, content: bytes) -> dict[int, Total]:
    """What the row of a window says of each channel. Raises CorruptError."""
    return Window.totals_of(sealed.unseal(content, kid, start))


def _window(row: tuple[bytes, int, int, int, int, bytes, bytes | None]) -> Window:
    kid, start, revision, due, partial, content, fresh = row
    return Window(kid, start, revision, bool(due), bool(partial), totals(kid, start, content), SampleSet.unpack(fresh))


def find(database: Database, kid: bytes, start: int) -> Window:
    """The window as it stands; a new one where there is none, `partial` where there may have been one.

    A window that comes again after it was deleted must not be published under a revision that was used.
    """
    with database.reading() as sql:
        row = sql.execute(f"SELECT {_COLUMNS} FROM window WHERE kid = ? AND start = ?", (kid, start)).fetchone()  # noqa: S608
        if row is not None:
            return _window(row)
        purged, purges, incomplete = sql.execute("SELECT purged, purges, incomplete FROM store").fetchone()
    revision = purges << _PURGE_SHIFT if start < purged else 0
    return Window(kid, start, revision, partial=start < max(purged, incomplete))


def due(database: Database) -> list[Window]:
    """Those not published as they stand."""
    with database.reading() as sql:
        return [_window(row) for row in sql.execute(f"SELECT {_COLUMNS} FROM window WHERE due = 1")]  # noqa: S608


def newest(database: Database) -> list[Window]:
    """The last published window of each kid."""
    query = f"SELECT {_COLUMNS} FROM window WHERE kid = ? AND revision > 0 ORDER BY start DESC LIMIT 1"  # noqa: S608
    with database.reading() as sql:  # along the table's own order: it may be as large as the disk
        found = [sql.execute(query, (kid,)).fetchone() for kid in kids(sql)]
    return [_window(row) for row in found if row is not None]


def fresh(sql: sqlite3.Connection, kid: bytes, start: int) -> SampleSet:
    """The samples of a window that no revision has which is published and was not given up."""
    row = sql.execute("SELECT fresh FROM window WHERE kid = ? AND start = ?", (kid, start)).fetchone()
    return SampleSet.unpack(None if row is None else row[0])


def add_fresh(sql: sqlite3.Connection, kid: bytes, start: int, samples: SampleSet) -> None:
    """Within the caller's transaction: the revision that had these was given up."""
    known = fresh(sql, kid, start)
    known.update(samples)
    sql.execute("UPDATE window SET fresh = ? WHERE kid = ? AND start = ?", (known.pack(), kid, start))


def generation(database: Database) -> int:
    with database.reading() as sql:
        (number,) = sql.execute("SELECT generation FROM store").fetchone()
    return int(number)


def _row(window: Window) -> tuple[bytes, int, int, int, int, bytes, bytes | None]:
    content = sealed.seal(window.content(), window.kid, window.start)
    return window.kid, window.start, window.revision, window.due, window.partial, content, window.fresh.pack()


def save(sql: sqlite3.Connection, windows: Iterable[Window]) -> None:
    sql.executemany(
        f"INSERT OR REPLACE INTO window ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        [_row(window) for window in windows],
    )


def kids(sql: sqlite3.Connection) -> list[bytes]:
    """Whose windows there are, without reading them all."""
    query = "SELECT kid FROM window WHERE kid > ? ORDER BY kid LIMIT 1"
    found: list[bytes] = []
    while row := sql.execute(query, found[-1:] or [b""]).fetchone():
        found.append(row[0])
    return found


def oldest(sql: sqlite3.Connection) -> int | None:
    """When the oldest window that was published began."""
    query = "SELECT start FROM window WHERE kid = ? AND due = 0 ORDER BY start LIMIT 1"
    found = [sql.execute(query, (kid,)).fetchone() for kid in kids(sql)]
    return min((row[0] for row in found if row is not None), default=None)


def purge(sql: sqlite3.Connection, before: int) -> dict[bytes, list[int]]:
    """Deletes published windows that began before `before` (Unix seconds); which, by node."""
    gone: dict[bytes, list[int]] = {}
    for kid in kids(sql):  # along the table's own order: it may be as large as the disk
        query = "DELETE FROM window WHERE kid = ? AND start < ? AND due = 0 RETURNING start"
        starts = [start for (start,) in sql.execute(query, (kid, before))]
        if starts:
            gone[kid] = starts
    if gone:
        sql.execute("UPDATE store SET purged = max(purged, ?), purges = purges + 1", (before,))
    return gone
