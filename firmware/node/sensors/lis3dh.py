"""ST LIS3DH: acceleration, and an output that stays high once something has moved.

Registers from the datasheet DocID17530, sections 3.2 and 8; wake-up with the high-pass filter and the self-test from
the application note AN3308. At ±2 g a left-justified word is 16 to the mg in every mode (datasheet, table 4).
"""

import struct
import time

from micropython import const

_WHO_AM_I = const(0x0F)
_CTRL_1 = const(0x20)
_CTRL_4 = const(0x23)
_REFERENCE = const(0x26)
_STATUS = const(0x27)
_OUT = const(0xA8)  # 0x28, and the address counts up
_INT1_CFG = const(0x30)
_INT1_SRC = const(0x31)
_CHIP = const(0x33)
_MEASURE = const(0x57)  # 100 Hz, normal mode (10 bits), all axes
_SETTLE = const(0x5F)  # 100 Hz, low power (8 bits)
_WATCH = const(0x2F)  # 10 Hz, low power
_STEADY = const(0x80)  # both bytes of a word from one sample; ±2 g
_TESTING = const(0x82)  # and the self-test's force on
_NEW = const(0x08)
_ACTIVE = const(0x40)
_MOVING = const(0x2A)  # any axis above the threshold
# 0x21 on: filter for INT1 only, from 0.08 Hz at 10 Hz; INT1 shows generator 1; as _STEADY; INT1 stays; high is active.
_LATCHING = const(b"\x11\x40\x80\x08\x00")
_FOLLOWING = const(b"\x11\x40\x80\x00\x00")
_TO_FOLLOW = const(0x80)
_CTRL_2 = const(0x21)
_INT1_THS = const(0x32)
_THRESHOLD = const(b"\x10\x00")  # 256 mg, no longer than a sample
_SHOTS = const(5)
_LONGEST_MS = const(300)  # for one sample; at 10 Hz there is one in 100 ms
_PAUSE_MS = const(5)
_SETTLING = const(9)  # samples: AN3308 waits 90 ms
_WEAKEST = const(68)  # mg: 17 to 360 digits of 4 mg
_STRONGEST = const(1440)
_LEAST = const(250_000)  # 500 mg and 1,500 mg, squared
_MOST = const(2_250_000)
_TURNS = const((4500, 2657, 1404, 713, 358, 179, 90, 45, 22))  # arctan of 1, 1/2, 1/4 and so on, in 0.01°


class LIS3DH:
    """The chip at `address` on `i2c`. Nothing is sent at construction."""

    def __init__(self, i2c, address):
        self._i2c = i2c
        self._address = address

    def check(self):
        """Its identity and its self-test; best before `arm`. Returns a text, raises OSError or ValueError."""
        chip = self._get(_WHO_AM_I)
        if chip != _CHIP:
            raise ValueError("chip id 0x%02x is no LIS3DH" % chip)
        before = self._get(_CTRL_1)
        try:
            rest = self._median(_STEADY, _SETTLING)
            pushed = self._median(_TESTING, _SETTLING)
        finally:
            self._put(_CTRL_4, _STEADY)
            self._put(_CTRL_1, before)
        moved = [abs(pushed[axis] - rest[axis]) for axis in range(3)]
        if min(moved) < _WEAKEST or max(moved) > _STRONGEST:
            raise ValueError("the LIS3DH's self-test moved it by %d, %d, %d mg" % tuple(moved))
        return "LIS3DH, self-test %d, %d, %d mg" % tuple(moved)

    def read(self):
        """(x, y, z) in mg, each the median of several samples; then it watches on if it did.

        Raises OSError when the chip is absent or late, ValueError when that is no gravity.
        """
        before = self._get(_CTRL_1)
        try:
            x, y, z = self._median(_STEADY, 1)
        finally:
            self._put(_CTRL_1, before)
        if not _LEAST <= x * x + y * y + z * z <= _MOST:
            raise ValueError("%d, %d, %d mg: that is not gravity" % (x, y, z))
        return x, y, z

    def tilt(self, upright=(0, 0, 1)):
        """Whole degrees between what is up now and what `upright` (x, y, z in any unit) says is; raises as `read`."""
        return angle(self.read(), upright)

    def is_armed(self):
        """Whether it watches; after a power-off it does not."""
        return self._get(_CTRL_1) == _WATCH

    def arm(self, latched=True):
        """From now on a knock or a quick tilt sets INT1. Draws about 3 µA.

        INT1 stays so until `source` is read; not `latched`, until there is calm.
        """
        self._put(_INT1_CFG, 0)
        self._i2c.writeto_mem(self._address, _CTRL_2 | _TO_FOLLOW, _LATCHING if latched else _FOLLOWING)
        self._i2c.writeto_mem(self._address, _INT1_THS | _TO_FOLLOW, _THRESHOLD)
        self._put(_CTRL_1, _SETTLE)
        self._sample()  # perhaps of an earlier life
        self._sample()
        self._get(_REFERENCE)  # the filter takes what it feels now for rest
        self._put(_CTRL_1, _WATCH)
        self._put(_INT1_CFG, _MOVING)
        self._get(_INT1_SRC)

    def source(self):
        """What set INT1: bits 1, 3 and 5 for x, y and z; 0: nothing did. INT1 is low after it."""
        source = self._get(_INT1_SRC)
        return source & _MOVING if source & _ACTIVE else 0

    def _get(self, register):
        return self._i2c.readfrom_mem(self._address, register, 1)[0]

    def _put(self, register, value):
        self._i2c.writeto_mem(self._address, register, bytes((value,)))

    def _median(self, control, skipped):
        self._put(_CTRL_4, control)
        self._put(_CTRL_1, _MEASURE)
        for _ in range(skipped):
            self._sample()
        shots = [self._sample() for _ in range(_SHOTS)]
        return [sorted([shot[axis] for shot in shots])[_SHOTS // 2] for axis in range(3)]

    def _sample(self):
        started = time.ticks_ms()
        while not self._get(_STATUS) & _NEW:
            if time.ticks_diff(time.ticks_ms(), started) > _LONGEST_MS:
                raise OSError(116, "the LIS3DH has no new sample")
            time.sleep_ms(_PAUSE_MS)
        return [word >> 4 for word in struct.unpack("<hhh", self._i2c.readfrom_mem(self._address, _OUT, 6))]


def angle(one, other):
    """Whole degrees, 0 to 180, between two vectors of integers: arctangent of cross over dot product, by CORDIC."""
    x, y, z = one
    a, b, c = other
    along = x * a + y * b + z * c
    p, q, r = y * c - z * b, z * a - x * c, x * b - y * a
    across = _root(p * p + q * q + r * r) << 8
    near = abs(along) << 8
    turned = 0
    for halvings, step in enumerate(_TURNS):
        if across > 0:
            near, across, turned = near + (across >> halvings), across - (near >> halvings), turned + step
        else:
            near, across, turned = near - (across >> halvings), across + (near >> halvings), turned - step
    degrees = max(turned + 50, 0) // 100
    return 180 - degrees if along < 0 else degrees


def _root(square):
    root = max(square, 1)
    while root * root > square > 0:
        root = (root + square // root) >> 1
    return root if square else 0
