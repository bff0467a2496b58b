"""What the lamp uses and what a fixed schedule would, and whether it draws what it is told to."""

from machine import I2C, Pin
from micropython import const

from node import clock
from node.generated import pins_lamppost as pins
from node.lamp import schedule
from node.lamp.dimming import light
from node.lamp.meter import Counter, Faults

_LOOK_S = const(30)
_WHOLE = const(65535)
_SECOND_MS = const(1000)
_NEVER, _VARIED = const(-1), const(-2)


class Consumption:
    """Counted second by second from what the lamp is told; `news` are faults (see meter.py) that nobody took yet."""

    def __init__(self):
        self.news = []
        self._error = None  # of the last look
        self._used, self._fixed = Counter(), Counter()
        self._faults = Faults(pins.LAMP_MILLIWATT)
        self._second = self._looked = clock.tick()
        self._shone = _NEVER  # the share of light since the look before

    def account(self, plan, level):
        """The lamp shines at `level` permille, and `plan` says what it would be otherwise."""
        share = light(level)
        if share != self._shone:
            self._shone = share if self._shone == _NEVER else _VARIED
        tick = clock.tick()
        passed = (tick - self._second) * _SECOND_MS
        if not passed:
            return
        self._second = tick
        self._used.add(pins.LAMP_MILLIWATT * (share // 64) // (_WHOLE // 64), passed)
        self._fixed.add(pins.LAMP_MILLIWATT * schedule.fixed(plan, tick) // 1000, passed)
        if tick - self._looked >= _LOOK_S:
            self._looked = tick
            if self._shone == share:
                self._look(share)
            self._shone = _NEVER

    def _look(self, share):
        from node.sensors.ina219 import INA219

        i2c = I2C(0, scl=Pin(pins.I2C_SCL), sda=Pin(pins.I2C_SDA), freq=100_000)
        self._error = None
        try:
            millivolt, milliampere = INA219(i2c, pins.LAMP_ADDRESS, pins.LAMP_SHUNT_MILLIOHM).read()
        except (OSError, ValueError) as error:
            self._error = error
            return
        self.news += self._faults.look(share, millivolt * max(milliampere, 0) // 1000)

    def check(self):
        """Raises what went wrong when the lamp's current was looked at last."""
        if self._error:
            raise self._error

    def take(self):
        """(mWh used, mWh that a fixed schedule would have used) since the last call."""
        used = self._used.mwh, self._fixed.mwh
        self._used.mwh = self._fixed.mwh = 0
        return used
