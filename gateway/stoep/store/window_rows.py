"""Windows as rows: kept long enough that a reading which was weeks on its way still finds its own."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from stoep.store import sealed, window_content
from stoep.store.database import Database
from stoep.store.sample_set import SampleSet
from stoep.store.windows import SECONDS, Window, start_of

_DAY = 86_400
KEPT_SECONDS = 36 * _DAY
_PURGE_SHIFT = 16  # more revisions than a window can have between two purges
_COLUMNS = "kid, start, revision, due, partial, content, fresh"


def _window(row: tuple[bytes, int, int, int, int, bytes, bytes | None]) -> Window:
    """Raises CorruptError."""
    kid, start, revision, due, partial, content, fresh = row
    flags, samples, before = window_content.unpack(sealed.unseal(content, kid, start))
    known = SampleSet.unpack(fresh)
    return Window(kid, start, revision, bool(due), bool(partial), samples, before, known, flags)


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


def some(database: Database, kid: bytes, starts: Collection[int]) -> list[Window]:
    """Those of a kid's windows that there are. Raises CorruptError."""
    if not starts:
        return []
    wanted = ", ".join(map(str, sorted(starts)))
    with database.reading() as sql:
        return [
            _window(row)
            for row in sql.execute(f"SELECT {_COLUMNS} FROM window WHERE kid = ? AND start IN ({wanted})", (kid,))  # noqa: S608
        ]


def due(database: Database) -> list[Window]:
    """Those not published as they stand."""
    with database.reading() as sql:
        return [_window(row) for row in sql.execute(f"SELECT {_COLUMNS} FROM window WHERE due = 1")]  # noqa: S608


def newest(database: Database) -> list[Window]:
    """The last published window of each kid."""
    with database.reading() as sql:
        kids = [kid for (kid,) in sql.execute("SELECT DISTINCT kid FROM identity ORDER BY kid")]
        found = [_last(sql, kid, _COLUMNS, "revision > 0") for kid in kids]
    return [_window(row) for row in found if row is not None]


def last(sql: sqlite3.Connection, kid: bytes) -> Window | None:
    """The newest window of a kid, published or not. Raises CorruptError."""
    row = _last(sql, kid, _COLUMNS, "1")
    return None if row is None else _window(row)


def _last(sql: sqlite3.Connection, kid: bytes, columns: str, which: str) -> Any:
    """Sought on the days of its samples alone: the windows lie in the order of time, not by node."""
    days = (
        "SELECT DISTINCT day FROM day_mark WHERE identity IN (SELECT id FROM identity WHERE kid = ?) ORDER BY day DESC"
    )
    for (day,) in sql.execute(days, (kid,)):
        starts = _starts(day * _DAY, (day + 1) * _DAY)
        query = f"SELECT {columns} FROM window WHERE kid = ? AND start IN ({starts}) AND {which}"  # noqa: S608
        row = sql.execute(f"{query} ORDER BY start DESC LIMIT 1", (kid,)).fetchone()
        if row is not None:
            return row
    return None


def flags(sql: sqlite3.Connection, kid: bytes, since: int, until: int) -> list[dict[int, int]]:
    """By channel, of those windows that are out, whole and of a kid, from `since` to before `until`.

    Raises CorruptError.
    """
    query = (
        "SELECT content, start FROM window "  # noqa: S608
        f"WHERE kid = ? AND start IN ({_starts(since, until)}) AND revision > 0 AND partial = 0"
    )
    rows = sql.execute(query, (kid,))
    return [window_content.flags(sealed.unseal(content, kid, start)) for content, start in rows]


def between(sql: sqlite3.Connection, kid: bytes, since: int, until: int) -> Iterator[Window]:
    """All of a kid that begin from `since` to before `until`, published or not, in that order. Raises CorruptError."""
    for begins in range(since, until, _DAY):
        starts = _starts(begins, min(until, begins + _DAY))
        query = f"SELECT {_COLUMNS} FROM window WHERE kid = ? AND start IN ({starts}) ORDER BY start"  # noqa: S608
        yield from map(_window, sql.execute(query, (kid,)).fetchall())


def reopened(sql: sqlite3.Connection, kid: bytes, since: int, until: int) -> list[Window]:
    """Those that are out, from `since` to before `until`: from now on they are due. Raises CorruptError."""
    which = f"kid = ? AND start IN ({_starts(since, until)}) AND due = 0"
    query = f"UPDATE window SET due = 1 WHERE {which} RETURNING {_COLUMNS}"  # noqa: S608
    return [_window(row) for row in sql.execute(query, (kid,)).fetchall()]


def _starts(since: int, until: int) -> str:
    """For SQL: a kid's windows are looked up one by one, never the whole street's between two times."""
    return ", ".join(str(start) for start in range(start_of(since + SECONDS - 1), until, SECONDS))


def generation(database: Database) -> int:
    with database.reading() as sql:
        (number,) = sql.execute("SELECT generation FROM store").fetchone()
    return int(number)


def _row(window: Window) -> tuple[bytes, int, int, int, int, bytes, bytes | None]:
    packed = window_content.pack(window_content.Content(window.flags, window.samples, window.before))
    content = sealed.seal(packed, window.kid, window.start)
    return window.kid, window.start, window.revision, window.due, window.partial, content, window.fresh.pack()


def save(sql: sqlite3.Connection, windows: Iterable[Window]) -> None:
    sql.executemany(
        f"INSERT INTO window ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) "  # noqa: S608
        "ON CONFLICT (start, kid) DO UPDATE SET revision = excluded.revision, due = excluded.due, "
        "partial = excluded.partial, content = excluded.content, fresh = excluded.fresh",
        [_row(window) for window in windows],
    )


def oldest(sql: sqlite3.Connection) -> int | None:
    """When the oldest window that was published began."""
    row = sql.execute("SELECT start FROM window WHERE due = 0 ORDER BY start LIMIT 1").fetchone()
    return None if row is None else int(row[0])


def purge(sql: sqlite3.Connection, before: int) -> dict[bytes, list[int]]:
    """Deletes published windows that began before `before` (Unix seconds); which, by node."""
    gone: dict[bytes, list[int]] = {}
    for kid, start in sql.execute("DELETE FROM window WHERE start < ? AND due = 0 RETURNING kid, start", (before,)):
        gone.setdefault(kid, []).append(start)
    if gone:
        sql.execute("UPDATE store SET purged = max(purged, ?), purges = purges + 1", (before,))
    return gone
