"""A battery cell behind a resistor divider on an ADC pin."""

from __future__ import annotations

import random
from collections.abc import Callable

from stoep_twin.chips.chip import Chip

_NOISE_UV = 400.0  # of the ESP32's ADC after its calibration, several shots apart


class Battery(Chip):
    """`truth()` is the cell's voltage; `divider` the battery's millivolts for 1,000 mV at the pin."""

    def __init__(self, truth: Callable[[], float], divider: int, seed: int) -> None:
        self._truth = truth
        self._divider = divider
        self._chance = random.Random(seed)

    def microvolts(self, role: str, full_scale: int) -> int:
        at_pin = self._truth() * 1e6 * 1000 / self._divider + self._chance.gauss(0, _NOISE_UV)
        return min(round(at_pin), full_scale)
