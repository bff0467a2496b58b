"""What the gateway counts, and a log that a flood of bad frames cannot fill."""

import logging
import threading
from collections import Counter
from collections.abc import Mapping

from stoep.clock import real

_EVERY = 10.0  # seconds between two lines about the same thing; while it goes on, doubled with each up to:
_RARELY = 3600.0
_OVER = 300.0  # seconds without it after which it is news again


class Counters:
    """Named counts that only rise, from any thread."""

    def __init__(self, *names: str) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter(dict.fromkeys(names, 0))

    def add(self, name: str, count: int = 1) -> None:
        with self._lock:
            self._counts[name] += count

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def snapshot(self) -> Mapping[str, int]:
        with self._lock:
            return dict(self._counts)


class Bounded:
    """Logs the first of a kind at once and then more and more rarely, with the number left out.

    A neighbour's node that is heard for months costs an hour's line, not the journal.
    """

    def __init__(self, log: logging.Logger, level: int = logging.WARNING) -> None:
        self._log = log
        self._level = level
        self._last: dict[str, float] = {}
        self._rest: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._left_out: Counter[str] = Counter()

    def say(self, kind: str, message: str, *details: object) -> None:
        now = real()
        over = now - self._seen.get(kind, now) > _OVER
        rest = _EVERY if over else self._rest.get(kind, _EVERY)
        self._seen[kind] = now
        if kind in self._last and now - self._last[kind] < rest:
            self._left_out[kind] += 1
            return
        self._last[kind] = now
        left_out = self._left_out.pop(kind, 0)
        self._rest[kind] = min(2 * rest, _RARELY) if left_out else _EVERY
        tail = f" (and {left_out} more like it)" if left_out else ""
        self._log.log(self._level, message + "%s", *details, tail)


class Pulse:
    """Every part of the service shows here that it gets on; the watchdog is fed only while all do."""

    def __init__(self) -> None:
        self._beats: dict[str, float] = {}

    def beat(self, part: str) -> None:
        self._beats[part] = real()

    def forget(self, part: str) -> None:
        """It has come to its end, as it was asked to."""
        self._beats.pop(part, None)

    def ages(self) -> dict[str, float]:
        """Seconds since each part showed itself."""
        now = real()
        return {part: now - beat for part, beat in list(self._beats.items())}

    def stalled(self, patience: float) -> list[str]:
        """The parts that showed nothing for `patience` seconds."""
        return [part for part, age in self.ages().items() if age > patience]
