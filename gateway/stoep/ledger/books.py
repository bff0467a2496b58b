"""All that the ledger and the fleet's health are made from, read in one snapshot of the store's file.

Its own read-only connection: a command reads beside the running service, and neither waits for the other.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from stoep.errors import StoreError
from stoep.refine.track import Track
from stoep.store import log
from stoep.store.nodes import Identity
from stoep.store.sample_set import SampleSet
from stoep.store.windows import Window

SCHEMA = 7  # the first in which all of it is there
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


@dataclass
class Books:
    tracks: list[Track] = field(default_factory=list)
    marks: dict[int, list[Mark]] = field(default_factory=dict)  # by identity
    losses: dict[int, list[Loss]] = field(default_factory=dict)  # by identity
    waiting: SampleSet = field(default_factory=SampleSet)  # in a window, and the city has not confirmed it
    unpublished: SampleSet = field(default_factory=SampleSet)  # that of it which is in no message yet
    tallies: dict[tuple[int, int], Tally] = field(default_factory=dict)  # by (day, identity)
    last: dict[bytes, Last] = field(default_factory=dict)  # by kid
    offsets: dict[int, float] = field(default_factory=dict)  # boot → what makes its monotonic time Unix seconds


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


def read(file: Path) -> Books:
    """Raises StoreError."""
    with closing(connect(file)) as sql:
        try:
            sql.execute("BEGIN")
            return _read(sql)
        except sqlite3.Error as error:
            raise StoreError(f"the store {file} cannot be read ({error}); try again, or restore it") from error


def _read(sql: sqlite3.Connection) -> Books:
    books = Books()
    tracks = {row[0]: Track(Identity(*row)) for row in sql.execute("SELECT id, kid, name, kind, state FROM identity")}
    for row in _log(sql):
        for entry in row.entries:
            tracks[entry.identity].read(row.id, row.boot, entry)
    books.tracks = list(tracks.values())
    for identity, *mark in sql.execute("SELECT identity, epoch, day, seq, utc FROM day_mark ORDER BY epoch, seq"):
        books.marks.setdefault(identity, []).append(Mark(*mark))
    for identity, *loss in sql.execute("SELECT identity, epoch, first, last, cause, received FROM ledger"):
        books.losses.setdefault(identity, []).append(Loss(*loss))
    for (packed,) in sql.execute("SELECT fresh FROM window WHERE due = 1 AND fresh IS NOT NULL"):
        books.unpublished.update(SampleSet.unpack(packed))
    books.waiting.update(books.unpublished)
    for (packed,) in sql.execute("SELECT carries FROM outbox WHERE carries IS NOT NULL"):
        books.waiting.update(SampleSet.unpack(packed))
    for day, identity, late, again in sql.execute("SELECT day, identity, late, again FROM day_tally"):
        books.tallies[day, identity] = Tally(late, again)
    for track in books.tracks:
        last = _last(sql, track.identity.kid, books.marks.get(track.identity.id))
        if last is not None:
            books.last[track.identity.kid] = last
    books.offsets = dict(sql.execute("SELECT id, offset FROM boot WHERE offset IS NOT NULL"))
    return books


def _log(sql: sqlite3.Connection) -> Iterator[log.Row]:
    for number, batch in sql.execute("SELECT id, batch FROM log ORDER BY id"):
        yield log.unpack(number, batch)


def _last(sql: sqlite3.Connection, kid: bytes, marks: list[Mark] | None) -> Last | None:
    row = sql.execute("SELECT content FROM window WHERE kid = ? ORDER BY start DESC LIMIT 1", (kid,)).fetchone()
    totals = {} if row is None else Window.totals_of(row[0])
    if totals:
        utc, epoch, seq = max(total.last_at for total in totals.values())
        return Last(utc / 1_000_000, epoch, seq)
    return Last(marks[-1].utc, marks[-1].epoch, marks[-1].seq) if marks else None
