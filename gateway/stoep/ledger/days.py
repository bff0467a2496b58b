"""The ledger of days: every node's account of each, with what a silent node owes by its interval.

A node that says nothing for days leaves no numbers to count by; without this it would owe nothing, and nobody would
see it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stoep.ledger.account import Account, of_track
from stoep.ledger.books import Books, Last
from stoep.refine.days import DAY, KEPT_DAYS
from stoep.refine.track import Track

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
    newest = {track.identity.kid: track for track in sorted(books.tracks, key=lambda track: track.identity.id)}
    days: dict[int, dict[bytes, Account]] = {}
    for track in books.tracks:
        for day, account in of_track(books, track, today).items():
            days.setdefault(day, {}).setdefault(track.identity.kid, Account()).add(account)
    for kid, track in newest.items():
        if kid in intervals:
            for day, count in _presumed(books, track, intervals[kid], now).items():
                account = days.setdefault(day, {}).setdefault(kid, Account())
                account.owed += count
                account.presumed += count
    return {
        day: sorted(
            (
                Line(kid, newest[kid].identity.name, newest[kid].identity.kind, account)
                for kid, account in accounts.items()
                if account != Account()
            ),
            key=lambda line: line.name,
        )
        for day, accounts in sorted(days.items())
    }


def interval(books: Books, track: Track, configured: int) -> float:
    """Seconds between two samples: as measured since the day's first one, else as set."""
    last = books.last.get(track.identity.kid)
    marks = books.marks.get(track.identity.id)
    if last is None or not marks or marks[-1].epoch != last.epoch or last.seq - marks[-1].seq < _ENOUGH:
        return configured
    return max(1.0, (last.utc - marks[-1].utc) / (last.seq - marks[-1].seq))


def _presumed(books: Books, track: Track, configured: int, now: float) -> dict[int, int]:
    last = books.last.get(track.identity.kid)
    if last is None:
        return {}
    pace = interval(books, track, configured)
    if now - last.utc <= OVERDUE * pace:
        return {}
    since = last.utc + _numbered(track, last) * pace
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
