"""Did the alarms of the hours without a gateway come before what had piled up with them?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any


class Order:
    """Told of every alarm a board raises and of every message the city gets, in the order in which they come.

    `now()` is Unix seconds of virtual time.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._away: float | None = None
        self._until: float | None = None
        self._waiting: dict[str, set[tuple[int, int]]] = defaultdict(set)
        self._early: set[str] = set()
        self.raised = 0
        self.delivered = 0
        self.late: list[str] = []

    def away(self) -> None:
        """The gateway goes."""
        self._away = self._now()

    def back(self) -> None:
        """It is here again."""
        self._until = self._now()

    def raise_alarm(self, node: str, epoch: int, number: int) -> None:
        """A board has an alarm on its flash."""
        if self._away is not None and self._until is None:
            self.raised += 1
            self._waiting[node].add((epoch, number))

    def hear(self, node: str, what: str, message: Any) -> None:
        """The city has received a message."""
        if self._until is None or self._away is None:
            return
        if what == "event":
            alarm = (message["epoch"], message["number"])
            if alarm in self._waiting[node]:
                self._waiting[node].discard(alarm)
                self.delivered += 1
        elif what == "window" and self._waiting[node]:
            start = datetime.fromisoformat(message["start"]).timestamp()
            if self._away < start and start + message["seconds"] < self._until and node not in self._early:
                self._early.add(node)
                missing = len(self._waiting[node])
                self.late.append(f"{node}: the window of {message['start']} came before {missing} alarms")
