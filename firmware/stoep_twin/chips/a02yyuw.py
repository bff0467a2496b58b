"""DFRobot A02YYUW (SEN0311): an ultrasonic range finder that talks as long as it has power.

Every 100 ms it sends four bytes at 9,600 baud: 0xFF, distance in mm high byte, low byte, and the low byte of their sum
(DFRobot's wiki, "UART output"). Nearer than 30 mm it sees nothing. Now and then an echo comes from somewhere else.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from stoep_twin.chips.chip import Chip

_BLIND_MM = 30
_FARTHEST_MM = 4500
_OUTLIER = 0.03  # one in thirty echoes is somebody else's
_NEVER_SOONER = 12  # frames between two outliers: the waste does not fly about
_NOISE_MM = 2.0


class A02YYUW(Chip):
    """One range finder: `truth()` is the distance in mm, `now()` seconds of its own time, `period` between frames."""

    baud = 9600
    period = 0.1

    def __init__(self, truth: Callable[[], float], now: Callable[[], float], seed: int, period: float = period) -> None:
        self._truth = truth
        self._now = now
        self._chance = random.Random(seed)
        self._period = period
        self._since_outlier = _NEVER_SOONER
        self._next: float | None = None

    def power(self, on: bool) -> None:
        if not on:
            self._next = None
        elif self._next is None:
            self._next = self._now() + self._period

    def sent(self, most: int) -> bytes:
        if self._next is None:
            return b""
        out = bytearray()
        now = self._now()
        while self._next <= now and len(out) < most:
            out += self._frame()
            self._next += self._period
        while self._next <= now:  # sent, but nobody had room for it
            self._next += self._period * max(1, int((now - self._next) / self._period))
        return bytes(out)

    def _frame(self) -> bytes:
        distance = self._truth() + self._chance.gauss(0, _NOISE_MM)
        self._since_outlier += 1
        if self._since_outlier > _NEVER_SOONER and self._chance.random() < _OUTLIER:
            self._since_outlier = 0
            distance = self._chance.uniform(_BLIND_MM, _FARTHEST_MM)
        millimetres = 0 if distance < _BLIND_MM else min(round(distance), _FARTHEST_MM)
        high, low = millimetres >> 8, millimetres & 0xFF
        return bytes((0xFF, high, low, 0xFF + high + low & 0xFF))
