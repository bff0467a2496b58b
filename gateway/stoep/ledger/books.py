"""All that the ledger and the fleet's health are made from, read in one snapshot of the store's file.

Its own read-only connection: a command reads beside the running service, and neither waits for the other. One node at a
time: five hundred of them at once would be as large as the service itself.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from stoep.errors import StoreError
from stoep.refine.track import Track
from stoep.store import log, nodes, sealed, window_rows
from stoep.store.nodes import Identity
from stoep.store.sample_set import SampleSet

SCHEMA = 8  # the first in which all of it is there
_BUSY_SECONDS = 5.0


class Mark(NamedTuple):
    """The first sample of an epoch that was taken on `day` (days since 1970), at `utc` (Unix seconds)."""

    epoch: int
    day: int
    seq: int
    utc: int


class Loss(NamedTuple):
    epoch: int
    first: int
    last: int
    cause: int
    received: int | None


class Tally(NamedTuple):
    late: int
    again: int


class Last(NamedTuple):
    """The newest dated sample of a kid: Unix seconds of its taking, and its number."""

    utc: float
    epoch: int
    seq: int


@dataclass(frozen=True)
class History:
    """One life of a node. `newest`: its kid has no later one; `last` is the kid's."""

    track: Track
    marks: list[Mark]
    losses: list[Loss]
    last: Last | None
    newest: bool


class Books:
    """`waiting`: samples in windows that the city has not confirmed; `unpublished`: those of them in no message yet."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        self.sql = sql
        self._entries: dict[int, list[tuple[int, int, bytes]]] = {}  # identity → (row, boot, packed entry) of the log
        for row, batch in sql.execute("SELECT id, batch FROM log ORDER BY id"):
            boot, entries = log.split(row, sealed.unseal(batch, row))
            for identity, entry in entries:
                self._entries.setdefault(identity, []).append((row, boot, entry))
        self.unpublished = SampleSet()
        for (packed,) in sql.execute("SELECT fresh FROM window WHERE due = 1 AND fresh IS NOT NULL"):
            self.unpublished.update(SampleSet.unpack(packed))
        self.waiting = SampleSet()
        self.waiting.update(self.unpublished)
        for (packed,) in sql.execute("SELECT carries FROM outbox WHERE carries IS NOT NULL"):
            self.waiting.update(SampleSet.unpack(packed))
        self._offsets: dict[int, float] = dict(sql.execute("SELECT id, offset FROM boot WHERE offset IS NOT NULL"))

    def histories(self) -> Iterator[History]:
        """In the order in which the lives began."""
        newest: dict[bytes, int] = dict(self.sql.execute("SELECT kid, max(id) FROM identity GROUP BY kid"))
        for row in self.sql.execute("SELECT id, kid, name, kind, state FROM identity ORDER BY id"):
            identity = nodes.from_row(row)
            marks = [Mark(*mark) for mark in self._of(identity, "epoch, day, seq, utc FROM day_mark", "epoch, seq")]
            losses = [
                Loss(*loss) for loss in self._of(identity, "epoch, first, last, cause, received FROM ledger", "id")
            ]
            last = self._last(identity.kid, marks)
            yield History(self._track(identity), marks, losses, last, newest[identity.kid] == identity.id)

    def tallies(self, identity: int) -> dict[int, Tally]:
        """By day."""
        rows = self.sql.execute("SELECT day, late, again FROM day_tally WHERE identity = ?", (identity,))
        return {day: Tally(late, again) for day, late, again in rows}

    def dated(self, boot: int, at: int) -> float | None:
        """Unix seconds of the monotonic time `at` (µs) of the gateway's `boot`, where that is known."""
        offset = self._offsets.get(boot)
        return None if offset is None else at / 1_000_000 + offset

    def _track(self, identity: Identity) -> Track:
        track = Track(identity)
        for row, boot, entry in self._entries.get(identity.id, ()):
            track.read(row, boot, log.unpack_entry(entry))
        return track

    def _of(self, identity: Identity, what: str, order: str) -> sqlite3.Cursor:
        return self.sql.execute(f"SELECT {what} WHERE identity = ? ORDER BY {order}", (identity.id,))

    def _last(self, kid: bytes, marks: list[Mark]) -> Last | None:
        window = window_rows.last(self.sql, kid)
        if window is not None:
            utc, epoch, seq = window.last_at
            return Last(utc / 1_000_000, epoch, seq)
        return Last(marks[-1].utc, marks[-1].epoch, marks[-1].seq) if marks else None


def connect(file: Path) -> sqlite3.Connection:
    """To read only. Raises StoreError."""
    try:
        sql = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
        (version,) = sql.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        remedy = "has the gateway ever run with these settings, and may you read its files?"
        raise StoreError(f"the store {file} cannot be read ({error}); {remedy}") from error
    if version < SCHEMA:
        sql.close()
        remedy = "start the gateway of this release once, it brings the store up to date"
        raise StoreError(f"the store {file} has schema {version}, the ledger needs {SCHEMA}; {remedy}")
    return sql


@contextmanager
def opened(file: Path) -> Iterator[Books]:
    """One snapshot, as long as the block lasts. Raises StoreError, CorruptError among them."""
    with closing(connect(file)) as sql:
        try:
            sql.execute("BEGIN")
            yield Books(sql)
        except sqlite3.Error as error:
            raise StoreError(f"the store {file} cannot be read ({error}); try again, or restore it") from error
