"""A board's watchdog: real time, like all that a board does in less than a second."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable


class Watchdog:
    """Calls `bite` when it was fed once and then not for as long as it was told."""

    def __init__(self, bite: Callable[[], None]) -> None:
        self._bite = bite
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0

    def feed(self, body: bytes) -> None:
        """Its patience in ms, a u32."""
        timeout_ms: int = struct.unpack("<I", body)[0]
        loop = asyncio.get_running_loop()
        self._until = loop.time() + timeout_ms / 1000
        if self._timer is None:
            self._timer = loop.call_at(self._until, self._look)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() < self._until:
            self._timer = loop.call_at(self._until, self._look)
            return
        self._timer = None
        self._bite()

    def stop(self) -> None:
        """Its board is off, or starts."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
