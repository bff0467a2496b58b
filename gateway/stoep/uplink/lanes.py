"""The order in which rows leave: alarms, what is live, backlog.

A message belongs to the backlog once what it tells is over an hour old, whether it came late from its node or waited
out an outage: so after an outage the city first has what is now, then, at its own pace, what was.
"""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from stoep.store.outbox import AGELESS, Message, Outbox, Part

LATE = 3600  # seconds: a node that reports each quarter of an hour has its window dated within half an hour of its end
_CHUNK = 50
_CHUNKS = 10  # looked through in one go: thousands of rows that are held must not hold the others up


class Rank(Enum):
    ALARM = "alarm"
    LIVE = "live"
    BACKLOG = "backlog"


class _Place(NamedTuple):
    at: int = -1
    id: int = -1


class Lanes:
    """Goes round the rows of each rank, so that a row is looked at once a round however many wait."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._places = dict.fromkeys(Rank, _Place())
        self._behind = dict.fromkeys(Rank, False)  # there may be something new behind us
        self._dry = dict.fromkeys(Rank, False)

    def restart(self) -> None:
        """Nothing is in flight any more."""
        self._places = dict.fromkeys(Rank, _Place())
        self.news()

    def news(self) -> None:
        """A row came, or may be tried again."""
        self._behind = dict.fromkeys(Rank, True)
        self._dry = dict.fromkeys(Rank, False)

    @property
    def dry(self) -> bool:
        """Whether there is nothing to take before the next news."""
        return all(self._dry.values())

    def take(self, rank: Rank, count: int, cutoff: int, passed: Callable[[Message], bool]) -> list[Message]:
        """Up to `count` rows of the rank that `passed` does not pass over; what tells of before `cutoff` is backlog."""
        taken: list[Message] = []
        for _ in range(_CHUNKS):
            if len(taken) >= count or self._dry[rank]:
                break
            self._look(rank, count, cutoff, passed, taken)
        return taken

    def _look(
        self, rank: Rank, count: int, cutoff: int, passed: Callable[[Message], bool], taken: list[Message]
    ) -> None:
        rows = self._outbox.next(_CHUNK, (), self._part(rank, cutoff))
        for row in rows:
            if len(taken) >= count:
                return
            self._places[rank] = _Place(row.at, row.id)
            if row not in taken and not passed(row):
                taken.append(row)
        if len(rows) < _CHUNK:
            self._places[rank] = _Place() if self._behind[rank] else self._places[rank]
            self._dry[rank] = not self._behind[rank]
            self._behind[rank] = False
            if rank is Rank.LIVE:  # what was live when it came may be backlog by now
                self._dry[Rank.BACKLOG] = False

    def _part(self, rank: Rank, cutoff: int) -> Part:
        place = self._places[rank]
        if rank is Rank.LIVE:
            place = max(place, _Place(cutoff - 1, AGELESS))
        before = cutoff if rank is Rank.BACKLOG else AGELESS + 1
        return Part(rank is Rank.ALARM, place.at, place.id, before)
