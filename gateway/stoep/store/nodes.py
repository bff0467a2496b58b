"""The lives of nodes and the boots of the gateway, as rows; what the log and everything after it refer to."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from stoep.store import log, sealed
from stoep.store.database import Database

_CHUNK = 200
_COLUMNS = "id, kid, name, kind, state"


@dataclass(frozen=True)
class Identity:
    """A kid with one secret; `state` is its checkpoint, None before the first."""

    id: int
    kid: bytes
    name: str
    kind: str
    state: bytes | None


def identify(database: Database, kid: bytes, fingerprint: bytes, name: str, kind: str) -> Identity:
    """The life of `kid` with this secret, begun now if it is new; name and kind follow the registry."""
    query = f"SELECT {_COLUMNS} FROM identity WHERE kid = ? AND fingerprint = ?"  # noqa: S608
    with database.reading() as sql:
        row = sql.execute(query, (kid, fingerprint)).fetchone()
        if row is not None and row[2:4] == (name, kind):  # a start on a full disk has nothing to write
            return from_row(row)
    with database.transaction() as sql:
        sql.execute(
            "INSERT INTO identity (kid, fingerprint, name, kind) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET name = excluded.name, kind = excluded.kind",
            (kid, fingerprint, name, kind),
        )
        return from_row(sql.execute(query, (kid, fingerprint)).fetchone())


def known(database: Database, kid: bytes, fingerprint: bytes) -> Identity | None:
    """The life of `kid` with this secret under the name it had; None: it has not begun."""
    query = f"SELECT {_COLUMNS} FROM identity WHERE kid = ? AND fingerprint = ?"  # noqa: S608
    with database.reading() as sql:
        row = sql.execute(query, (kid, fingerprint)).fetchone()
        return None if row is None else from_row(row)


def from_row(row: tuple[int, bytes, str, str, bytes | None]) -> Identity:
    """Of its columns `id, kid, name, kind, state`. Raises CorruptError."""
    number, kid, name, kind, state = row
    return Identity(number, kid, name, kind, None if state is None else sealed.unseal(state, number, kid))


def save_state(sql: sqlite3.Connection, identity: Identity, state: bytes) -> None:
    """Within the checkpoint."""
    kept = sealed.seal(state, identity.id, identity.kid)
    sql.execute("UPDATE identity SET state = ? WHERE id = ?", (kept, identity.id))


def identity(database: Database, number: int) -> Identity:
    with database.reading() as sql:
        return from_row(sql.execute(f"SELECT {_COLUMNS} FROM identity WHERE id = ?", (number,)).fetchone())  # noqa: S608


def identities(database: Database) -> list[Identity]:
    with database.reading() as sql:
        return [from_row(row) for row in sql.execute(f"SELECT {_COLUMNS} FROM identity")]  # noqa: S608


def boot(database: Database, name: str) -> int:
    """The number of the gateway's boot `name`."""
    query = "SELECT id FROM boot WHERE name = ?"
    with database.reading() as sql:
        row = sql.execute(query, (name,)).fetchone()
    if row is None:
        with database.transaction() as sql:
            sql.execute("INSERT INTO boot (name) VALUES (?)", (name,))
            row = sql.execute(query, (name,)).fetchone()
    return int(row[0])


def offsets(database: Database) -> dict[int, float]:
    """What each boot's monotonic clock must be given to become Unix seconds, where that is known."""
    with database.reading() as sql:
        return dict(sql.execute("SELECT id, offset FROM boot WHERE offset IS NOT NULL"))


def rows(database: Database, after: int = 0) -> Iterator[log.Row]:
    """The log's rows with an id above `after`, in order."""
    while True:
        with database.reading() as sql:
            query = "SELECT id, batch FROM log WHERE id > ? ORDER BY id LIMIT ?"
            chunk = [(number, sealed.unseal(batch, number)) for number, batch in sql.execute(query, (after, _CHUNK))]
        for number, batch in chunk:
            yield log.unpack(number, batch)
            after = number
        if len(chunk) < _CHUNK:
            return
