"""The city's commands as rows: what is still to be done survives a restart, and what was done can be looked up.

A row is never taken back, only its result moves on. It is kept for more than a year, within a bound that no flood of
commands passes; one that could still fire is kept in any case, or a copy of it would fire again.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from stoep.store.command import OPEN, Command, Result, Step, settings_of, steps_of
from stoep.store.database import Database

KEPT_SECONDS = 400 * 86_400
MOST = 20_000  # rows
_FIELDS = "number, node, kid, id, sender, expires, content, received, result, version, steps"


def _command(row: tuple[Any, ...]) -> Command:
    number, node, kid, id_, sender, expires, content, received, result, version, steps = row
    told = steps_of(number, steps)
    return Command(number, node, kid, id_, sender, expires, content, received, Result(result), version, told)


def _steps(steps: tuple[Step, ...]) -> str:
    return msgspec.json.encode(steps).decode()


def add(sql: sqlite3.Connection, command: Command) -> Command:
    """Within the caller's transaction: the command with the number that it gets."""
    told = (command.node, command.kid, command.id, command.sender, command.expires, command.content, command.received)
    cursor = sql.execute(
        "INSERT INTO command (node, kid, id, sender, expires, content, received, result, version, steps) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*told, command.result, command.version, _steps(command.steps)),
    )
    return replace(command, number=int(cursor.lastrowid or 0))


def move(sql: sqlite3.Connection, command: Command, step: Step, version: int | None) -> Command:
    """Within the caller's transaction: the command after one step more."""
    moved = replace(command, result=step.result, version=version, steps=(*command.steps, step))
    sql.execute(
        "UPDATE command SET result = ?, version = ?, steps = ? WHERE number = ?",
        (moved.result, moved.version, _steps(moved.steps), moved.number),
    )
    return moved


def under(database: Database, node: str, id_: str) -> list[Command]:
    """What was said to a node under this id."""
    with database.reading() as sql:
        query = f"SELECT {_FIELDS} FROM command WHERE node = ? AND id = ? ORDER BY number"  # noqa: S608
        return [_command(row) for row in sql.execute(query, (node, id_))]


def still_open(database: Database) -> list[Command]:
    with database.reading() as sql:
        query = f"SELECT {_FIELDS} FROM command WHERE result IN (?, ?) ORDER BY number"  # noqa: S608
        return [_command(row) for row in sql.execute(query, OPEN)]


def newest(sql: sqlite3.Connection, node: str | None, limit: int) -> list[Command]:
    """The last `limit` commands to `node` (None: to all), the newest first."""
    query = f"SELECT {_FIELDS} FROM command WHERE ? IN (node, '') ORDER BY number DESC LIMIT ?"  # noqa: S608
    return [_command(row) for row in sql.execute(query, (node or "", limit))]


def give(sql: sqlite3.Connection, kid: bytes, settings: Mapping[int, int]) -> None:
    """Within the caller's transaction: these are the city's settings of the node `kid` from now on."""
    text = msgspec.json.encode(dict(settings)).decode()
    sql.execute("INSERT OR REPLACE INTO city_settings (kid, settings) VALUES (?, ?)", (kid, text))


def given(database: Database) -> dict[bytes, dict[int, int]]:
    """The city's settings by node."""
    with database.reading() as sql:
        return {kid: settings_of(kid, text) for kid, text in sql.execute("SELECT kid, settings FROM city_settings")}


def prune(database: Database, now: int) -> None:
    """Away with what is older than a year or beyond the bound, is over, and cannot fire any more at `now` (Unix s)."""
    with database.transaction() as sql:
        (last,) = sql.execute("SELECT coalesce(max(number), 0) FROM command").fetchone()
        sql.execute(
            "DELETE FROM command WHERE result NOT IN (?, ?) AND (expires IS NULL OR expires < ? OR result = ?) "
            "AND (received < ? OR number <= ?)",
            (*OPEN, now, Result.REFUSED, now - KEPT_SECONDS, last - MOST),
        )
