"""DFRobot A02YYUW (SEN0311): ultrasonic distance, 30 mm to 4,500 mm, on a UART.

Powered, it sends a frame of four bytes every 100 ms to 300 ms at 9,600 baud (DFRobot's product page, section
"serial output"): 0xFF, distance in mm as two bytes, high first, and the low byte of their sum.
"""

import time

from micropython import const

from node.sensors.shots import judge

_START = const(0xFF)
_NEAREST = const(30)  # the blind zone: nearer things give no or any echo
_FARTHEST = const(4500)
_SHOTS = const(5)
_LONGEST_MS = const(2500)
_PAUSE_MS = const(5)


class A02YYUW:
    """The range finder behind `uart`, whose supply the pin `power` switches."""

    def __init__(self, uart, power):
        self._uart = uart
        self._power = power

    def check(self):
        """Whether it talks; what it says is of no matter. Returns a text, raises OSError when no whole frame comes."""
        good, near, silent, broken = self._shoot(1)
        if not len(good) + near + silent:
            raise OSError(116, "the A02YYUW sent nothing whole, %d broken bytes" % broken)
        return "A02YYUW"

    def read(self):
        """The median distance of several shots that agree, in mm. Off again when it returns.

        Raises OSError when too few whole frames came, ValueError when they hold no plausible distance: blocked by what
        is nearer than it can see, no echo, no three alike.
        """
        good, near, silent, broken = self._shoot(_SHOTS)
        found = judge(good, near, silent, _NEAREST)
        if found is None:
            raise OSError(116, "the A02YYUW sent %d frames, %d broken bytes" % (len(good) + near + silent, broken))
        return found

    def _shoot(self, wanted):
        # ([mm], nearer than it sees, no echo, broken bytes), with so many good ones if they come in time.
        self._power.value(1)
        try:
            while self._uart.any():  # from an earlier life
                self._uart.read(self._uart.any())
            return self._listen(wanted)
        finally:
            self._power.value(0)

    def _listen(self, wanted):
        good: list[int] = []
        near = silent = broken = 0
        waiting = bytearray()
        started = time.ticks_ms()
        while len(good) < wanted and time.ticks_diff(time.ticks_ms(), started) < _LONGEST_MS:
            if not self._uart.any():
                time.sleep_ms(_PAUSE_MS)
                continue
            waiting.extend(self._uart.read(self._uart.any()) or b"")
            while len(waiting) >= 4:
                if waiting[0] != _START or (waiting[0] + waiting[1] + waiting[2]) & 0xFF != waiting[3]:
                    broken += 1
                    waiting = waiting[1:]
                    continue
                distance = waiting[1] << 8 | waiting[2]
                waiting = waiting[4:]
                near += distance < _NEAREST
                silent += distance > _FARTHEST
                if _NEAREST <= distance <= _FARTHEST:
                    good.append(distance)
        return good, near, silent, broken
