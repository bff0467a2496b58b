"""Starts the gateway with one of its safeguards taken out, to see that the power cuts find it.

python gateway_sabotage.py KIND gateway --config gateway.toml
"""

import sqlite3
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

from stoep.cli import main
from stoep.downlink.commands import Commands
from stoep.store import ledger, window_rows
from stoep.store.journal import Journal
from stoep.store.log import Entry
from stoep.store.outbox import Outbox
from stoep.store.windows import Window


def _synchronous(level: str) -> None:
    """SQLite syncs less than it was told to."""

    class Careless(sqlite3.Connection):
        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            return super().execute(sql.replace("synchronous = FULL", f"synchronous = {level}"), *arguments)

    connect = sqlite3.connect
    sqlite3.connect = lambda *arguments, **options: connect(*arguments, factory=Careless, **options)  # type: ignore[assignment]


def _early() -> None:
    """What waits for its commit counts as durable already."""
    write = Journal._write

    def hasty(journal: Journal, entries: list[Entry]) -> None:
        journal._committed(entries)
        time.sleep(0.1)  # a slow disk
        write(journal, entries)

    Journal._write = hasty  # type: ignore[assignment, method-assign]


def _split() -> None:
    """Windows are on the disk before it is there which samples they count."""
    save = window_rows.save

    def parted(sql: sqlite3.Connection, windows: Iterable[Window]) -> None:
        save(sql, windows)
        sql.execute("COMMIT")
        sql.execute("BEGIN IMMEDIATE")

    window_rows.save = parted


def _unposted() -> None:
    """A window has its new revision on the disk before its message is in the outbox."""
    save, put = window_rows.save, Outbox.put

    def parted(sql: sqlite3.Connection, windows: Iterable[Window]) -> None:
        save(sql, windows)
        later, posts[:] = posts[:], []
        sql.execute("COMMIT")
        sql.execute("BEGIN IMMEDIATE")
        for arguments, options in later:
            put(sql, *arguments, **options)

    posts: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    window_rows.save = parted
    Outbox.put = staticmethod(lambda _sql, *arguments, **options: posts.append((arguments, options)))  # type: ignore[assignment, method-assign]


def _unbooked() -> None:
    """What was given up is in the log, and later in the ledger."""
    enter = ledger.enter

    def parted(sql: sqlite3.Connection, *arguments: Any) -> None:
        sql.execute("COMMIT")
        sql.execute("BEGIN IMMEDIATE")
        enter(sql, *arguments)

    ledger.enter = parted


def _taken() -> None:
    """The broker hears that a command has come before it is on the disk."""
    take = Commands.take

    def later(*arguments: Any) -> None:
        time.sleep(0.2)
        take(*arguments)

    Commands.take = lambda *arguments: threading.Thread(target=later, args=arguments).start()  # type: ignore[method-assign]


KINDS = {
    "off": lambda: _synchronous("OFF"),
    "normal": lambda: _synchronous("NORMAL"),
    "early": _early,
    "split": _split,
    "unposted": _unposted,
    "unbooked": _unbooked,
    "taken": _taken,
}


if __name__ == "__main__":
    KINDS[sys.argv.pop(1)]()
    main()
