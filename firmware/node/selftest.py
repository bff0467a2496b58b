"""What a technician asks of a board before he leaves it: everything that is wired, read once, nothing kept.

    from node import selftest; selftest.run()

No counter, no epoch and no place in the ring is used: the node's own life begins at its next start.
"""

import sys

from node import flash, identity, settings
from node.life import Life
from node.memory import Memory
from node.release import RELEASE


class _Lamp:
    """A lamp in nobody's service: its supply is looked at, its light stays as it is."""

    def __init__(self):
        self.consumption = self
        self.news = []

    def take(self):
        return 0, 0, 0  # energy, energy at the fixed level, lit: as `node/lamp` counts them

    def check(self):
        from machine import I2C, Pin

        from node.generated import pins_lamppost as pins
        from node.sensors.ina219 import INA219

        i2c = I2C(0, scl=Pin(pins.I2C_SCL), sda=Pin(pins.I2C_SDA), freq=100_000)
        return INA219(i2c, pins.LAMP_ADDRESS, pins.LAMP_SHUNT_MILLIOHM).read()

    def pause(self, milliseconds):
        from node import power

        power.pause(milliseconds)


def run():
    """Say who this board is, what it measures and whether its radio starts, one line each."""
    device = flash.partition()
    who = identity.load(device)
    kid = who.kid.hex() if who.kid else "-"
    print("identity kind=%s kid=%s channel=%d release=%s" % (who.kind, kid, who.channel, RELEASE))
    version = sys.implementation.version
    print("micropython version=%d.%d" % (version[0], version[1]))
    recalled = Memory()
    if who.kind != "bridge":
        _measure(who.kind, settings.load(Life(device)), recalled)
    _radio(who.channel)
    print("selftest done")


def _measure(kind, options, recalled):
    from node import power, taking
    from node.generated.channels import CHANNELS

    power.watchdog().feed()
    # A name without an underscore would be one more in the heap of every wake.
    counts = taking._kind(kind, options, recalled, _Lamp()).sample()  # noqa: SLF001
    for channel in sorted(counts):
        print("channel name=%s counts=%d" % (CHANNELS[channel][0], counts[channel]))


def _radio(channel):
    import network

    from node.links.espnow import Link

    try:
        link = Link(channel, None)
        try:
            wlan = network.WLAN(network.WLAN.IF_STA)
            link.send(b"\x00")  # no frame of ours: a bridge drops it
            print("radio mac=%s channel=%d" % (wlan.config("mac").hex(), wlan.config("channel")))
        finally:
            link.close()
    except OSError as error:
        print("radio error=%s" % error)
