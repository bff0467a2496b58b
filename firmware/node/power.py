"""Waking, sleeping, and the watchdog over both."""

import time

import machine
from micropython import const

_CAUSES = {
    machine.PWRON_RESET: "power",
    machine.DEEPSLEEP_RESET: "deepsleep",
    machine.WDT_RESET: "watchdog",
    machine.HARD_RESET: "reset",
    machine.SOFT_RESET: "reset",
}
_WATCHDOG_MS = const(30_000)


def watchdog():
    """The board's one watchdog, running since `boot.py`."""
    return machine.WDT(timeout=_WATCHDOG_MS)


def pause(milliseconds):
    """Wait so long, ten seconds at most, with the watchdog fed."""
    watchdog().feed()
    time.sleep_ms(milliseconds)


def cause():
    """Why the board started, in a word. A brown-out counts as `power`, a panic as `reset`."""
    return _CAUSES.get(machine.reset_cause(), "unknown")


def moved():
    """Whether it was the watched pin that ended the deep sleep."""
    return machine.wake_reason() == machine.PIN_WAKE


def sleep(milliseconds, watched=None):
    """Deep sleep, that a high level on the pin `watched` ends early. The board starts again; this does not return."""
    print("sleep ms=%d" % milliseconds)
    if watched:
        import esp32

        esp32.wake_on_ext0(machine.Pin(watched, machine.Pin.IN), esp32.WAKEUP_ANY_HIGH)
    machine.deepsleep(milliseconds)
