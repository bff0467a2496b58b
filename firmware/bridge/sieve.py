"""What the bridge lets through to the serial line: known senders, at a rate the line and the gateway can bear.

The bridge holds no keys; it looks at the header only. The gateway pushes the list of kids and the rate.
"""

import time

from bridge.header import uplink_kid


class Sieve:
    """Open to any byte-exact header until the gateway has said whom it knows."""

    def __init__(self):
        self._buckets = None  # kid → [thousandths of a frame, ticks_ms of the last look]
        self._coming = {}
        self._next = 0  # the part that must come next
        self._rate = 0
        self._burst = 0

    def push(self, part, parts, rate, burst, kids):
        """Take one part of a new list, which counts when its last part is there. False: a part before this was lost."""
        if part == 0:
            self._coming = {}
            self._next = 0
        if part != self._next:
            return False
        self._next += 1
        now = time.ticks_ms()
        for at in range(0, len(kids), 4):
            self._coming[bytes(kids[at : at + 4])] = [burst * 1000, now]
        if part == parts - 1:
            self._buckets, self._coming = self._coming, {}
            self._rate, self._burst = rate, burst
        return True

    def passes(self, frame):
        """Whether the frame may go on to the gateway now."""
        kid = uplink_kid(frame)
        if kid is None:
            return False
        if self._buckets is None:
            return True
        bucket = self._buckets.get(kid)
        if bucket is None:
            return False
        now = time.ticks_ms()
        bucket[0] = min(bucket[0] + time.ticks_diff(now, bucket[1]) * self._rate, self._burst * 1000)
        bucket[1] = now
        if bucket[0] < 1000:
            return False
        bucket[0] -= 1000
        return True
