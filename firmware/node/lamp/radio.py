"""The radio of a lamppost: ESP-NOW as any node has it, and it speaks to the other lamps, too."""

from node.links.espnow import EVERYBODY, Link


class Radio(Link):
    """The radio on `channel`, on as long as the board is awake."""

    def __init__(self, channel, bridge):
        Link.__init__(self, channel, bridge)
        self.channel = channel

    def tell(self, frame):
        """To everybody in range, whether or not anybody hears it."""
        self._radio.send(EVERYBODY, frame)

    def tune(self, channel):
        """Go to another radio channel."""
        if channel != self.channel:
            self.channel = channel
            self._wlan.config(channel=channel)
