"""Inputs that a board looks at all the time: it is told of each change as it happens, instead of asking.

A lamppost looks at its PIR fifty times a second; each question would wake the twin's event loop, which is on the way of
every frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from stoep_twin.clockwork import Clockwork
from stoep_twin.wiring import Wiring

_AGAIN_S = 1.0  # real: a part may break, and time may jump, without anybody's saying so
_SOONEST_S = 0.0005


class Watch:
    """The inputs of one board; `tell(pin, level)` brings a change to it."""

    def __init__(self, wiring: Wiring, clock: Clockwork, tell: Callable[[int, bool], None]) -> None:
        self._wiring = wiring
        self._clock = clock
        self._tell = tell
        self._levels: dict[int, bool] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def begin(self, pin: int) -> bool:
        """The pin's level now; from here on its changes are told."""
        level = self._levels[pin] = self._wiring.level(pin)
        self._wait(pin)
        return level

    def look_again(self) -> None:
        """Time has jumped."""
        for pin in list(self._timers):
            self._look(pin)

    def _look(self, pin: int) -> None:
        level = self._wiring.level(pin)
        if level != self._levels[pin]:
            self._levels[pin] = level
            self._tell(pin, level)
        self._wait(pin)

    def _wait(self, pin: int) -> None:
        now = self._clock.utc_us() / 1e6
        changes = self._wiring.next_level(pin, not self._levels[pin], now)
        seconds = _AGAIN_S if changes is None else min(_AGAIN_S, (changes - now) / self._clock.speed)
        if pin in self._timers:
            self._timers[pin].cancel()
        self._timers[pin] = asyncio.get_running_loop().call_later(max(_SOONEST_S, seconds), self._look, pin)

    def end(self) -> None:
        """The board looks no more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
