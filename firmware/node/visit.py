"""A technician gets in: in the moment after a cold boot, or with BOOT held, a node listens for a Ctrl-C.

`mpremote` sends one. Whoever got in has half an hour, and as long the watchdog is fed for him; then the node goes on.
"""

import time

import machine
import micropython
from micropython import const

from node import power

_MOMENT_S = const(3)
_SECOND_MS = const(1000)
_CTRL_C = const(3)
_EMPTY_MV = const(3100)  # such a battery has no moment to give
_FEEDING_MS = const(10_000)
_FEEDINGS = const(180)  # half an hour


def comes(kind):
    """Whether somebody comes who wants the REPL; the watchdog is then fed for half an hour."""
    return not _is_empty(kind) and listens(_MOMENT_S)


def listens(seconds):
    """Whether a Ctrl-C comes within so many seconds; the watchdog is then fed for half an hour."""
    dog = power.watchdog()
    try:
        micropython.kbd_intr(_CTRL_C)
        for _ in range(seconds):
            time.sleep_ms(_SECOND_MS)
            dog.feed()
        micropython.kbd_intr(-1)
    except KeyboardInterrupt:
        _feed(dog)
        return True
    return False


def _is_empty(kind):
    if kind == "bin":
        from node.generated.pins_bin import BATTERY_ADC, BATTERY_DIVIDER
    elif kind == "bench":
        from node.generated.pins_bench import BATTERY_ADC, BATTERY_DIVIDER
    else:
        return False  # mains
    from node.sensors.voltage import Voltage

    adc = machine.ADC(machine.Pin(BATTERY_ADC), atten=machine.ADC.ATTN_11DB)
    return Voltage(adc, BATTERY_DIVIDER).read() < _EMPTY_MV


def _feed(dog):
    left = [_FEEDINGS]
    timer = machine.Timer(0)

    def feed(_):
        left[0] -= 1
        if left[0] < 0:
            timer.deinit()
        else:
            dog.feed()

    timer.init(period=_FEEDING_MS, mode=machine.Timer.PERIODIC, callback=feed)
