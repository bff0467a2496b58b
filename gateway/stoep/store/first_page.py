"""A store whose first page is gone cannot be read at all: it tells where every table begins.

Every store begins with the statements of `0001.sql`, on the same pages, so that page is lent from a fresh one. What
later releases added to an older store may lie anywhere: it is given up. So may be the windows of a store that was
older than `0008.sql`, which builds their table anew: what lies in its place has not the checksum of a window.
"""

import shutil
import sqlite3
from pathlib import Path

_PAGE = 4096
TABLES = frozenset({"store", "identity", "boot", "log", "alarm", "ledger", "window", "outbox"})
_PARTS = ("", "-wal")
_COUNTED = slice(24, 32)  # the change counter and the number of pages: other than at 92, SQLite asks the file


def readable(connection: sqlite3.Connection) -> bool:
    try:
        return bool(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    except sqlite3.Error:
        return False


def lend(kept: Path, page: bytes) -> Path:
    """A copy of `kept` with `page` as its first. Raises OSError."""
    lent = remove(kept)
    for part in _PARTS:
        source = kept.with_name(kept.name + part)
        if source.exists():
            shutil.copyfile(source, lent.with_name(lent.name + part))
    spoilt = bytearray(page[:_PAGE])
    spoilt[_COUNTED] = b"\xff\xff\xff\xff" + bytes(4)
    with lent.open("r+b") as opened:
        opened.write(spoilt)
    return lent


def remove(kept: Path) -> Path:
    """Where the copy of `kept` was."""
    lent = kept.with_name(kept.name + ".lent")
    for part in (*_PARTS, "-shm"):
        lent.with_name(lent.name + part).unlink(missing_ok=True)
    return lent
