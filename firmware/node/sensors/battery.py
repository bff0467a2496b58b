"""The battery behind a divider on an ADC1 pin (ADC2 is dead while the radio is on)."""

from micropython import const

_SHOTS = const(5)
_LOWEST = const(500)  # below, the divider is not connected


class Battery:
    """Battery voltage through the calibrated `adc`; `divider` is battery mV for 1,000 mV at the pin."""

    def __init__(self, adc, divider):
        self._adc = adc
        self._divider = divider

    def read(self):
        """The voltage in mV, median of several shots. Raises ValueError when nothing is connected."""
        shots = sorted([self._adc.read_uv() // 100 for _ in range(_SHOTS)])
        millivolts = shots[_SHOTS // 2] * self._divider // 10000
        if millivolts < _LOWEST:
            raise ValueError("%d mV: is the battery divider connected?" % millivolts)
        return millivolts
