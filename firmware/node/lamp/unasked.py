"""What the gateway says to a lamp that did not ask: a reply as any other to its last report, under a higher counter.

Kid, instance and counter are looked at before any cryptography, and after a forged one nothing is opened for a moment:
whoever floods may keep the gateway's word from the lamp until its next report, but not light from people.
"""

import time

from micropython import const

from node import frame

_PAUSE_MS = const(250)  # an opening takes some ms


class Unasked:
    """For the node `identity`, whose memory is `recalled`."""

    def __init__(self, identity, recalled):
        self._identity = identity
        self._memory = recalled
        self._of = None  # the instance whose reply was opened last,
        self._last = 0  # and that reply's counter
        self._again = None

    def answered(self, data):
        """These bytes were opened as a reply; only what comes after them is news."""
        self._of, self._last, _ = frame.reply_head(self._identity.kid, data)
        self._again = None

    def open(self, data):
        """(instance, plaintext) of what the gateway says now; None for anything else, whatever it is."""
        identity, recalled = self._identity, self._memory
        if recalled.heard != recalled.counter:  # a report that nobody answered: its tick is not the gateway's
            return None
        head = frame.reply_head(identity.kid, data)
        if head is None or head[0] != self._of or head[1] <= self._last:
            return None
        now = time.ticks_ms()
        if self._again is not None and time.ticks_diff(now, self._again) < 0:
            return None
        self._again = time.ticks_add(now, _PAUSE_MS)
        return frame.open_reply(identity.secret, identity.kid, recalled.counter, data)
