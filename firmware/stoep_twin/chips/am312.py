"""Senba AM312, a PIR, as its data sheet describes it: a pin that is high while somebody moves, and a while after.

Nothing is stepped: whether the pin is high follows from when it saw something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stoep_twin.chips.chip import Chip

HOLD_S = 2.3  # "delay time"
_LOCKED_S = 2.0  # "block time": blind after it has gone low
_WARM_UP_S = 60.0  # after power-on, high for no reason


class AM312(Chip):
    """`glimpses(since)` are the instants at which it sees something, in order; `now()` seconds of the chip's time.

    The pin follows after `latency` seconds.
    """

    def __init__(self, glimpses: Callable[[float], Iterator[float]], now: Callable[[], float], latency: float) -> None:
        self._glimpses = glimpses
        self._now = now
        self._latency = latency
        self._powered = now()

    def reset(self) -> None:
        self._powered = self._now()

    def level(self, role: str) -> bool:
        now = self._now()
        return any(begin <= now for begin, _ in self.pulses(now, now))

    def next_level(self, role: str, level: bool, after: float) -> float | None:
        for begin, end in self.pulses(after, float("inf")):
            if level:
                return max(begin, after)
            return after if begin > after else end
        return None

    def pulses(self, after: float, until: float) -> Iterator[tuple[float, float]]:
        """(begins, ends) of each time its output is high that ends after `after`, up to one begun after `until`."""
        warm = self._powered + _WARM_UP_S
        if after < warm:
            yield self._powered, warm
        begin = end = float("-inf")
        for glimpse in self._glimpses(after - 60.0):
            seen = glimpse + self._latency
            if seen < warm:
                continue
            if seen <= end:  # still moving: it stays high
                end = seen + HOLD_S
                continue
            if end > after:
                yield begin, end
                if begin > until:
                    return
            if seen < end + _LOCKED_S:
                continue
            begin, end = seen, seen + HOLD_S
        if end > after:
            yield begin, end  # nobody comes any more
