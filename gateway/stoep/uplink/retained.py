"""Retained messages: only the newest of each topic matters, so they are no rows.

They stay in memory for the next connection, the large ones squeezed: a node's state with its last window is three
kilobytes of JSON.
"""

import threading

from stoep.store.squeeze import squeeze, whole

_LARGE = 1000  # bytes


class Retained:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[str, bytes] = {}  # as they are kept
        self._waiting: dict[str, None] = {}  # in the order in which they changed

    def put(self, topic: str, payload: bytes) -> None:
        kept = squeeze(payload) if len(payload) > _LARGE else payload
        with self._lock:
            if self._newest.get(topic) != kept:
                self._newest[topic] = kept
                self._waiting[topic] = None

    def again(self) -> None:
        """A new connection: the broker may have put our last will in the place of what we said."""
        with self._lock:
            self._waiting = dict.fromkeys(self._newest)

    def defer(self, topic: str) -> None:
        """It did not go; the newest will have to go again."""
        with self._lock:
            self._waiting[topic] = None

    def take(self) -> tuple[str, bytes] | None:
        with self._lock:
            for topic in self._waiting:
                del self._waiting[topic]
                return topic, whole(self._newest[topic])
        return None
