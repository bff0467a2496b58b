"""What a board can be in, and what starts it."""

from __future__ import annotations

import enum


class Cause(enum.IntEnum):
    """Why a board starts, in `machine`'s numbers."""

    POWER = 1
    RESET = 2
    WATCHDOG = 3
    DEEPSLEEP = 4


class Wake(enum.IntEnum):
    """What ended a deep sleep, in `machine`'s numbers."""

    NONE = 0
    PIN = 2  # ext0
    TIMER = 4


class State(enum.Enum):
    """What one sees from outside."""

    OFF = "off"
    AWAKE = "awake"
    ASLEEP = "asleep"
    STUCK = "stuck"
    BENCH = "on the bench"
