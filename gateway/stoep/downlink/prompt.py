"""What a node that always listens is to know goes out at once, not with its next report.

The air loses frames and a node may be measuring just then, so it is said a few times while the node has not answered to
it; after that its next report is soon enough.
"""

import threading
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from stoep.clock import real

_AFTER = (0.0, 2.0, 5.0, 12.0, 30.0)  # real seconds
_IN_ONE_TURN = 20  # frames: a bridge has passed them on long before they are too late


class _Due(NamedTuple):
    since: float
    times: int


class Prompt:
    """`speak` says to a node (kid) what it is to know now; False when that is nothing, or no more."""

    def __init__(self, speak: Callable[[bytes], bool]) -> None:
        self._speak = speak
        self._lock = threading.Lock()
        self._awake: Collection[bytes] = ()
        self._due: dict[bytes, _Due] = {}

    def set_awake(self, kids: Iterable[bytes]) -> None:
        """These listen, and may have something to hear: the registry has changed."""
        with self._lock:
            self._awake = frozenset(kids)
            self._due = {kid: _Due(real(), 0) for kid in self._awake}

    def want(self, kid: bytes) -> None:
        """There is news for this one; from any thread."""
        with self._lock:
            if kid in self._awake:
                self._due[kid] = _Due(real(), 0)

    def turn(self) -> None:
        """Says what is due now."""
        now = real()
        with self._lock:
            due = {kid: item for kid, item in self._due.items() if now - item.since >= _AFTER[item.times]}
        for kid, item in list(due.items())[:_IN_ONE_TURN]:
            more = self._speak(kid) and item.times + 1 < len(_AFTER)
            with self._lock:
                if self._due.get(kid) is not item:  # newer news
                    continue
                if more:
                    self._due[kid] = item._replace(times=item.times + 1)
                else:
                    del self._due[kid]
