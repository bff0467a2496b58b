"""The samples of a window that no revision has which is published and was not given up; whose message a row is."""

import re
import sqlite3

from stoep.store.sample_set import SampleSet

WINDOW = "window"  # the first word of a message's key, see uplink/dialects
_KEY = re.compile(WINDOW + r" (?P<kid>(?:[0-9a-f]{2})+) (?P<start>\d{1,18})", re.ASCII)


def window_of(key: object) -> tuple[bytes, int] | None:
    """(kid, start) of the window that the message with this key tells of; None: it tells of something else."""
    found = _KEY.fullmatch(key) if isinstance(key, str) else None
    return None if found is None else (bytes.fromhex(found["kid"]), int(found["start"]))


def of(sql: sqlite3.Connection, kid: bytes, start: int) -> SampleSet:
    row = sql.execute("SELECT fresh FROM window WHERE kid = ? AND start = ?", (kid, start)).fetchone()
    return SampleSet.unpack(None if row is None else row[0])


def add(sql: sqlite3.Connection, kid: bytes, start: int, samples: SampleSet) -> None:
    """Within the caller's transaction: the revision that had these was given up."""
    known = of(sql, kid, start)
    known.update(samples)
    sql.execute("UPDATE window SET fresh = ? WHERE kid = ? AND start = ?", (known.pack(), kid, start))
