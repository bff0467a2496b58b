"""Brings a store to the newest schema: `schema/NNNN.sql`, each in one transaction, counted in `user_version`."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from stoep.errors import StoreError

SCHEMA = Path(__file__).parent / "schema"
_FILE = re.compile(r"^(\d{4})\.sql$")


def _statements(script: str) -> Iterator[str]:
    """One at a time: sqlite3's own executescript would commit first."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


def steps(folder: Path = SCHEMA) -> list[tuple[int, Path]]:
    found = [(int(match[1]), file) for file in folder.iterdir() if (match := _FILE.match(file.name))]
    return sorted(found)


def newest(folder: Path = SCHEMA) -> int:
    return steps(folder)[-1][0]


def migrate(connection: sqlite3.Connection, folder: Path = SCHEMA) -> None:
    """Raises StoreError when the store was written by a newer release."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    known = steps(folder)
    if version > newest(folder):
        raise StoreError(
            f"the store has schema {version}, this release knows up to {newest(folder)}; "
            "install the release that wrote it, or restore a backup"
        )
    for number, file in known:
        if number <= version:
            continue
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in _statements(file.read_text(encoding="utf-8")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
