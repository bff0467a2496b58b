"""Whom the bridge may answer: ESP-NOW sends only to registered peers, and registers at most twenty."""

import time

from micropython import const

_MOST = const(20)


class Peers:
    """The senders heard, registered with the `radio`; when the table is full the longest unheard goes."""

    def __init__(self, radio):
        self._radio = radio
        self._heard = {}  # MAC → ticks_ms

    def hear(self, mac):
        """Note that `mac` was heard just now."""
        now = time.ticks_ms()
        if mac not in self._heard:
            if len(self._heard) >= _MOST:
                self._forget_oldest()
            self._radio.add_peer(mac)
        self._heard[mac] = now

    def knows(self, mac):
        """Whether a frame can be sent to `mac`."""
        return mac in self._heard

    def _forget_oldest(self):
        oldest = None
        for mac in self._heard:
            if oldest is None or time.ticks_diff(self._heard[mac], self._heard[oldest]) < 0:
                oldest = mac
        self._radio.del_peer(oldest)
        del self._heard[oldest]
