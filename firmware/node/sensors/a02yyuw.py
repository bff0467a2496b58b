"""DFRobot A02YYUW (SEN0311): ultrasonic distance, 30 mm to 4,500 mm, on a UART.

Powered, it sends a frame of four bytes every 100 ms to 300 ms at 9,600 baud (DFRobot's product page, section
"serial output"): 0xFF, distance in mm as two bytes, high first, and the low byte of their sum.
"""

import time

from micropython import const

_START = const(0xFF)
_NEAREST = const(30)  # the blind zone: nearer things give no or any echo
_FARTHEST = const(4500)
_SHOTS = const(5)
_FEWEST = const(3)
_LONGEST_MS = const(2500)
_PAUSE_MS = const(5)


class A02YYUW:
    """The range finder behind `uart`, whose supply the pin `power` switches."""

    def __init__(self, uart, power):
        self._uart = uart
        self._power = power

    def read(self):
        """The median distance of several shots, in mm. Off again when it returns.

        Raises OSError when too few whole frames came, ValueError when they hold no plausible distance.
        """
        self._power.value(1)
        try:
            while self._uart.any():  # from an earlier life
                self._uart.read(self._uart.any())
            return self._median()
        finally:
            self._power.value(0)

    def _median(self):
        shots: list[int] = []
        broken = wrong = 0
        waiting = bytearray()
        started = time.ticks_ms()
        while len(shots) < _SHOTS and time.ticks_diff(time.ticks_ms(), started) < _LONGEST_MS:
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
                if _NEAREST <= distance <= _FARTHEST:
                    shots.append(distance)
                else:
                    wrong += 1
        if len(shots) < _FEWEST:
            if wrong:
                raise ValueError("no echo in range: %d shots of %d" % (len(shots), len(shots) + wrong))
            raise OSError(116, "the A02YYUW sent %d frames, %d broken bytes" % (len(shots), broken))
        shots.sort()
        return shots[len(shots) // 2]
