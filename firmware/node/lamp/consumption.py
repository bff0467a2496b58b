"""What the lamp uses and what a fixed schedule would, and whether it draws what it is told to."""

from micropython import const

from node import clock, staging
from node.generated import pins_lamppost as pins
from node.lamp import schedule
from node.lamp.dimming import light
from node.lamp.meter import Counter

_LOOK_S = const(30)
_WHOLE = const(65535)
_SECOND_MS = const(1000)
_NEVER = const(-1)
_VARIED = const(-2)


class Consumption:
    """Counted second by second from what the lamp is told; `news` are faults (see faults.py) that nobody took yet."""

    def __init__(self):
        self.news = []
        self._error = None  # of the last look
        self._used, self._fixed = Counter(), Counter()
        self._known = None  # of the lamp's faults
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

    def look(self):
        """Twice a minute, and only where nothing else wants the heap: see what the lamp draws, if it shone evenly."""
        if self._second - self._looked < _LOOK_S:
            return
        self._looked, share, self._shone = self._second, self._shone, _NEVER
        if share >= 0:
            self._error = None
            try:
                from node.lamp import faults

                news, self._known = faults.look(share, self._known)
                self.news += news
            except (OSError, ValueError) as error:
                self._error = error
            staging.forget("lamp.faults", "sensors")

    def check(self):
        """Raises what went wrong when the lamp's current was looked at last."""
        if self._error:
            raise self._error

    def take(self):
        """(mWh used, mWh that a fixed schedule would have used, seconds it shone) since the last call."""
        used = self._used.mwh, self._fixed.mwh, self._used.lit
        self._used.mwh = self._fixed.mwh = self._used.lit = 0
        return used
