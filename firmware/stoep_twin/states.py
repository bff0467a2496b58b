"""What a board can be in, and what starts it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


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


@dataclass
class End:
    """How one run of a board's interpreter ended."""

    next: Cause | None  # how the board starts again; None: a script is done
    sleep_until: int | None = None  # virtual µs
    woken_by: tuple[int, bool] | None = None  # a pin and its level
    failure: str | None = None


@dataclass
class Strike:
    """What befalls a board from outside."""

    cause: Cause
    forget: bool  # what was in the RTC memory is gone
