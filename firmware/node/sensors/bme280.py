"""Bosch BME280: temperature, humidity, pressure, one forced measurement at a time.

Registers and compensation from the datasheet BST-BME280-DS002, sections 4.2.3 and 5; oversampling x1 and no
filter as in section 3.5.1 (weather monitoring).
"""

import struct
import time

from micropython import const

_CALIBRATION_1 = const(0x88)
_CALIBRATION_2 = const(0xE1)
_ID = const(0xD0)
_CTRL_HUM = const(0xF2)
_STATUS = const(0xF3)
_CTRL_MEAS = const(0xF4)
_DATA = const(0xF7)
_CHIP = const(0x60)
_X1_HUMIDITY = const(b"\x01")
_X1_FORCED = const(b"\x25")  # temperature x1, pressure x1, mode forced
_MEASURING = const(0x08)
_LOADING = const(0x01)  # im_update: calibration is being copied after a reset
_LONGEST_MS = const(50)  # datasheet: 9.3 ms at x1
_COLDEST = const(-4000)  # 0.01 °C; table 1
_HOTTEST = const(8500)
_LOWEST = const(30_000)  # Pa
_HIGHEST = const(110_000)


class BME280:
    """The chip at `address` on `i2c`. Nothing is sent before `read`."""

    def __init__(self, i2c, address):
        self._i2c = i2c
        self._address = address
        self._words = None

    def check(self):
        """Its identity and its calibration. Returns a text, raises OSError when it is absent, ValueError otherwise."""
        words = self._calibration()
        if not words[0] or not words[3]:
            raise ValueError("the BME280's calibration is blank")
        return "BME280"

    def read(self):
        """One measurement: (temperature in 0.01 °C, pressure in Pa, humidity in 0.01 %).

        Raises OSError when the chip is absent or late, ValueError when it is another chip, measured nothing, or what
        lies beyond its range.
        """
        if self._words is None:
            self._words = self._calibration()
        self._write(_CTRL_HUM, _X1_HUMIDITY)  # takes effect with the write of ctrl_meas
        self._write(_CTRL_MEAS, _X1_FORCED)
        self._wait(_MEASURING)
        data = self._i2c.readfrom_mem(self._address, _DATA, 8)
        pressure = data[0] << 12 | data[1] << 4 | data[2] >> 4
        temperature = data[3] << 12 | data[4] << 4 | data[5] >> 4
        humidity = data[6] << 8 | data[7]
        # The reset state; each word alone can also be measured (0x80000 is about 26 °C).
        if temperature == 0x80000 and pressure == 0x80000 and humidity == 0x8000:
            raise ValueError("the BME280 measured nothing")
        found = compensate(self._words, temperature, pressure, humidity)
        if not (_COLDEST <= found[0] <= _HOTTEST and _LOWEST <= found[1] <= _HIGHEST):
            raise ValueError("%d times 0.01 °C at %d Pa is beyond the BME280" % found[:2])
        return found

    def _calibration(self):
        chip = self._i2c.readfrom_mem(self._address, _ID, 1)[0]
        if chip != _CHIP:
            raise ValueError("chip id 0x%02x is no BME280" % chip)
        self._wait(_LOADING)
        low = self._i2c.readfrom_mem(self._address, _CALIBRATION_1, 26)
        high = self._i2c.readfrom_mem(self._address, _CALIBRATION_2, 7)
        words = list(struct.unpack("<HhhHhhhhhhhh", low))
        words.append(low[25])
        h2, h3, e4, e5, e6, h6 = struct.unpack("<hBbBbb", high)
        words.extend((h2, h3, e4 << 4 | e5 & 0x0F, e6 << 4 | e5 >> 4, h6))
        return words

    def _write(self, register, value):
        self._i2c.writeto_mem(self._address, register, value)

    def _wait(self, busy):
        started = time.ticks_ms()
        while self._i2c.readfrom_mem(self._address, _STATUS, 1)[0] & busy:
            if time.ticks_diff(time.ticks_ms(), started) > _LONGEST_MS:
                raise OSError(116, "the BME280 stays busy")
            time.sleep_ms(2)


def compensate(words, raw_t, raw_p, raw_h):
    """Bosch's integer compensation (section 4.2.3): (0.01 °C, Pa, 0.01 %), rounded to nearest."""
    t1, t2, t3, p1, p2, p3, p4, p5, p6, p7, p8, p9, h1, h2, h3, h4, h5, h6 = words
    fine = ((raw_t >> 3) - (t1 << 1)) * t2 >> 11
    fine += (((raw_t >> 4) - t1) * ((raw_t >> 4) - t1) >> 12) * t3 >> 14
    temperature = (fine * 5 + 128) >> 8

    a = fine - 128000
    b = a * a * p6 + (a * p5 << 17) + (p4 << 35)
    a = (a * a * p3 >> 8) + (a * p2 << 12)
    a = ((1 << 47) + a) * p1 >> 33
    if a == 0:
        raise ValueError("the BME280's calibration is blank")
    pressure = ((((1048576 - raw_p) << 31) - b) * 3125) // a
    b = p9 * (pressure >> 13) * (pressure >> 13) >> 25
    pressure = ((pressure + b + (p8 * pressure >> 19)) >> 8) + (p7 << 4)  # Q24.8

    h = fine - 76800
    h = (((raw_h << 14) - (h4 << 20) - h5 * h + 16384) >> 15) * (
        (((((h * h6 >> 10) * ((h * h3 >> 11) + 32768)) >> 10) + 2097152) * h2 + 8192) >> 14
    )
    h -= ((h >> 15) * (h >> 15) >> 7) * h1 >> 4
    h = min(max(h, 0), 419430400) >> 12  # Q22.10
    return temperature, (pressure + 128) >> 8, (h * 100 + 512) >> 10
