"""The lamp's level: as an eye sees it, in permille, faded in which no step is seen.

The lightness of CIE 1931 (CIE 15, the L* of CIELAB) becomes the share of time in which the driver gives light. A pin
that is low or that nobody drives means full light (`hardware/lamppost.toml`), so the PWM's duty is the share of dark.
A panic or a watchdog's panic does not stop the PWM: the ESP32 restarts its processors alone (esp_restart). Hence a
lamp begins at its brightest, and whatever starts must make a Dimmer, or the pin an input, before all else.

Up is quick: 0.4 s for the whole range, and a late call catches up. Down takes six seconds, 0.3 % a call, and a late
call goes on from where the light is: it may never fall in a step.
"""

import time

from micropython import const

FULL = const(1000)
FREQUENCY = const(2000)  # Hz: beyond what IEEE 1789 holds to be of risk; 15 bits are left for the duty

_FINE = const(60)  # parts of a permille
_UP = const(150)  # of them in a millisecond
_DOWN = const(10)
_LATE_MS = const(40)  # so much of a pause counts on the way down
_LONG_MS = const(400)
_LIGHT = const(65535)


def light(level):
    """The share of full light, of 65,535, that looks like `level` permille of it.

    Y = L*/903.3 up to L* = 8, ((L* + 16)/116)^3 above; all within 31 bits.
    """
    if level <= 80:
        return max(level, 0) * _LIGHT // 9033
    bent = min(level, FULL) + 160
    return min(bent * bent * 400 // 1160 * bent // 8213, _LIGHT)


class Dimmer:
    """A lamp on `pwm`, anything with `duty_u16`: `PWM(Pin(pins.LIGHT_DIM), freq=FREQUENCY, duty_u16=0)`."""

    def __init__(self, pwm, now_ms):
        self.target = FULL
        self._pwm = pwm
        self._at = FULL * _FINE
        self._now = now_ms
        self._duty = 0
        pwm.duty_u16(0)

    @property
    def level(self):
        """Permille, as an eye sees it now."""
        return self._at // _FINE

    def step(self, now_ms):
        """To be called every 20 ms or so; brings the level nearer to `target`."""
        passed = time.ticks_diff(now_ms, self._now)
        if passed <= 0:
            return
        self._now = now_ms
        goal = min(max(self.target, 0), FULL) * _FINE
        if goal > self._at:
            self._at = min(goal, self._at + min(passed, _LONG_MS) * _UP)
        elif goal < self._at:
            self._at = max(goal, self._at - min(passed, _LATE_MS) * _DOWN)
        duty = _LIGHT - light(self._at // _FINE)
        if duty != self._duty:
            self._duty = duty
            self._pwm.duty_u16(duty)
