"""The lamp of a lamppost with its supply and the MOSFETs before it, as `hardware/lamppost.toml` wires them.

The longer the pin is high, the darker; a pin that is low or that nobody drives means full light. The lamp has a supply
of its own, so that it burns without the board.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Callable

from stoep_twin.chips.chip import Chip
from stoep_twin.light import History

_VOLTS = 24.0
_FLICKERS_S = 0.4


class Failing(enum.StrEnum):
    """The ways in which a lamp fails, whatever it is told."""

    STUCK_ON = "stuck-on"
    STUCK_OFF = "stuck-off"
    FLICKERING = "flickering"
    HALF = "half"  # one of its two strings is dead


class Lamp(Chip):
    """Draws `milliwatt` at full light and in proportion below; `now()` is Unix seconds."""

    def __init__(self, now: Callable[[], float], milliwatt: int) -> None:
        self._now = now
        self.watts = milliwatt / 1000
        self._asked = 1.0
        self._supplied = True
        self._failing: Failing | None = None
        self.history = History(now(), 1.0)

    # -- pins ----------------------------------------------------------------------------------------------------------

    def drive(self, role: str, level: bool) -> None:
        self.modulate(role, float(level), self._now())

    def modulate(self, role: str, high: float | None, at: float) -> None:
        self._asked = 1.0 - (high or 0.0)
        self._shine(at)

    # -- what becomes of it --------------------------------------------------------------------------------------------

    def supply(self, on: bool) -> None:
        """The lamp's own supply."""
        self._supplied = on
        self._shine(self._now())

    def fail(self, how: Failing | None) -> None:
        """From now on it fails so; None: it is well again."""
        self._failing = how
        self._shine(self._now())

    def _shine(self, at: float) -> None:
        light = {
            Failing.STUCK_ON: 1.0,
            Failing.STUCK_OFF: 0.0,
            Failing.HALF: self._asked / 2,
        }.get(self._failing or Failing.FLICKERING, self._asked)
        self.history.note(at, light if self._supplied else 0.0)

    # -- what is seen and measured -------------------------------------------------------------------------------------

    def light(self, at: float) -> float:
        """The share of full light at an instant (Unix s)."""
        light = self.history.at(at)
        if self._failing is Failing.FLICKERING:
            light *= random.Random(int(at / _FLICKERS_S)).random() < 0.5  # noqa: PLR2004 -- as often dark as not
        return light

    def draws(self) -> tuple[float, float]:
        """Volts at it and amperes through it, now."""
        return (_VOLTS if self._supplied else 0.0), self.watts / _VOLTS * self.light(self._now())
