"""How fast: backlog at the rate the city set, everything slower when the broker says that its quota is exceeded."""

from stoep.clock import real

MOST_IN_FLIGHT = 20
_FIRST_PAUSE = 1.0  # seconds, doubled with each refusal up to:
_LONGEST_PAUSE = 60.0


class Pace:
    """`limit`: how many the broker allows in flight at once, 20 at most."""

    def __init__(self, backlog_per_second: float) -> None:
        self._rate = backlog_per_second
        self._owed = 1.0  # messages of the backlog that may go now
        self._owed_at = real()
        self._allowed = MOST_IN_FLIGHT
        self._pause = 0.0
        self._until = 0.0
        self.limit = MOST_IN_FLIGHT

    @property
    def allowed(self) -> int:
        """How many may be in flight now."""
        return 0 if self.slowed and real() < self._until else min(self._allowed, self.limit)

    @property
    def slowed(self) -> bool:
        """Whether the broker's last word was that it is too much."""
        return self._pause > 0

    def backlog(self) -> int:
        """How many of the backlog may go now."""
        now = real()
        self._owed = min(self._owed + (now - self._owed_at) * self._rate, max(1.0, self._rate / 4))
        self._owed_at = now
        return int(self._owed)

    def sent_backlog(self, count: int) -> None:
        self._owed -= count

    def accepted(self) -> None:
        if real() < self._until:
            return  # of the same handful as one that was too much
        self._pause = 0.0
        self._allowed = min(self._allowed + 1, MOST_IN_FLIGHT)

    def exceeded(self) -> None:
        """PUBACK 0x97. Of several at once, the first counts."""
        if real() < self._until:
            return
        self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        self._until = real() + self._pause
        self._allowed = max(1, self._allowed // 2)

    def fruitless(self) -> None:
        """A connection ended and confirmed nothing of what was in flight: one at a time tells over which message."""
        self._allowed = 1
