"""A voltage behind a divider on an ADC1 pin: battery, solar panel (ADC2 is dead while the radio is on)."""

from micropython import const

_SHOTS = const(5)


class Voltage:
    """What the calibrated `adc` finds there; `divider` is the source's mV for 1,000 mV at the pin.

    Below `lowest` mV the divider is taken for not connected.
    """

    def __init__(self, adc, divider, lowest=0):
        self._adc = adc
        self._divider = divider
        self._lowest = lowest

    def read(self):
        """The voltage in mV, median of several shots. Raises ValueError when nothing is connected."""
        shots = sorted([self._adc.read_uv() // 100 for _ in range(_SHOTS)])
        millivolts = shots[_SHOTS // 2] * self._divider // 10000
        if millivolts < self._lowest:
            raise ValueError("%d mV: is the divider connected?" % millivolts)
        return millivolts
