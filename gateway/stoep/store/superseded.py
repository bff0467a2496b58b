"""Which secrets have a newer one beside them, since when, and which are dead: what a restart must not forget.

It holds at once, also while there is no room to write it down; only a gateway that is killed then begins without it,
and the next frame under the newer secret, or the days, end the old one again.
"""

from collections.abc import Iterable
from typing import NamedTuple

from stoep.errors import StoreFullError
from stoep.store.database import Database


class State(NamedTuple):
    """Of one identity: `since` in Unix seconds, None while the clock was never trusted."""

    since: int | None
    dead: bool


class Superseded:
    """By identity; one thread changes it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.reading() as sql:
            rows = sql.execute("SELECT identity, since, dead FROM superseded").fetchall()
        self._states = {identity: State(since, bool(dead)) for identity, since, dead in rows}
        self._unwritten: set[int] = set()

    def get(self, identity: int) -> State | None:
        """None: it stands alone."""
        return self._states.get(identity)

    def dead(self, identity: int) -> bool:
        """Whether it opens nothing any more."""
        return identity in self._states and self._states[identity].dead

    def begin(self, identity: int, since: int | None) -> None:
        """A newer secret stands beside this one; the earliest time at which that was known counts."""
        before = self._states.get(identity, State(None, dead=False))
        known = [time for time in (before.since, since) if time is not None]
        self._set(identity, State(min(known, default=None), before.dead))

    def revoke(self, identity: int) -> None:
        """It is the only one again, before it died."""
        if identity in self._states and not self._states[identity].dead:
            del self._states[identity]
            self._unwritten.add(identity)

    def bury(self, identities: Iterable[int]) -> None:
        """From now on and for ever these open nothing."""
        for identity in identities:
            self._set(identity, State(self._states.get(identity, State(None, dead=False)).since, dead=True))

    def _set(self, identity: int, state: State) -> None:
        if self._states.get(identity) != state:
            self._states[identity] = state
            self._unwritten.add(identity)

    def write(self) -> None:
        """What changed since; without room the next time."""
        if not self._unwritten:
            return
        there = [(number, *state) for number in self._unwritten if (state := self._states.get(number)) is not None]
        try:
            with self._database.transaction() as sql:
                gone = self._unwritten - {number for number, *_ in there}
                sql.executemany("DELETE FROM superseded WHERE identity = ? AND dead = 0", [(one,) for one in gone])
                sql.executemany("INSERT OR REPLACE INTO superseded (identity, since, dead) VALUES (?, ?, ?)", there)
        except StoreFullError:
            return
        self._unwritten.clear()
