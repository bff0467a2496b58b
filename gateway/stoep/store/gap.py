"""After a restore or a salvage: what may be missing from the windows, and how the city tells old from new."""

import sqlite3
import time

from stoep.store import command

_OPEN = 1 << 62  # no clock has told yet when the gap ended


def open_gap(sql: sqlite3.Connection, *generations: int) -> int:
    """Whatever was counted until now may be incomplete, whatever was to be done may have been done.

    The generation rises above all `generations` and the present.
    The time of day goes into it, so that the same backup restored twice does not begin the same generation twice.
    """
    (own,) = sql.execute("SELECT generation FROM store").fetchone()
    generation: int = max(own, *generations, int(time.time())) + 1
    sql.execute("UPDATE store SET generation = ?, incomplete = ?", (generation, _OPEN))
    sql.execute("UPDATE window SET partial = 1")
    sql.execute("UPDATE command SET expires = ? WHERE result IN (?, ?)", (command.DOUBTFUL, *command.OPEN))
    return generation


def is_open(sql: sqlite3.Connection) -> bool:
    (incomplete,) = sql.execute("SELECT incomplete FROM store").fetchone()
    return bool(incomplete == _OPEN)


def close_gap(sql: sqlite3.Connection, now: float) -> None:
    """The clock is trusted: windows that begin from `now` (Unix seconds) on are whole."""
    sql.execute("UPDATE store SET incomplete = ? WHERE incomplete = ?", (int(now), _OPEN))
