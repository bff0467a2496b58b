"""The SQLite file, opened so that what was committed stays committed, and only one gateway at a time.

WAL with synchronous=FULL: a commit returns when its bytes are on the disk. One connection, one lock: transactions are
short and take their turn. A write that fails ends the process: after a failed fsync nobody knows what is on the disk.
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

from stoep.errors import StoreError
from stoep.store.migrate import migrate

_log = logging.getLogger(__name__)
_BUSY_MS = 5000
_FAILED = 74  # EX_IOERR


def end_process(error: BaseException) -> NoReturn:
    """Before anything else can be acknowledged; systemd starts us again, and the log is read afresh."""
    _log.critical("the store cannot be written (%s): ending now, nothing more is acknowledged", error)
    logging.shutdown()
    os._exit(_FAILED)


class Database:
    """`fatal` takes over when a transaction fails; a test may put something milder in its place."""

    def __init__(self, file: Path, fatal: Callable[[BaseException], NoReturn] = end_process) -> None:
        self.file = file
        self._fatal = fatal
        self._lock = threading.RLock()
        self._claim = self._claimed(file)
        try:
            self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
            self._connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            migrate(self._connection)
        except sqlite3.Error as error:
            os.close(self._claim)
            raise StoreError(f"the store {file} cannot be opened ({error}); restore it, or move it away") from error
        except StoreError as error:
            os.close(self._claim)
            raise StoreError(f"{file}: {error}") from error

    @staticmethod
    def _claimed(file: Path) -> int:
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

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it on disk when the block is left, or the process ends."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._fatal(error)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                self._fatal(error)

    def close(self) -> None:
        with self._lock:
            self._connection.close()
            os.close(self._claim)
