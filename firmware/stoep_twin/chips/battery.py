"""A battery cell behind a resistor divider on an ADC pin."""

from __future__ import annotations

import random
from collections.abc import Callable

_NOISE_UV = 400.0  # of the ESP32's ADC after its calibration, several shots apart
_FULL_SCALE_UV = {0: 950_000, 1: 1_250_000, 2: 1_750_000, 3: 3_100_000}  # by attenuation: 0, 2.5, 6, 11 dB


class Battery:
    """`truth()` is the cell's voltage; `divider` the battery's millivolts for 1,000 mV at the pin."""

    def __init__(self, truth: Callable[[], float], divider: int, seed: int) -> None:
        self._truth = truth
        self._divider = divider
        self._chance = random.Random(seed)

    def read_uv(self, attenuation: int) -> int:
        """What the ADC makes of the pin, in µV: never above its full scale."""
        at_pin = self._truth() * 1e6 * 1000 / self._divider + self._chance.gauss(0, _NOISE_UV)
        return max(0, min(round(at_pin), _FULL_SCALE_UV.get(attenuation, 0)))
