"""Retained messages: only the newest of each topic matters, so they are no rows.

They stay in memory for the next connection, and squeezed: a street's states are three kilobytes of JSON a node.
"""

import threading

from stoep.store.squeeze import squeeze, whole


class Retained:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[str, bytes] = {}  # squeezed
        self._waiting: dict[str, None] = {}  # in the order in which they changed

    def put(self, topic: str, payload: bytes) -> None:
        squeezed = squeeze(payload)
        with self._lock:
            if self._newest.get(topic) != squeezed:
                self._newest[topic] = squeezed
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
