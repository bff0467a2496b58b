"""The ESP-NOW link: one frame out, one reply in, radio off again.

The first frame after a cold boot is broadcast, so that whichever bridge is there answers; later frames go to that
bridge, whose radio acknowledges and makes ours repeat; when it falls silent we broadcast again.
"""

import time

import espnow
import network
from micropython import const

EVERYBODY = b"\xff\xff\xff\xff\xff\xff"
_RECEIVE_BUFFER = const(1200)


class Link:
    """The radio on `channel`; `bridge` is the MAC that answered last, or None."""

    reply_ms = const(60)  # the reply window, from the end of sending

    def __init__(self, channel, bridge):
        self.bridge = bridge
        self._wlan = network.WLAN(network.WLAN.IF_STA)
        self._wlan.active(True)
        self._wlan.config(channel=channel)
        self._radio = espnow.ESPNow()
        self._radio.config(rxbuf=_RECEIVE_BUFFER)
        self._radio.active(True)
        self._radio.add_peer(EVERYBODY)
        if bridge:
            self._radio.add_peer(bridge)

    def send(self, frame):
        """Send one frame. Whether anybody heard it, only a reply tells."""
        self._radio.send(self.bridge or EVERYBODY, frame)

    def hear(self, timeout_ms, accept):
        """What `accept(frame)` makes of the first frame it does not refuse with None, or None after the timeout."""
        started = time.ticks_ms()
        while True:
            left = timeout_ms - time.ticks_diff(time.ticks_ms(), started)
            if left <= 0:
                return None
            mac, frame = self.catch(left)
            if mac is None:
                continue
            heard = accept(frame)
            if heard is not None:
                self.answered_by(bytes(mac))
                return heard

    def catch(self, timeout_ms):
        """(MAC, frame) of whatever comes first, or (None, None) after the timeout."""
        return self._radio.irecv(timeout_ms)

    def answered_by(self, mac):
        """That bridge hears us; frames go to it."""
        if mac != self.bridge:
            if self.bridge:
                self._radio.del_peer(self.bridge)
            self._radio.add_peer(mac)
            self.bridge = mac

    def forget_bridge(self):
        """Broadcast from now on."""
        if self.bridge:
            self._radio.del_peer(self.bridge)
            self.bridge = None

    def close(self):
        """Radio off."""
        self._radio.active(False)
        self._wlan.active(False)
