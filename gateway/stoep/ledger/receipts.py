"""The daily receipt: one message a day, said again with a higher revision when what came late changes it.

Through the outbox under the day's key, so it is as sure to arrive as a window, and a consumer keeps the highest
(generation, revision). Not retained: the topic is one for all days, and the broker would keep whichever came last.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from stoep.ledger.account import UNEXPLAINED, Account
from stoep.ledger.days import Line
from stoep.refine.days import DAY, KEPT_DAYS
from stoep.store.database import Database
from stoep.store.ledger import Cause
from stoep.store.outbox import Outbox

AFTER = 3600.0  # seconds after a day's end: its last reports have come and their windows are out
REVISED_DAYS = 35  # as long as a late reading still finds its window

Word = Callable[[int], str]


class Compose(Protocol):
    """A dialect: what a receipt becomes on its way to the city, as (key, topic, payload)."""

    def ledger(self, day: str, revision: int, content: Mapping[str, Any]) -> tuple[str, str, bytes]: ...


def date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).date().isoformat()


def cause_word(causes: Mapping[int, str], cause: int) -> str:
    """`causes` are the nodes' own; one that a newer release wrote shows as its number."""
    ours: dict[int, str] = {UNEXPLAINED: "unexplained", **{known: known.word for known in Cause}}
    return ours.get(cause) or causes.get(cause, f"cause {cause}")


def _account(account: Account, word: Word) -> dict[str, Any]:
    return {
        "expected": account.expected,
        "delivered": account.delivered,
        "kept": account.kept,
        "lost": {word(cause): count for cause, count in sorted(account.lost.items())},
        "owed": account.owed,
        "presumed": account.presumed,
        "published": account.published,
        "late": account.late,
        "duplicate": account.duplicate,
    }


def content(lines: Sequence[Line], word: Word) -> dict[str, Any]:
    """What the receipt of a day says, in samples."""
    total = Account()
    for line in lines:
        total.add(line.account)
    nodes = [
        {"node": line.name, "kid": line.kid.hex(), "kind": line.kind, **_account(line.account, word)} for line in lines
    ]
    return {"total": _account(total, word), "nodes": nodes}


class Receipts:
    def __init__(self, database: Database, outbox: Outbox, compose: Compose, word: Word) -> None:
        self._database = database
        self._outbox = outbox
        self._compose = compose
        self._word = word

    def publish(self, days: Mapping[int, Sequence[Line]], now: float) -> int:
        """Puts those into the outbox that are over and say something new; how many."""
        today = int(now // DAY)
        closed = int((now - AFTER) // DAY)  # the first day that is not over yet
        with self._database.reading() as sql:
            said = {day: (revision, digest) for day, revision, digest in sql.execute("SELECT * FROM receipt")}
        news = []
        for day, lines in days.items():
            if today - REVISED_DAYS <= day < closed:
                told = content(lines, self._word)
                digest = hashlib.sha256(msgspec.json.encode(told)).digest()
                revision, before = said.get(day, (0, None))
                if digest != before:
                    news.append((day, revision + 1, digest, told))
        with self._database.transaction() as sql:
            for day, revision, digest, told in news:
                sql.execute("INSERT OR REPLACE INTO receipt VALUES (?, ?, ?)", (day, revision, digest))
                self._outbox.put(sql, *self._compose.ledger(date(day), revision, told))
            _purge(sql, min(today, max(days, default=today)) - KEPT_DAYS)  # a clock that leaps ahead purges nothing
        if news:
            self._outbox.waiting.set()
        return len(news)


def _purge(sql: sqlite3.Connection, before: int) -> None:
    """All but the newest mark of each node: a node that was silent for years still shows since when."""
    sql.execute("DELETE FROM day_tally WHERE day < ?", (before,))
    sql.execute("DELETE FROM receipt WHERE day < ?", (before,))
    newest = "SELECT max(day) FROM day_mark AS other WHERE other.identity = day_mark.identity"
    sql.execute(f"DELETE FROM day_mark WHERE day < ? AND day < ({newest})", (before,))  # noqa: S608
