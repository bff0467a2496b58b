"""What came of each window: the message that counts, and whether the numbers of all of them can be trusted.

A message may come twice, and a window comes again under a higher number when something late changes it. So a consumer
keeps, of each kid and start, the one that is not partial before one that is, then the higher generation, then the
higher revision; two different ones never have all of these the same.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

SECONDS = 900
_SENT = "backlog"  # says how a message was sent, not what it tells


class Rank(NamedTuple):
    """The higher one counts."""

    whole: bool
    generation: int
    revision: int

    @property
    def number(self) -> tuple[int, int]:
        """Rises from message to message of a window."""
        return self.generation, self.revision

    def __str__(self) -> str:
        return f"generation {self.generation}, revision {self.revision}{'' if self.whole else ', partial'}"


class Where(NamedTuple):
    """Of whom and of when: `start` in Unix seconds."""

    kid: str
    start: int


def meaning(document: Mapping[str, Any]) -> int:
    """The same for the same content, however it was sent."""
    told = {name: value for name, value in document.items() if name != _SENT}
    return zlib.crc32(json.dumps(told, sort_keys=True).encode())


def unix(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp())


class Windows:
    """The windows of this run; `take` says what is wrong with one, in words."""

    def __init__(self) -> None:
        self.highest: dict[Where, dict[str, Any]] = {}
        self._ranks: dict[Where, dict[Rank, int]] = {}  # → what each meant
        self.redelivered = self.revised = self.backlog = 0

    def take(self, document: Mapping[str, Any]) -> str | None:
        where = Where(document["kid"], unix(document["start"]))
        rank = Rank(not document["partial"], document["generation"], document["revision"])
        known = self._ranks.setdefault(where, {})
        self.backlog += _SENT in document
        if rank in known:
            self.redelivered += 1
            return None if known[rank] == meaning(document) else f"{rank} means two things"
        newest = max(known, key=lambda one: one.number, default=None)
        counts = all(rank > other for other in known)
        known[rank] = meaning(document)
        if newest is not None and rank.number < newest.number:
            return f"{rank} comes after {newest}"
        self.revised += len(known) > 1
        if counts:  # a partial one takes the place of none that is whole, however high its number
            self.highest[where] = dict(document)
        return None

    def gaps(self) -> Iterator[tuple[str, int, int]]:
        """Node, start and number of windows that are missing between two that are there."""
        starts: dict[str, list[int]] = {}
        for kid, start in sorted(self.highest):
            starts.setdefault(kid, []).append(start)
        for kid, known in starts.items():
            for before, after in pairwise(known):
                if (missing := (after - before) // SECONDS - 1) > 0:
                    yield self.highest[Where(kid, after)]["node"], before + SECONDS, missing
