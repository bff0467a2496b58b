"""What the lamp has used, what a fixed schedule would have, and whether it does what it is told.

All in whole numbers: milliwatts over milliseconds become microwatt-hours, what is left over waits for the next.
"""

from micropython import const

_HOUR_MS = const(3600)  # in which a milliwatt becomes a microwatt-hour
_CARRY = const(1000)
_LONGEST_MS = const(3600000)

_FULL = const(65535)  # as dimming.light says it
_SURELY = const(5)  # looks beyond the contrary ones until it is said; as many end it
_LOOKS = const(0xFF)  # eight of them are watched for flicker,
_JUMPS = const(4)  # and so many jumps are one
STUCK_ON, STUCK_OFF, FLICKERING, HALF = const(0), const(1), const(2), const(3)  # as their alarms in the catalogue
_FAULTS = const(4)


class Counter:
    """Milliwatt-hours, and what they lack of the next."""

    def __init__(self, mwh=0):
        self.mwh = mwh
        self._uwh = 0
        self._rest = 0

    def add(self, milliwatt, passed_ms):
        """So much power (below 200 W) for so long (an hour at most)."""
        passed_ms = min(max(passed_ms, 0), _LONGEST_MS)
        rest = self._rest + max(milliwatt, 0) * (passed_ms % _HOUR_MS)
        self._rest = rest % _HOUR_MS
        uwh = self._uwh + max(milliwatt, 0) * (passed_ms // _HOUR_MS) + rest // _HOUR_MS
        self._uwh = uwh % _CARRY
        self.mwh += uwh // _CARRY


class Faults:
    """Commanded against measured; `full` is the lamp's power at its brightest, in milliwatt."""

    def __init__(self, full):
        self.raised = 0  # a bit for each fault
        self._full = full
        self._counts = bytearray(_FAULTS)
        self._share = -1
        self._before = 0
        self._jumps = 0

    def look(self, share, milliwatt):
        """A measurement, and the share of light commanded since the one before: [(fault, on)] of those it changes.

        While the lamp fades nothing is judged: what counts are two looks at one share.
        """
        steady = share == self._share
        before, self._share, self._before = self._before, share, milliwatt
        if not steady:
            return []
        full = self._full
        asked = full * (share // 64) // (_FULL // 64)
        jump = abs(milliwatt - before) * 4 > max(asked, full // 4)
        self._jumps = (self._jumps << 1 | jump) & _LOOKS
        much = milliwatt > asked + asked // 2 + full // 8
        lit = asked > full // 16
        little = lit and milliwatt * 4 < asked
        half = lit and not little and milliwatt * 10 < asked * 7
        changed = []
        for fault, seen in enumerate((much, little, self._flickers(), half)):
            count = self._counts[fault] = min(max(self._counts[fault] + (1 if seen else -1), 0), _SURELY)
            on = self.raised >> fault & 1
            if count == (0 if on else _SURELY):
                self.raised ^= 1 << fault
                changed.append((fault, 1 - on))
        return changed

    def _flickers(self):
        jumps, count = self._jumps, 0
        while jumps:
            count += jumps & 1
            jumps >>= 1
        return count >= _JUMPS
