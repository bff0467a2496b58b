"""ST VL53L1X: distance by the flight of light, 40 mm to 4,000 mm.

ST publishes its registers only through its Ultra Lite Driver (UM2510, STSW-IMG009): the values at 0x2D to 0x87 that it
starts from, start and stop, status and distance. Registers have addresses of sixteen bits.
"""

import struct
import time

from micropython import const

from node.sensors.shots import judge

_VHV = const(0x0008)
_TWO_POINT = const(0x000B)
_DEFAULTS_AT = const(0x002D)
_READY = const(0x0031)  # bit 0; the defaults make it high
_CLEAR = const(0x0086)
_MODE = const(0x0087)
_STATUS = const(0x0089)
_DISTANCE = const(0x0096)
_BOOTED = const(0x00E5)
_MODEL = const(0x010F)
_IS = const(b"\xea\xcc")
_START, _STOP = b"\x40", b"\x00"
_DEFAULTS = const(
    b"\x00\x00\x00\x01\x02\x00\x02\x08\x00\x08\x10\x01\x01\x00\x00\x00\x00\xff\x00\x0f\x00\x00\x00\x00\x00\x20\x0b\x00"
    b"\x00\x02\x0a\x21\x00\x00\x05\x00\x00\x00\x00\xc8\x00\x00\x38\xff\x01\x00\x08\x00\x00\x01\xcc\x0f\x01\xf1\x0d\x01"
    b"\x68\x00\x80\x08\xb8\x00\x00\x00\x00\x0f\x89\x00\x00\x00\x00\x00\x00\x00\x01\x0f\x0d\x0e\x0e\x00\x00\x02\xc7\xff"
    b"\x9b\x00\x00\x00\x01\x00\x00"
)
_OK = const(9)
_NO_SIGNAL = const(4)
_PHASE = const(5)
_NEAR = const(8)
_WRAPPED = const(7)
_NEAREST = const(40)
_FARTHEST = const(4000)
_SHOTS = const(5)
_LONGEST_MS = const(400)  # for one shot; ranging takes 100 ms
_BOOT_MS = const(100)


class VL53L1X:
    """The chip at `address` on `i2c`. Nothing is sent before `read`."""

    def __init__(self, i2c, address):
        self._i2c = i2c
        self._address = address

    def check(self):
        """Its identity. Raises OSError when it is absent, ValueError when it is another chip."""
        model = self._get(_MODEL, 2)
        if model != _IS:
            raise ValueError("model %02x%02x is no VL53L1X" % (model[0], model[1]))
        return "VL53L1X"

    def read(self):
        """The median distance of several shots, in mm; not ranging any more when it returns.

        Raises OSError when the chip is absent or late, ValueError when nothing plausible came back: blocked by what is
        nearer than it can see, or no echo.
        """
        self.check()
        self._wait(_BOOTED, 1, _BOOT_MS)
        self._put(_DEFAULTS_AT, _DEFAULTS)
        self._put(_VHV, b"\x09")
        self._put(_TWO_POINT, b"\x00")
        self._put(_CLEAR, b"\x01")
        self._put(_MODE, _START)
        try:
            self._shot()  # the first calibrates
            shots = [self._shot() for _ in range(_SHOTS)]
        finally:
            self._put(_MODE, _STOP)
        good = [mm for status, mm in shots if status == _OK and _NEAREST <= mm <= _FARTHEST]
        near = [1 for status, mm in shots if status == _NEAR or (status == _OK and mm < _NEAREST)]
        silent = [1 for status, _ in shots if status in (_NO_SIGNAL, _PHASE, _WRAPPED)]
        found = judge(good, len(near), len(silent), _NEAREST)
        if found is None:
            raise ValueError("no shot is sure: " + " ".join(["%d/%d" % shot for shot in shots]))
        return found

    def _shot(self):
        # (status, mm) of the next ranging.
        self._wait(_READY, 1, _LONGEST_MS)
        status = self._get(_STATUS, 1)[0] & 0x1F
        distance = struct.unpack(">H", self._get(_DISTANCE, 2))[0]
        self._put(_CLEAR, b"\x01")
        return status, distance

    def _wait(self, register, bit, longest):
        started = time.ticks_ms()
        while not self._get(register, 1)[0] & bit:
            if time.ticks_diff(time.ticks_ms(), started) > longest:
                raise OSError(116, "the VL53L1X stays busy")
            time.sleep_ms(5)

    def _get(self, register, count):
        return self._i2c.readfrom_mem(self._address, register, count, addrsize=16)

    def _put(self, register, data):
        self._i2c.writeto_mem(self._address, register, data, addrsize=16)
