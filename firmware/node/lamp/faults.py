"""Whether the lamp does what it is told. Needed twice a minute, and only then in the heap."""

from micropython import const

_FULL = const(65535)  # as dimming.light says it
_SURELY = const(5)  # looks beyond the contrary ones until it is said; as many end it
_LOOKS = const(0xFF)  # eight of them are watched for flicker,
_JUMPS = const(4)  # and so many jumps are one
STUCK_ON = const(0)  # as their alarms in the catalogue
STUCK_OFF = const(1)
FLICKERING = const(2)
HALF = const(3)
_FAULTS = const(4)


def look(share, known):
    """(changes, what is known then) of the lamp that shone at `share`, of which so much is `known`. Raises OSError."""
    from machine import I2C, Pin

    from node.generated import pins_lamppost as pins
    from node.sensors.ina219 import INA219

    i2c = I2C(0, scl=Pin(pins.I2C_SCL), sda=Pin(pins.I2C_SDA), freq=100_000)
    millivolt, milliampere = INA219(i2c, pins.LAMP_ADDRESS, pins.LAMP_SHUNT_MILLIOHM).read()
    faults = Faults(pins.LAMP_MILLIWATT, known)
    return faults.look(share, millivolt * max(milliampere, 0) // 1000), faults.known()


class Faults:
    """Commanded against measured; `full` is the lamp's power at its brightest, in milliwatt.

    `known` is what another one before it has found out.
    """

    def __init__(self, full, known=None):
        self._full = full
        self.raised = 0  # a bit for each fault
        self._counts = bytearray(_FAULTS)
        self._share = -1
        self._before = 0
        self._jumps = 0
        if known:
            self.raised, counts, self._share, self._before, self._jumps = known
            self._counts[:] = counts

    def known(self):
        """What it has found out, for the next one."""
        return self.raised, bytes(self._counts), self._share, self._before, self._jumps

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
