"""Which secrets have a newer one beside them, since when, and which are dead: what a restart must not forget."""

from collections.abc import Iterable
from typing import NamedTuple

from stoep.store.database import Database


class Superseded(NamedTuple):
    """Of one identity: `since` in Unix seconds, None while the clock was never trusted."""

    since: int | None
    dead: bool


def find(database: Database) -> dict[int, Superseded]:
    """By identity."""
    with database.reading() as sql:
        rows = sql.execute("SELECT identity, since, dead FROM superseded").fetchall()
    return {identity: Superseded(since, bool(dead)) for identity, since, dead in rows}


def begin(database: Database, identity: int, since: int | None) -> None:
    """A newer secret stands beside this one; the earliest time at which that was known counts."""
    with database.transaction() as sql:
        sql.execute(
            "INSERT INTO superseded (identity, since) VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET since = coalesce(min(since, excluded.since), since, excluded.since)",
            (identity, since),
        )


def revoke(database: Database, identity: int) -> None:
    """It is the only one again, before it died."""
    with database.transaction() as sql:
        sql.execute("DELETE FROM superseded WHERE identity = ? AND dead = 0", (identity,))


def bury(database: Database, identities: Iterable[int]) -> None:
    """From now on and for ever these open nothing."""
    with database.transaction() as sql:
        sql.executemany(
            "INSERT INTO superseded (identity, dead) VALUES (?, 1) ON CONFLICT DO UPDATE SET dead = 1",
            [(identity,) for identity in identities],
        )
