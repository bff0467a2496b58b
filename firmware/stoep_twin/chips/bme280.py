"""Bosch BME280 at register level, after the datasheet BST-BME280-DS002 (sections 3, 4.2 and 5).

The model knows the truth in physical units and gives what the chip gives: raw ADC values, found by turning the
datasheet's compensation round. Each chip has calibration words of its own.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

from stoep_twin.chips.chip import Chip

CHIP_ID = 0x60
_REG_CALIBRATION_1 = 0x88  # 26 bytes up to 0xA1
_REG_ID = 0xD0
_REG_RESET = 0xE0
_REG_CALIBRATION_2 = 0xE1  # 7 bytes
_REG_CTRL_HUM = 0xF2
_REG_STATUS = 0xF3
_REG_CTRL_MEAS = 0xF4
_REG_CONFIG = 0xF5
_REG_DATA = 0xF7
_RESET_WORD = 0xB6
_MEASURING = 0x08
_IM_UPDATE = 0x01
_STARTUP_S = 0.002
_SLEEP, _NORMAL = 0, 3
_OVERSAMPLING = (0, 1, 2, 4, 8, 16, 16, 16)
_STANDBY_S = (0.0005, 0.0625, 0.125, 0.25, 0.5, 1.0, 0.01, 0.02)
_HIGHEST = 0xFFFFF
_SKIPPED = (0x80000, 0x80000, 0x8000)  # what an unmeasured quantity reads as: pressure, temperature, humidity


@dataclass(frozen=True)
class Climate:
    """The truth around the chip."""

    celsius: float
    pascal: float
    percent: float


@dataclass(frozen=True)
class Words:
    """The calibration words of table 16, T and P in order, then H1 to H6."""

    t: tuple[int, int, int] = (27504, 26435, -1000)
    p: tuple[int, ...] = (36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
    h: tuple[int, int, int, int, int, int] = (75, 362, 0, 313, 50, 30)

    @classmethod
    def of_chip(cls, seed: int) -> Words:
        """The words of one chip: typical ones, moved a little, as production does."""
        chance = random.Random(seed)
        t, p, h = cls.t, cls.p, cls.h
        return cls(
            (t[0] + chance.randint(-400, 400), t[1] + chance.randint(-400, 400), t[2]),
            (p[0] + chance.randint(-500, 500), p[1] + chance.randint(-100, 100), *p[2:]),
            (h[0], h[1] + chance.randint(-12, 12), h[2], h[3] + chance.randint(-10, 10), h[4], h[5]),
        )

    def registers(self) -> tuple[bytes, bytes]:
        """Both blocks as they lie from 0x88 (26 bytes, H1 in the last) and from 0xE1 (7 bytes)."""
        h1, h2, h3, h4, h5, h6 = self.h
        first = struct.pack("<HhhHhhhhhhhhBB", *self.t, *self.p, 0, h1)
        second = struct.pack("<hBbBbb", h2, h3, h4 >> 4, (h5 & 0xF) << 4 | h4 & 0xF, h5 >> 4, h6)
        return first, second

    def celsius_fine(self, raw: float) -> float:
        """The datasheet's t_fine for a raw temperature; °C = t_fine / 5120 (section 8.1)."""
        t1, t2, t3 = self.t
        return (raw / 16384 - t1 / 1024) * t2 + (raw / 131072 - t1 / 8192) ** 2 * t3

    def pascal(self, raw: float, fine: float) -> float:
        """The pressure for a raw value (section 8.1, floating point)."""
        p1, p2, p3, p4, p5, p6, p7, p8, p9 = self.p
        a = fine / 2 - 64000
        b = a * a * p6 / 32768 + a * p5 * 2
        b = b / 4 + p4 * 65536
        a = (1 + (p3 * a * a / 524288 + p2 * a) / 524288 / 32768) * p1
        p = ((1048576 - raw) - b / 4096) * 6250 / a
        return p + (p9 * p * p / 2147483648 + p * p8 / 32768 + p7) / 16

    def percent(self, raw: float, fine: float) -> float:
        """The relative humidity for a raw value (section 8.1, floating point), not yet limited to 0-100."""
        h1, h2, h3, h4, h5, h6 = self.h
        a = fine - 76800
        a = (raw - (h4 * 64 + h5 / 16384 * a)) * (h2 / 65536 * (1 + h6 / 67108864 * a * (1 + h3 / 67108864 * a)))
        return a * (1 - h1 * a / 524288)


def _invert(compensate: Callable[[float], float], truth: float, highest: int) -> int:
    """The raw value whose compensation comes nearest to `truth`; `compensate` is monotone over the chip's range."""
    low, high = 0, highest
    rising = compensate(high) > compensate(low)
    while high - low > 1:
        middle = (low + high) // 2
        if (compensate(middle) < truth) == rising:
            low = middle
        else:
            high = middle
    return low if abs(compensate(low) - truth) <= abs(compensate(high) - truth) else high


