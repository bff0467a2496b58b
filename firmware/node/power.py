"""Waking, sleeping, and the watchdog over both."""

import machine

_CAUSES = {
    machine.PWRON_RESET: "power",
    machine.DEEPSLEEP_RESET: "deepsleep",
    machine.WDT_RESET: "watchdog",
    machine.HARD_RESET: "reset",
    machine.SOFT_RESET: "reset",
}
WATCHDOG_MS = 30_000


def watchdog():
    """The board's one watchdog, running since `boot.py`."""
    return machine.WDT(timeout=WATCHDOG_MS)


def cause():
    """Why the board started, in a word. A brown-out counts as `power`, a panic as `reset`."""
    return _CAUSES.get(machine.reset_cause(), "unknown")


def sleep(milliseconds):
    """Deep sleep; the board starts again from `boot.py`. Does not return."""
    print("sleep ms=%d" % milliseconds)
    machine.deepsleep(milliseconds)
