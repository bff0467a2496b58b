"""The SQLite file, opened so that what was committed stays committed, and only one gateway at a time.

WAL with synchronous=FULL: a commit returns when its bytes are on the disk. One connection, one lock: transactions are
short and take their turn. Without room a transaction is taken back, and whoever wanted it may try again. Any other
write that fails ends the process: after a failed fsync nobody knows what is on the disk.
"""

import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from stoep.errors import CorruptError, StoreError, StoreFullError
from stoep.store import opening
from stoep.store.opening import Kind, kind_of
from stoep.store.quarantine import Quarantine

_log = logging.getLogger(__name__)
_FAILED = 74  # EX_IOERR


def end_process(error: BaseException) -> NoReturn:
    """Before anything else can be acknowledged; systemd starts us again, and the log is read afresh."""
    _log.critical("the store cannot be written (%s): ending now, nothing more is acknowledged", error)
    logging.shutdown()
    os._exit(_FAILED)


def claim(file: Path) -> int:
    """The descriptor that makes the store ours until it is closed. Raises StoreError while another has it."""
    lock = file.with_name(file.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        reason = error.strerror
        raise StoreError(f"{lock} cannot be made ({reason}); create its folder, writable for us") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise StoreError(f"another gateway works with {file}; stop it first") from None
    return descriptor


class Database:
    """`fatal` takes over when a transaction fails; a test may put something milder in its place.

    `full` from the first transaction that found no room until `keeper.py` has found some.
    """

    def __init__(self, file: Path, fatal: Callable[[BaseException], NoReturn] = end_process) -> None:
        self.file = file
        self.quarantine = Quarantine(file)
        self._fatal = fatal
        self._lock = threading.RLock()
        self._full = threading.Event()
        self._claim = claim(file)
        try:
            self._connection = opening.opened(file, self.quarantine)
        except BaseException:
            os.close(self._claim)
            raise

    @property
    def full(self) -> bool:
        return self._full.is_set()

    def relieved(self) -> None:
        """There is room again."""
        self._full.clear()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it on disk when the block is left, or the process ends. Raises StoreFullError: none of it is."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except (sqlite3.Error, CorruptError) as error:
                self._failed(error)
            except BaseException:
                self._roll_back()
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except (sqlite3.Error, CorruptError) as error:
                self._failed(error)

    def checkpoint(self) -> None:
        """Brings the write-ahead log into the file. SQLite does so by itself, but hides when that fails."""
        with self.reading() as sql:
            sql.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def log_size(self) -> int:
        """Bytes of the write-ahead log."""
        try:
            return self.file.with_name(self.file.name + "-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def _failed(self, error: BaseException) -> NoReturn:
        kind = kind_of(error)
        if kind is Kind.FULL:
            try:
                self._roll_back()
            except sqlite3.Error as worse:
                self._fatal(worse)
            if not self.full:
                _log.error("%s has no room (%s): nothing more is taken until there is some", self.file, error)
            self._full.set()
            raise StoreFullError(f"{self.file} has no room ({error}); make some on its disk") from error
        if kind is Kind.CORRUPT:
            self.quarantine.suspect()
        self._fatal(error)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # SQLite may have done so already
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        with self._lock:
            self._connection.close()
            os.close(self._claim)