class BME280(Chip):
    """One chip: `truth()` is the climate around it, `now()` seconds of its own time."""

    def __init__(self, truth: Callable[[], Climate], now: Callable[[], float], words: Words | None = None) -> None:
        self._truth = truth
        self._now = now
        self.words = words or Words()
        self._registers = bytearray(256)
        self._at = 0
        self.reset()

    def reset(self) -> None:
        """Power-on or soft reset: everything as in the memory map's column 'reset state'."""
        first, second = self.words.registers()
        registers = self._registers = bytearray(256)
        registers[_REG_CALIBRATION_1 : _REG_CALIBRATION_1 + 26] = first
        registers[_REG_CALIBRATION_2 : _REG_CALIBRATION_2 + 7] = second
        registers[_REG_ID] = CHIP_ID
        registers[_REG_DATA : _REG_DATA + 8] = bytes((0x80, 0, 0, 0x80, 0, 0, 0x80, 0))
        self._hum_latched = 0
        self._pending: bytes | None = None
        self._done = 0.0
        self._next = 0.0
        self._ready = self._now() + _STARTUP_S

    # -- what the bus sees ---------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> bool:
        """A register's address; a value for it and pairs of register and value may follow (section 6.2.1)."""
        if data:
            self._at = data[0]
        for at in range(0, len(data) - 1, 2):
            self._write(data[at], data[at + 1])
        return True

    def read(self, count: int) -> bytes:
        """A burst; the address counts up."""
        self._advance()
        return bytes(self._registers[(self._at + i) & 0xFF] for i in range(count))

    def _write(self, register: int, value: int) -> None:
        self._advance()
        if register == _REG_RESET:
            if value == _RESET_WORD:
                self.reset()
        elif register == _REG_CTRL_HUM:
            self._registers[_REG_CTRL_HUM] = value & 7
        elif register == _REG_CONFIG:
            self._registers[_REG_CONFIG] = value
        elif register == _REG_CTRL_MEAS:
            self._registers[_REG_CTRL_MEAS] = value
            self._hum_latched = self._registers[_REG_CTRL_HUM]  # takes effect only now (section 5.4.3)
            if value & 3:
                self._begin(self._now())

    # -- measuring -----------------------------------------------------------------------------------------------------

    def _oversampling(self) -> tuple[int, int, int]:
        control = self._registers[_REG_CTRL_MEAS]
        return _OVERSAMPLING[control >> 5], _OVERSAMPLING[control >> 2 & 7], _OVERSAMPLING[self._hum_latched]

    def _begin(self, start: float) -> None:
        t, p, h = self._oversampling()
        # The typical times of section 9.1.
        took = 1 + 2 * t + (2 * p + 0.5 if p else 0) + (2 * h + 0.5 if h else 0)
        self._done = start + took / 1000
        self._pending = self._measure()
        self._registers[_REG_STATUS] |= _MEASURING

    def _measure(self) -> bytes:
        around = self._truth()
        t, p, h = self._oversampling()
        words = self.words
        raw_t = _invert(lambda raw: words.celsius_fine(raw) / 5120, around.celsius, _HIGHEST)
        fine = words.celsius_fine(raw_t)
        raw_p = _invert(lambda raw: words.pascal(raw, fine), around.pascal, _HIGHEST) if p else _SKIPPED[0]
        raw_h = _invert(lambda raw: words.percent(raw, fine), around.percent, 0xFFFF) if h else _SKIPPED[2]
        raw_t = self._resolved(raw_t, t) if t else _SKIPPED[1]
        raw_p = self._resolved(raw_p, p)
        return (raw_p << 4).to_bytes(3, "big") + (raw_t << 4).to_bytes(3, "big") + raw_h.to_bytes(2, "big")

    def _resolved(self, raw: int, oversampling: int) -> int:
        # Without the filter 16 bits at x1 and one more with each doubling, with it 20 (sections 3.4.2 and 3.4.3).
        if self._registers[_REG_CONFIG] >> 2 & 7 or not oversampling:
            return raw
        spare = 21 - 16 - oversampling.bit_length()
        return min(_HIGHEST, raw + (1 << spare >> 1)) >> spare << spare

    def _advance(self) -> None:
        now = self._now()
        registers = self._registers
        registers[_REG_STATUS] &= ~_IM_UPDATE & 0xFF
        if now < self._ready:
            registers[_REG_STATUS] |= _IM_UPDATE
        if self._pending is not None and now >= self._done:
            registers[_REG_DATA : _REG_DATA + 8] = self._pending
            self._pending = None
            registers[_REG_STATUS] &= ~_MEASURING & 0xFF
            if registers[_REG_CTRL_MEAS] & 3 != _NORMAL:
                registers[_REG_CTRL_MEAS] &= ~3 & 0xFF  # forced mode falls back to sleep
            self._next = self._done + _STANDBY_S[registers[_REG_CONFIG] >> 5]
        if self._pending is None and registers[_REG_CTRL_MEAS] & 3 == _NORMAL and now >= self._next:
            self._begin(now)
