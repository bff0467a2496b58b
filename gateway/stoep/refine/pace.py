"""How many samples a node takes in a window, by its own numbering: what was lost on the way is in it.

Two samples of an epoch and how many were taken between them tell the pace, also where those never came.
"""

from stoep.store.series import Taken
from stoep.store.windows import SECONDS, Window

_FARTHEST = 200  # samples between the two: farther back the interval may have been another


class Paces:
    """Remembers the last sample of each node."""

    def __init__(self) -> None:
        self._last: dict[bytes, Taken] = {}

    def expected(self, window: Window) -> int | None:
        """None where no second sample of the epoch is known."""
        samples = list(window.samples)
        if not samples:
            return None
        last = samples[-1]
        known = self._last.get(window.kid)
        if known is None or last.at > known.at:
            self._last[window.kid] = last
        peers = [sample for sample in samples[:-1] if sample.epoch == last.epoch]
        if known is not None and known.epoch == last.epoch and not peers:
            peers = [known]
        steps = abs(last.seq - peers[0].seq) if peers else 0
        if not 0 < steps <= _FARTHEST:
            return None
        pace = abs(last.at - peers[0].at) / 1_000_000 / steps
        return max(1, round(SECONDS / pace)) if pace > 0 else None
