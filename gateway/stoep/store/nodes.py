"""The lives of nodes and the boots of the gateway, as rows; what the log and everything after it refer to."""

from collections.abc import Iterator
from dataclasses import dataclass

from stoep.store import log
from stoep.store.database import Database

_CHUNK = 200


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
    with database.transaction() as sql:
        sql.execute(
            "INSERT INTO identity (kid, fingerprint, name, kind) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET name = excluded.name, kind = excluded.kind",
            (kid, fingerprint, name, kind),
        )
        row = sql.execute(
            "SELECT id, kid, name, kind, state FROM identity WHERE kid = ? AND fingerprint = ?", (kid, fingerprint)
        ).fetchone()
    return Identity(*row)


def identity(database: Database, number: int) -> Identity:
    with database.reading() as sql:
        row = sql.execute("SELECT id, kid, name, kind, state FROM identity WHERE id = ?", (number,)).fetchone()
    return Identity(*row)


def identities(database: Database) -> list[Identity]:
    with database.reading() as sql:
        return [Identity(*row) for row in sql.execute("SELECT id, kid, name, kind, state FROM identity")]


def boot(database: Database, name: str) -> int:
    """The number of the gateway's boot `name`."""
    with database.transaction() as sql:
        sql.execute("INSERT OR IGNORE INTO boot (name) VALUES (?)", (name,))
        (number,) = sql.execute("SELECT id FROM boot WHERE name = ?", (name,)).fetchone()
    return int(number)


def offsets(database: Database) -> dict[int, float]:
    """What each boot's monotonic clock must be given to become Unix seconds, where that is known."""
    with database.reading() as sql:
        return dict(sql.execute("SELECT id, offset FROM boot WHERE offset IS NOT NULL"))


def alarms(database: Database) -> dict[int, set[tuple[int, int]]]:
    """(epoch, number) of the alarms on disk, per identity."""
    found: dict[int, set[tuple[int, int]]] = {}
    with database.reading() as sql:
        for number, epoch, alarm in sql.execute("SELECT identity, epoch, number FROM alarm"):
            found.setdefault(number, set()).add((epoch, alarm))
    return found


def rows(database: Database, after: int = 0) -> Iterator[log.Row]:
    """The log's rows with an id above `after`, in order."""
    while True:
        with database.reading() as sql:
            query = "SELECT id, batch FROM log WHERE id > ? ORDER BY id LIMIT ?"
            chunk = sql.execute(query, (after, _CHUNK)).fetchall()
        for number, batch in chunk:
            yield log.unpack(number, batch)
            after = number
        if len(chunk) < _CHUNK:
            return
