"""The ledger of days: every node's account of each, with what a silent node owes by its interval.

A node that says nothing for days leaves no numbers to count by; without this it would owe nothing, and nobody would
see it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stoep.ledger.account import Account, of_history
from stoep.ledger.books import Books, History, Last
from stoep.refine.days import DAY, KEPT_DAYS
from stoep.refine.track import Track
from stoep.store.nodes import Identity

OVERDUE = 3  # intervals without a sample after which a node owes those that should have been taken since
_ENOUGH = 4  # samples over which an interval is measured at least


@dataclass(frozen=True)
class Line:
    """One node and day."""

    kid: bytes
    name: str
    kind: str
    account: Account


def ledger(books: Books, intervals: Mapping[bytes, int], now: float) -> dict[int, list[Line]]:
    """By day, days since 1970; nodes in the order of their names.

    `intervals`: seconds between two samples as they are set, of the nodes that belong to the site now (by kid).
    """
    today = int(now // DAY)
    names: dict[bytes, Identity] = {}
    days: dict[int, dict[bytes, Account]] = {}
    for history in books.histories():
        identity = history.track.identity
        names[identity.kid] = identity  # the newest comes last
        for day, account in of_history(books, history, today).items():
            days.setdefault(day, {}).setdefault(identity.kid, Account()).add(account)
        if history.newest and identity.kid in intervals:
            for day, count in _presumed(history, intervals[identity.kid], now).items():
                account = days.setdefault(day, {}).setdefault(identity.kid, Account())
                account.owed += count
                account.presumed += count
    return {day: _lines(names, accounts) for day, accounts in sorted(days.items())}


def _lines(names: Mapping[bytes, Identity], accounts: Mapping[bytes, Account]) -> list[Line]:
    lines = [
        Line(kid, names[kid].name, names[kid].kind, account)
        for kid, account in accounts.items()
        if account != Account()
    ]
    return sorted(lines, key=lambda line: line.name)


def interval(history: History, configured: int) -> float:
    """Seconds between two samples: as measured since the day's first one, else as set."""
    last, marks = history.last, history.marks
    if last is None or not marks or marks[-1].epoch != last.epoch or last.seq - marks[-1].seq < _ENOUGH:
        return configured
    return max(1.0, (last.utc - marks[-1].utc) / (last.seq - marks[-1].seq))


def _presumed(history: History, configured: int, now: float) -> dict[int, int]:
    last = history.last
    if last is None:
        return {}
    pace = interval(history, configured)
    if now - last.utc <= OVERDUE * pace:
        return {}
    since = last.utc + _numbered(history.track, last) * pace
    presumed = {}
    today = int(now // DAY)
    for day in range(max(int(since // DAY), today - KEPT_DAYS), today + 1):
        count = int((min(now, (day + 1) * DAY) - max(since, day * DAY)) / pace)
        if count > 0:
            presumed[day] = count
    return presumed


def _numbered(track: Track, last: Last) -> int:
    """Samples after the last dated one that are here or known to be missing: they are in the account already."""
    count = 0
    for epoch, ranges in track.position.known().items():
        if epoch >= last.epoch:
            count += max(0, ranges.last() - (last.seq if epoch == last.epoch else 0))
    return count
