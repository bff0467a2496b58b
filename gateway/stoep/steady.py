"""A clock that is not talked out of what it knows: UTC jumps, the years between two readings do not.

Once somebody who knows has set the UTC, it is monotonic time and an offset. What NTP keeps moving by little is
followed. A leap is not: a hand at the keyboard, a battery that died, a time server gone mad would tear the order of
readings apart. Only a leap that NTP vouches for during an hour is taken: then the first time was the wrong one.
"""

import logging
import threading

from stoep.clock import Clock, timestamp

LEAP = 60.0  # seconds; more than a crystal drifts in the weeks that NTP may be away
VOUCHED = 3600.0  # seconds of monotonic time
_log = logging.getLogger(__name__)


class SteadyClock:
    """`inner` with a steady UTC. `known`: this boot's offset, when an earlier start of the service knew it."""

    def __init__(self, inner: Clock, known: float | None = None) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._offset = known
        self._leap: tuple[float, float] | None = None  # the offset that is not believed yet, and since when it stands

    def monotonic(self) -> float:
        return self._inner.monotonic()

    def boot(self) -> str:
        return self._inner.boot()

    def trusted(self) -> bool:
        return self._look() is not None

    def offset(self) -> float:
        known = self._look()
        return self._inner.offset() if known is None else known

    def utc(self) -> float:
        known = self._look()
        return self._inner.utc() if known is None else self._inner.monotonic() + known

    @property
    def problem(self) -> str | None:
        """A leap that is not believed."""
        with self._lock:
            if self._leap is None or self._offset is None:
                return None
            leap = self._leap[0]
            says = timestamp(self._leap[1] + leap)
            return (
                f"the system's clock leapt by {leap - self._offset:+.0f} s (to {says}) and is not followed: "
                f"look at its time server; if it is right it is believed after {VOUCHED / 60:.0f} minutes"
            )

    def _look(self) -> float | None:
        """The offset that is believed, after a look at what the system says."""
        with self._lock:
            if self._inner.trusted():
                self._follow(self._inner.offset(), self._inner.monotonic())
            else:
                self._leap = None
            return self._offset

    def _follow(self, offset: float, now: float) -> None:
        if self._offset is None or abs(offset - self._offset) <= LEAP:
            self._offset, self._leap = offset, None
        elif self._leap is None or abs(offset - self._leap[0]) > LEAP:
            self._leap = offset, now
            _log.error("the clock leapt by %+.0f s, which is not believed yet", offset - self._offset)
        elif now - self._leap[1] >= VOUCHED:
            _log.error("the clock leapt by %+.0f s and stays there: that is believed now", offset - self._offset)
            self._offset, self._leap = offset, None
