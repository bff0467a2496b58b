"""Texas Instruments INA219: voltage and current of the lamp, one triggered conversion at a time.

Registers from the datasheet SBOS448, section 8.6: both inputs with twelve bits, eight samples averaged (8.5 ms in all),
then powered down.
"""

import time

from micropython import const

_CONFIG = const(0x00)
_SHUNT = const(0x01)  # signed, 10 µV a digit
_BUS = const(0x02)  # 4 mV a digit from bit 3 on
_RESET = const(b"\x80\x00")
_AFTER_RESET = const(0x399F)
_MEASURE = const(b"\x3d\xdb")  # 32 V, ±320 mV, eight samples each, shunt and bus once
_OFF = const(b"\x3d\xd8")
_READY = const(2)
_OVERFLOW = const(1)
_LONGEST_MS = const(50)


class INA219:
    """The chip at `address` on `i2c`, over a shunt of `milliohm`."""

    def __init__(self, i2c, address, milliohm):
        self._i2c = i2c
        self._address = address
        self._milliohm = milliohm

    def check(self):
        """A reset must bring its configuration back. Raises OSError when it is absent, ValueError when it does not."""
        self._i2c.writeto_mem(self._address, _CONFIG, _RESET)
        config = self._word(_CONFIG)
        if config != _AFTER_RESET:
            raise ValueError("configuration 0x%04x after a reset: that is no INA219" % config)
        return "INA219"

    def read(self):
        """(mV on the lamp's side, mA through the shunt; negative when it flows back).

        Raises OSError when the chip is absent or late, ValueError when the current is more than it can measure.
        """
        self._i2c.writeto_mem(self._address, _CONFIG, _MEASURE)
        started = time.ticks_ms()
        while True:
            bus = self._word(_BUS)
            if bus & _READY:
                break
            if time.ticks_diff(time.ticks_ms(), started) > _LONGEST_MS:
                raise OSError(116, "the INA219 stays busy")
            time.sleep_ms(2)
        shunt = self._word(_SHUNT)
        self._i2c.writeto_mem(self._address, _CONFIG, _OFF)
        if shunt >= 0x8000:
            shunt -= 0x10000
        if bus & _OVERFLOW or abs(shunt) >= 32000:
            raise ValueError("more current than the shunt can show: %d mV over it" % (shunt // 100))
        return (bus >> 3) * 4, (shunt * 10 + self._milliohm // 2) // self._milliohm

    def _word(self, register):
        data = self._i2c.readfrom_mem(self._address, register, 2)
        return data[0] << 8 | data[1]
