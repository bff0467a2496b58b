"""From a file's name to a connection that can be trusted: a corrupt store is set aside, and what is readable goes on.

A small store, and any that is suspected, is read whole before it is used. A large one would keep the street waiting:
there the first page or row that is found wrong ends the process, and the next start suspects.
"""

import logging
import os
import sqlite3
from enum import Enum, auto
from pathlib import Path

from stoep.errors import CorruptError, StoreError, StoreFullError
from stoep.store import ballast, salvage, sealed
from stoep.store.migrate import migrate, newest
from stoep.store.quarantine import Quarantine

_log = logging.getLogger(__name__)
_BUSY_MS = 5000
_CACHE_KIB = 512  # of the file's pages; four times as much, SQLite's own choice, saves a large street no byte written
_WAL_PAGES = 1000  # after which SQLite brings them into the file
_WAL_LEFT = 8 << 20  # bytes it is cut to after something larger
_PART = 1 << 18  # bytes of the log in memory at once
_SMALL = 64 << 20  # bytes that are checked at each start; a second or two
_PRIMARY = 0xFF  # the part of an extended error code that names its family
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_NO_TEXT = "Could not decode to UTF-8"  # Python's own, without a code
# What SQLite says on a full disk while it opens a file: it cannot make the log's index.
_PERHAPS_FULL = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR}


class Kind(Enum):
    """What an error of SQLite means for whoever meets it."""

    FULL = auto()
    CORRUPT = auto()
    OTHER = auto()


def kind_of(error: BaseException) -> Kind:
    if isinstance(error, CorruptError):
        return Kind.CORRUPT
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if str(error).startswith(_NO_TEXT):
        return Kind.CORRUPT
    if code == sqlite3.SQLITE_IOERR_SHMSIZE or code & _PRIMARY == sqlite3.SQLITE_FULL:
        return Kind.FULL
    return Kind.CORRUPT if code & _PRIMARY in _CORRUPT else Kind.OTHER


def connect(file: Path) -> sqlite3.Connection:
    """Raises sqlite3.Error; the file may be wrong in any way."""
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA secure_delete = FAST")  # else giving something up would need room for zeros
        connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_LEFT}")
    except BaseException:
        connection.close()
        raise
    return connection


def opened(file: Path, quarantine: Quarantine) -> sqlite3.Connection:
    """Up to date and whole. Raises StoreError, StoreFullError."""
    try:
        return _opened(file, quarantine)
    except StoreFullError:
        if not ballast.drop(file):
            raise
        return _opened(file, quarantine)
    except CorruptError:
        raise
    except StoreError as error:
        raise StoreError(f"{file}: {error}") from error


def _opened(file: Path, quarantine: Quarantine) -> sqlite3.Connection:
    try:
        if quarantine.begun():
            _mend(file, quarantine)
        try:
            return _checked(file, quarantine)
        except (sqlite3.Error, CorruptError) as error:
            if kind_of(error) is not Kind.CORRUPT:
                raise
            quarantine.begin(str(error))
        _mend(file, quarantine)
        return _checked(file, quarantine)
    except (sqlite3.Error, OSError) as error:
        if kind_of(error) is Kind.FULL or (_may_be_full(error) and ballast.free(file) < ballast.LITTLE):
            raise StoreFullError(f"{file} cannot be opened, its disk is full ({error}); make room on it") from error
        raise StoreError(f"the store {file} cannot be opened ({error}); restore it, or move it away") from error


def _may_be_full(error: BaseException) -> bool:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CANTOPEN)
    return code & _PRIMARY in _PERHAPS_FULL


def _checked(file: Path, quarantine: Quarantine) -> sqlite3.Connection:
    connection = connect(file)
    try:
        if quarantine.suspected() or file.stat().st_size <= _SMALL:
            check(connection)
            quarantine.cleared()
        migrate(connection)
        _sync(file, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _sync(file: Path, connection: sqlite3.Connection) -> None:
    """What is read may be called durable: a process that ended in its sync left it in the system's memory alone.

    It is written again as it is, too: after a sync that failed the system takes what it could not write for written.
    Of the write-ahead log only: SQLite has no locks on it, and those on the store itself would go with a descriptor.
    """
    try:
        descriptor = os.open(file.with_name(file.name + "-wal"), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        connection.execute("BEGIN IMMEDIATE")  # meanwhile nobody else writes
        at = 0
        while part := os.pread(descriptor, _PART, at):
            at += os.pwrite(descriptor, part, at)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def check(connection: sqlite3.Connection) -> None:
    """Raises CorruptError, or SQLite's own error, when something is not as it was written."""
    try:
        _check(connection)
    except sqlite3.OperationalError as error:
        # A table that is not there, a text that is none: no error of a whole store, and no code of corruption either.
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) == sqlite3.SQLITE_ERROR:
            raise CorruptError(f"the store is not whole: {error}") from error
        raise


def _check(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != ("ok",):
        raise CorruptError(f"the store is not whole: {str(found[0]).splitlines()[-1]}")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if not 0 < version <= newest():
        return  # nothing in it yet, or nothing we know
    for number, kid, state in connection.execute("SELECT id, kid, state FROM identity WHERE state IS NOT NULL"):
        sealed.unseal(state, number, kid)
    for number, batch in connection.execute("SELECT id, batch FROM log"):
        sealed.unseal(batch, number)
    for table in salvage.tables(connection):
        salvage.check_table(connection, table)


def _mend(file: Path, quarantine: Quarantine) -> None:
    kept = quarantine.set_aside()
    _log.error("the store %s is corrupt (%s): it was set aside as %s", file, quarantine.reason, kept.name)
    fresh = quarantine.fresh
    fresh.unlink(missing_ok=True)
    new = connect(fresh)
    try:
        migrate(new)
        lost = salvage.salvage(kept, new)
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        new.close()
    quarantine.end()
    said = ", ".join(f"{count} of {table}" for table, count in lost.items() if count) or "nothing known"
    _log.error("what was readable of %s is in the store again; lost rows or stretches: %s", kept.name, said)
