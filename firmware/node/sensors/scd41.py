"""Sensirion SCD41: carbon dioxide, one single shot at a time.

Commands and timing from the datasheet, version 1.4, sections 3.5 to 3.12: commands of sixteen bits, each word of data
followed by its CRC-8. It is left idle between shots, not powered down: the first shot after a power-down counts for
nothing, and a lamppost has mains.
"""

import time

from micropython import const

_SINGLE_SHOT = const(b"\x21\x9d")
_DATA_READY = const(b"\xe4\xb8")
_READ = const(b"\xec\x05")
_PRESSURE = const(b"\xe0\x00")
_SERIAL = const(b"\x36\x82")
_STOP = const(b"\x3f\x86")
_SHOT_S = const(5)
_LONGEST_S = const(8)
_SECOND_MS = const(1000)
_STOP_MS = const(500)
_SETTLE_MS = const(2)
_READY = const(0x07FF)
_HIGHEST = const(10000)


class SCD41:
    """The sensor at `address` on `i2c`; `pause(ms)` waits, and does what must go on meanwhile."""

    def __init__(self, i2c, address, pause):
        self._i2c = i2c
        self._address = address
        self._pause = pause

    def check(self):
        """Its serial number in hexadecimal. Raises OSError when nobody answers or a checksum is wrong."""
        return "%04x%04x%04x" % tuple(self._ask(_SERIAL, 3))

    def read(self, pascal=None):
        """CO₂ in ppm, at this air pressure if it is known.

        Raises OSError when the sensor is absent, late or broken in its words, ValueError when it measured nothing.
        """
        try:
            self._shoot(pascal)
        except OSError:
            # It may be measuring on its own, from another life: then it refuses all but this.
            self._i2c.writeto(self._address, _STOP)
            self._pause(_STOP_MS)
            self._shoot(pascal)
        for second in range(_LONGEST_S):
            self._pause(_SECOND_MS)
            if second + 1 >= _SHOT_S and self._is_ready():
                break
        else:
            raise OSError(116, "the SCD41 stays busy")
        ppm = self._ask(_READ, 3)[0]
        if not 0 < ppm <= _HIGHEST:
            raise ValueError("%d ppm of carbon dioxide cannot be" % ppm)
        return ppm

    def _shoot(self, pascal):
        if pascal is not None:
            hectopascal = (pascal + 50) // 100
            word = bytes((hectopascal >> 8, hectopascal & 0xFF))
            self._i2c.writeto(self._address, _PRESSURE + word + bytes((_crc(word),)))
            time.sleep_ms(_SETTLE_MS)
        self._i2c.writeto(self._address, _SINGLE_SHOT)

    def _is_ready(self):
        try:
            return self._ask(_DATA_READY, 1)[0] & _READY
        except OSError:  # it does not even acknowledge while it measures
            return False

    def _ask(self, command, count):
        self._i2c.writeto(self._address, command)
        time.sleep_ms(_SETTLE_MS)
        data = self._i2c.readfrom(self._address, 3 * count)
        words = []
        for at in range(0, 3 * count, 3):
            if _crc(data[at : at + 2]) != data[at + 2]:
                raise OSError(5, "the SCD41's checksum is wrong")
            words.append(data[at] << 8 | data[at + 1])
        return words


def _crc(word):
    crc = 0xFF
    for byte in word:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x31 if crc & 0x80 else crc << 1) & 0xFF
    return crc
