"""Which counters of a node were seen in this instance (RFC 6479's idea), and whether a repeat is only an echo."""

from enum import Enum

WIDTH = 64
ECHO_SECONDS = 1.0  # real: as long as a frame can take through a second bridge
_REMEMBERED = 16


class Verdict(Enum):
    FRESH = "fresh"
    ECHO = "echo"  # the same frame again, at once: another bridge heard it too
    REPLAYED = "replayed"


class ReplayWindow:
    """Accepts each counter once, and none that lies 64 or more below the highest."""

    def __init__(self) -> None:
        self._highest = 0
        self._seen = 0  # bit n: highest - n was accepted
        self._recent: list[tuple[bytes, float]] = []  # and when; no older than an echo can be when one was added

    def look(self, counter: int, frame: bytes, now: float) -> Verdict:
        """Before any cryptography, so nothing changes here. `now` is real seconds."""
        behind = self._highest - counter
        if behind < 0 or (behind < WIDTH and not self._seen >> behind & 1):
            return Verdict.FRESH
        recent = any(frame == bytes_ and now - at <= ECHO_SECONDS for bytes_, at in self._recent)
        return Verdict.ECHO if recent else Verdict.REPLAYED

    def accept(self, counter: int, frame: bytes, now: float) -> None:
        """Only for a frame that is proven."""
        ahead = counter - self._highest
        if ahead > 0:
            self._seen = (self._seen << min(ahead, WIDTH)) & (2**WIDTH - 1) | 1
            self._highest = counter
        else:
            self._seen |= 1 << -ahead
        recent = [one for one in self._recent if now - one[1] <= ECHO_SECONDS]
        self._recent = [*recent[1 - _REMEMBERED :], (frame, now)]
