"""The Wi-Fi link: the same sealed frames by the local MQTT broker, beside the ESP-NOW radio of the lamp group.

It never waits: joining, dialling and talking go on in `catch`, which whoever serves the lamp calls again and again. The
station shares its channel with ESP-NOW, and looking for an access point leads the radio away from it for seconds: so
one that cannot be found is looked for ever more seldom, down to once in five minutes, with jitter.
"""

import os
import time

import network
from micropython import const

from node.links import espnow, mqtt

_JOIN_MS = const(15000)
_SETTLE_MS = const(12000)
_STEP_MS = const(10)  # how long the radio may keep the broker waiting
_FIRST_MS = const(500)  # until the next try
_LONGEST_MS = const(300000)


class Link:
    """Beside `radio`, an ESP-NOW link. `known` is the account of the node `kid`."""

    reply_ms = const(500)  # by way of access point and broker

    def __init__(self, radio, known, kid, password):
        self.radio = radio
        self.channel = radio.channel  # the site's
        self._known = known
        self._kid = kid.hex()
        self._password = password
        self._wlan = network.WLAN(network.WLAN.IF_STA)
        self._client = None
        self._frame = None  # what is to be said, or is not acknowledged yet,
        self._since = time.ticks_ms()  # since when,
        self._said = None  # and by which connection it was said
        self._joining = False
        self._since_join = self._again = self._since  # since when, and when to try next
        self._delay = _FIRST_MS
        self._still = False
        self._step()

    @property
    def bridge(self):
        return self.radio.bridge

    def ready(self):
        """Whether frames can go and come."""
        return self._client is not None and self._client.ready

    def settle(self, pause):
        """Wait for the broker, but not for long; `pause(ms)` is how."""
        since = time.ticks_ms()
        while not self.ready() and time.ticks_diff(time.ticks_ms(), since) < _SETTLE_MS:
            pause(50)
            self._step()

    # -- as every link -------------------------------------------------------------------------------------------------

    def send(self, frame):
        """Say one frame, in place of the one before. If it cannot go within the reply window it is dropped."""
        self._frame, self._since, self._said = frame, time.ticks_ms(), None
        self._step()

    hear = espnow.Link.hear

    def catch(self, timeout_ms):
        """(sender, frame) of whatever comes first, from the broker or from a lamp; (None, None) after a while."""
        heard = self._step()
        if heard is not None:
            return b"", heard
        return self.radio.catch(min(timeout_ms, _STEP_MS))

    def tell(self, frame):
        """To the lamps in range, by radio."""
        self.radio.tell(frame)

    def tune(self, channel):
        """The site has another radio channel; the access point must follow by itself."""
        self.channel = channel

    def forget_bridge(self, _=None):
        """The broker is the only way."""

    answered_by = forget_bridge

    def close(self):
        """Radio off."""
        self.leave()
        self.radio.close()

    def leave(self):
        """Away from the access point; the radio stays on and goes back to the site's channel."""
        self._hang_up()
        self._return()

    def standing(self):
        """(channel of the access point, whether power save is off); None while there is no access point."""
        return (self._wlan.config("channel"), self._still) if self._wlan.isconnected() else None

    # -- the way to the broker -----------------------------------------------------------------------------------------

    def _step(self):
        # What can be done now; a frame that came, or None.
        now = time.ticks_ms()
        try:
            if not self._wlan.isconnected():
                self._join(now)
                return None
            if self._joining:
                self._joined()
            if self._client is None:
                if time.ticks_diff(now, self._again) >= 0:
                    self._dial()
                return None
            heard = self._client.turn()
            self._publish(self._client, now)
        except OSError as error:
            self._failed(error, now)
            return None
        return heard

    def _publish(self, client, now):
        if self._frame is None or not client.ready:
            return
        last = self._said
        if last == client:
            if client.unheard:
                return
            self._frame = None
            self._delay = _FIRST_MS  # it works
        elif time.ticks_diff(now, self._since) < self.reply_ms:
            client.publish(self._frame, last is not None)
            self._said = client
        else:
            self._frame = None

    def _join(self, now):
        if self._client is not None:
            raise OSError("the access point is gone")
        if not self._joining:
            if time.ticks_diff(now, self._again) >= 0:
                self._joining, self._since_join = True, now
                self._wlan.config(reconnects=0)  # we look again when it is time
                self._wlan.connect(self._known.network, self._known.key)
        elif time.ticks_diff(now, self._since_join) > _JOIN_MS:
            raise OSError("the access point cannot be joined: status %d" % self._wlan.status())

    def _joined(self):
        self._joining = False
        try:
            self._wlan.config(pm=network.WLAN.PM_NONE)
            self._still = self._wlan.config("pm") == network.WLAN.PM_NONE
        except (OSError, ValueError):
            self._still = False
        print("wifi joined channel=%d" % self._wlan.config("channel"))

    def _dial(self):
        kid, known = self._kid, self._known
        self._client = mqtt.Client(known.host, known.port, kid, self._password, "stoep/up/" + kid, "stoep/down/" + kid)

    def _failed(self, error, now):
        delay = _LONGEST_MS if isinstance(error, mqtt.RefusedError) else self._delay
        delay = delay // 2 + delay * os.urandom(1)[0] // 510
        self._delay = min(self._delay * 2, _LONGEST_MS)
        self._again = time.ticks_add(now, delay)
        self._hang_up()
        if self._joining:
            self._joining = False
            self._return()
        print("wifi again_ms=%d failure=%s" % (delay, error))

    def _hang_up(self):
        if self._client is not None:
            self._client.close()
            self._client = None

    def _return(self):
        self.radio.channel = 0  # wherever the access point led it
        try:
            self._wlan.disconnect()
            self.radio.tune(self.channel)
        except OSError:
            pass  # still busy with leaving; the next failure comes by here again
