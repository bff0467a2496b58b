"""One node's samples, each in exactly one class: delivered, kept here, lost by a cause, or still with the node.

The numbers of an epoch are cut into days by the first sample known of each day; where a day has none, its neighbours'
times are divided evenly. A number that is in no class although it should be is not hidden: its cause is `unexplained`.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from stoep.ledger.books import Books, History, Loss, Mark
from stoep.refine.days import DAY
from stoep.refine.track import Track
from stoep.store.ranges import Ranges
from stoep.store.sample_set import Life

UNEXPLAINED = -1  # no cause: a sample that was received and is nowhere


@dataclass(slots=True)
class Account:
    """What is expected of a node of one day and what became of it, in samples.

    expected = delivered + kept + sum(lost) + owed. `presumed`: how much of `owed` follows from the node's interval
    alone, because nothing was heard of it since; the rest is missing numbers.
    """

    delivered: int = 0
    kept: int = 0
    published: int = 0  # in a message, confirmed or not
    lost: dict[int, int] = field(default_factory=dict)  # by cause
    owed: int = 0
    presumed: int = 0
    late: int = 0
    duplicate: int = 0

    @property
    def expected(self) -> int:
        return self.delivered + self.kept + sum(self.lost.values()) + self.owed

    def add(self, other: "Account") -> None:
        for name in ("delivered", "kept", "published", "owed", "presumed", "late", "duplicate"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for cause, count in other.lost.items():
            self.lost[cause] = self.lost.get(cause, 0) + count


class Span(NamedTuple):
    day: int
    first: int
    last: int


def of_history(books: Books, history: History, today: int) -> dict[int, Account]:
    """By day. `today` is where samples belong that nobody can date yet."""
    track = history.track
    marks: dict[int, list[Mark]] = {}
    for mark in history.marks:
        marks.setdefault(mark.epoch, []).append(mark)
    losses: dict[int, list[Loss]] = {}
    for loss in history.losses:
        losses.setdefault(loss.epoch, []).append(loss)
    pending: dict[int, Ranges] = {}
    for epoch, seq in track.pending:
        pending.setdefault(epoch, Ranges()).add(seq, seq)
    accounts: dict[int, Account] = {}
    for epoch in sorted({*marks, *losses, *pending, *track.position.known()}):
        state = _Epoch(books, track, epoch, pending.get(epoch) or Ranges(), losses.get(epoch, []))
        first = state.first(marks.get(epoch, []))
        if first > state.top:
            continue
        day = _undated(epoch, marks, state.losses, today)
        for span in spans(marks.get(epoch, []), first, state.top, day):
            state.count(span, accounts.setdefault(span.day, Account()))
    for day, tally in books.tallies(track.identity.id).items():
        account = accounts.setdefault(day, Account())
        account.late += tally.late
        account.duplicate += tally.again
    return accounts


class _Epoch:
    """The classes within one epoch, as sets of numbers."""

    def __init__(self, books: Books, track: Track, epoch: int, pending: Ranges, losses: list[Loss]) -> None:
        life = Life(track.identity.id, epoch)
        self.losses = losses
        self.pending = pending
        self.known = track.position.known().get(epoch) or Ranges()
        self.counted = track.counted.get(epoch) or Ranges()
        waiting, unpublished = books.waiting.of(life), books.unpublished.of(life)
        self.lost = Ranges((loss.first, loss.last) for loss in losses)
        self.published = _without(self.counted, unpublished, self.lost)
        self.delivered = _without(self.counted, waiting, self.lost)
        self.kept = _without(_joined(waiting, pending), self.lost)
        self.here = _joined(self.known, self.counted, self.lost, pending)
        floor = track.position.floor
        below = floor.seq - 1 if floor is not None and floor.epoch == epoch else 0
        self.top = max(below, self.here.last())

    def first(self, marks: Sequence[Mark]) -> int:
        """Where our story begins: after what is older than the marks, and after what went to a gateway before us."""
        history = self.counted.within(1, marks[0].seq - 1 if marks else self.top)
        first = history[-1][1] + 1 if history else 1
        ours = [a for part in (self.counted, self.pending, self.lost) for a, _ in part.within(first, self.top)[:1]]
        ours += [a for a, _ in self.here.missing(first, self.top)[:1]]
        return min(ours, default=self.top + 1)

    def count(self, span: Span, account: Account) -> None:
        first, last = span.first, span.last
        delivered, kept = self.delivered.size(first, last), self.kept.size(first, last)
        lost: dict[int, int] = {}
        for loss in self.losses:
            if loss.first <= last and loss.last >= first:
                lost[loss.cause] = lost.get(loss.cause, 0) + min(loss.last, last) - max(loss.first, first) + 1
        owed = last - first + 1 - self.here.size(first, last)
        unexplained = last - first + 1 - delivered - kept - sum(lost.values()) - owed
        if unexplained:
            lost[UNEXPLAINED] = unexplained
        account.add(Account(delivered, kept, self.published.size(first, last), lost, owed))


def spans(marks: Sequence[Mark], first: int, last: int, undated: int) -> Iterator[Span]:
    """first..last cut into days; all of it is of the day `undated` where there are no marks."""
    starts = [(undated, first)] if not marks else [(marks[0].day, first), *_starts(_rising(marks))]
    for (day, begin), (_, after) in zip(starts, [*starts[1:], (0, last + 1)], strict=True):
        span = Span(day, max(begin, first), min(after - 1, last))
        if span.first <= span.last:
            yield span


def _starts(marks: Sequence[Mark]) -> Iterator[tuple[int, int]]:
    """The first number of each day after the first mark's, in order."""
    for before, after in pairwise(marks):
        pace = (after.seq - before.seq) / max(1, after.utc - before.utc)
        for day in range(before.day + 1, after.day):
            yield day, before.seq + 1 + int((day * DAY - before.utc) * pace)
        yield after.day, after.seq


def _rising(marks: Sequence[Mark]) -> list[Mark]:
    """Without those that contradict the order of taking, as an estimated date may."""
    rising: list[Mark] = []
    for mark in marks:
        if not rising or mark.day > rising[-1].day:
            rising.append(mark)
    return rising


def _undated(epoch: int, marks: dict[int, list[Mark]], losses: Sequence[Loss], today: int) -> int:
    """The day of an epoch of which nothing was dated: it was over when the next began, or when we were told."""
    epochs = sorted(marks)
    at = bisect_right(epochs, epoch)
    if at < len(epochs):
        return marks[epochs[at]][0].day
    told = [loss.received for loss in losses if loss.received is not None]
    return min(told) // DAY if told else today


def _joined(*parts: Ranges) -> Ranges:
    joined = parts[0].copy()
    for part in parts[1:]:
        for first, last in part:
            joined.add(first, last)
    return joined


def _without(whole: Ranges, *parts: Ranges) -> Ranges:
    left = whole.copy()
    for part in parts:
        for first, last in part:
            left.remove(first, last)
    return left
