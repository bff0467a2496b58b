"""What the lamp has used, and what a fixed schedule would have.

All in whole numbers: milliwatts over milliseconds become microwatt-hours, what is left over waits for the next.
"""

from micropython import const

_HOUR_MS = const(3600)  # in which a milliwatt becomes a microwatt-hour
_CARRY = const(1000)
_LONGEST_MS = const(3600000)


class Counter:
    """Milliwatt-hours, what they lack of the next, and the seconds in which any power was used."""

    def __init__(self, mwh=0):
        self.mwh = mwh
        self.lit = 0
        self._lit_ms = 0
        self._uwh = 0
        self._rest = 0

    def add(self, milliwatt, passed_ms):
        """So much power (below 200 W) for so long (an hour at most)."""
        passed_ms = min(max(passed_ms, 0), _LONGEST_MS)
        if milliwatt > 0:
            self._lit_ms += passed_ms
            self.lit += self._lit_ms // 1000
            self._lit_ms %= 1000
        rest = self._rest + max(milliwatt, 0) * (passed_ms % _HOUR_MS)
        self._rest = rest % _HOUR_MS
        uwh = self._uwh + max(milliwatt, 0) * (passed_ms // _HOUR_MS) + rest // _HOUR_MS
        self._uwh = uwh % _CARRY
        self.mwh += uwh // _CARRY
