"""What goes first when something has to go: delivered things, then ordinary history thinned, alarms last of all.

Each step is one transaction of bounded size that says in the ledger what it takes, and returns how much that was. What
a message would have delivered is entered sample by sample; `now` is Unix seconds, None while the clock is not trusted.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from stoep.store import fresh, ledger, window_rows
from stoep.store.ledger import Cause
from stoep.store.sample_set import SampleSet
from stoep.store.thinning import thinned
from stoep.store.windows import SECONDS
from stoep.wire.messages import Lost

_STEP = 4 * 3600  # seconds of published windows that go at once
_MOST = 500  # messages that go at once
_ALARMS = 64  # delivered alarms of an identity that stay: one that is said again is known
_DAY = 86_400


class Waiting(NamedTuple):
    """An undelivered window: its row in the outbox, whose it is, when it began (Unix seconds)."""

    row: int
    kid: bytes
    start: int


def delivered_windows(sql: sqlite3.Connection, before: int) -> int:
    """The oldest windows that were published and began before `before`; a late reading finds them partial."""
    oldest = window_rows.oldest(sql)
    if oldest is None or oldest >= before:
        return 0
    gone = window_rows.purge(sql, min(before, oldest + _STEP))
    for kid, starts in gone.items():
        ledger.give_up(sql, Cause.EVICTED, "delivered window", kid, starts)
    return sum(len(starts) for starts in gone.values())


def delivered_alarms(sql: sqlite3.Connection) -> int:
    count = 0
    for (identity,) in sql.execute("SELECT id FROM identity").fetchall():
        done = sql.execute(
            "SELECT epoch, number FROM alarm WHERE identity = ? AND sent = 1 AND NOT EXISTS (SELECT 1 FROM outbox "
            "WHERE key = 'event ' || identity || ' ' || epoch || ' ' || number) ORDER BY epoch DESC, number DESC",
            (identity,),
        ).fetchall()[_ALARMS:]
        sql.executemany(
            "DELETE FROM alarm WHERE identity = ? AND epoch = ? AND number = ?", [(identity, *key) for key in done]
        )
        count += len(done)
    return count


def waiting_windows(sql: sqlite3.Connection) -> list[Waiting]:
    """In the order in which they would go to the city; read from the index of the keys alone."""
    query = "SELECT id, key FROM outbox WHERE key >= ? AND key < ?"
    found = []
    for row, key in sql.execute(query, (f"{fresh.WINDOW} ", f"{fresh.WINDOW}!")):
        window = fresh.window_of(key)
        if window is not None:
            found.append(Waiting(row, *window))
    return sorted(found)


def thin_windows(sql: sqlite3.Connection, now: int | None) -> int:
    """Every second of the undelivered windows, the oldest first; then every second of the rest."""
    waiting = waiting_windows(sql)
    by_number: dict[int, list[Waiting]] = defaultdict(list)
    for window in sorted(waiting, key=lambda window: window.start):
        by_number[window.start // SECONDS].append(window)
    going: list[Waiting] = []
    for number in thinned(by_number, _MOST):
        going += by_number[number]
        if len(going) >= _MOST:
            break
    return _drop(sql, going, now)


def old_windows(sql: sqlite3.Connection, before: int, now: int | None) -> int:
    """Undelivered windows that began before `before`."""
    return _drop(sql, [window for window in waiting_windows(sql) if window.start < before][:_MOST], now)


def old_entries(sql: sqlite3.Connection, before: int) -> int:
    """Lines of the ledger of before `before`: it is a receipt, not an archive."""
    count = sql.execute("DELETE FROM ledger WHERE received < ?", (before,)).rowcount
    return count + sql.execute("DELETE FROM given_up WHERE day < ? AND day > 0", (before // _DAY,)).rowcount


def other_messages(sql: sqlite3.Connection, now: int | None) -> int:
    """Whatever else waits and is not urgent, the oldest first."""
    return _drop_rows(sql, "urgent = 0 AND NOT (key >= 'window ' AND key < 'window!')", now)


def alarms(sql: sqlite3.Connection, now: int | None) -> int:
    """Undelivered ones. There is nothing left that would be worth less."""
    return _drop_rows(sql, "urgent = 1", now)


def _drop_rows(sql: sqlite3.Connection, which: str, now: int | None) -> int:
    query = f"SELECT id, key FROM outbox WHERE {which} ORDER BY id LIMIT ?"  # noqa: S608 -- our own words
    rows = sql.execute(query, (_MOST,)).fetchall()
    kids = {f"{identity}": kid for identity, kid in sql.execute("SELECT id, kid FROM identity")}
    for row, key in rows:
        _lose(sql, row, now)
        what, whose = [*key.split(), ""][:2]
        ledger.give_up(sql, Cause.EVICTED, what, kids.get(whose, b""), [0])
    sql.executemany("DELETE FROM outbox WHERE id = ?", [(row,) for row, _ in rows])
    return len(rows)


def _drop(sql: sqlite3.Connection, windows: Iterable[Waiting], now: int | None) -> int:
    going = list(windows)
    for window in going:
        ledger.give_up(sql, Cause.EVICTED, fresh.WINDOW, window.kid, [window.start])
        lost = _lose(sql, window.row, now)
        if lost:  # they are in the window still, and in its next revision if there is one
            fresh.add(sql, window.kid, window.start, lost)
    sql.executemany("DELETE FROM outbox WHERE id = ?", [(window.row,) for window in going])
    return len(going)


def _lose(sql: sqlite3.Connection, row: int, now: int | None) -> SampleSet:
    """The samples that would have reached the city with a message of the outbox are lost."""
    (packed,) = sql.execute("SELECT carries FROM outbox WHERE id = ?", (row,)).fetchone()
    lost = SampleSet.unpack(packed)
    for life, ranges in lost:
        for first, last in ranges:
            ledger.enter(sql, life.identity, Lost(life.epoch, first, last, Cause.EVICTED), now)
    return lost
