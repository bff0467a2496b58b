"""ST VL53L1X from the I2C side, as far as ST's Ultra Lite Driver (UM2510) shows what its registers do.

It boots for 1.2 ms; started, it ranges once in a timing budget, says so on its data-ready bit until that is cleared,
and goes on.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from stoep_twin.chips.chip import Chip

_POLARITY, _READY, _BUDGET_A, _CLEAR, _MODE = 0x30, 0x31, 0x5E, 0x86, 0x87
_STATUS, _DISTANCE, _BOOTED, _MODEL = 0x89, 0x96, 0xE5, 0x10F
_BOOT_S = 0.0012
_BUDGETS_S = {  # by the two bytes at 0x5E: short and long mode
    0x001D: 0.015, 0x0051: 0.020, 0x00D6: 0.033, 0x01AE: 0.050, 0x02E1: 0.100, 0x03E1: 0.200, 0x0591: 0.500,
    0x001E: 0.020, 0x0060: 0.033, 0x00AD: 0.050, 0x01CC: 0.100, 0x02D9: 0.200, 0x048F: 0.500,
}  # fmt: skip
_FARTHEST_MM, _NEAREST_MM = 4000, 40
_OK, _NO_SIGNAL, _NEAR = 9, 4, 8
_NOISE_MM = 3.0


class VL53L1X(Chip):
    """`truth()` is the distance in mm, `now()` seconds of the chip's time."""

    def __init__(self, truth: Callable[[], float], now: Callable[[], float], seed: int) -> None:
        self._truth = truth
        self._now = now
        self._chance = random.Random(seed)
        self.reset()

    def reset(self) -> None:
        self._registers = bytearray(0x200)
        self._registers[_POLARITY] = 0x11
        self._registers[_MODEL : _MODEL + 3] = b"\xea\xcc\x10"
        self._registers[0x4B] = 0x0A
        self._booted = self._now() + _BOOT_S
        self._at = 0
        self._next: float | None = None  # when the ranging under way is done
        self._is_ready = False

    def write(self, data: bytes) -> bool:
        if self._now() < self._booted:
            return False
        self._look()
        if data:
            self._at = int.from_bytes(data[:2], "big") & 0x1FF
            for byte in data[2:]:
                self._put(self._at, byte)
                self._at = self._at + 1 & 0x1FF
        return True

    def read(self, count: int) -> bytes | None:
        if self._now() < self._booted:
            return None
        self._look()
        self._registers[_BOOTED] = 3
        active_low = self._registers[_POLARITY] >> 4 & 1
        self._registers[_READY] = self._registers[_READY] & 0xFE | (self._is_ready != bool(active_low))
        return bytes(self._registers[self._at : self._at + count])

    def _put(self, register: int, byte: int) -> None:
        if _STATUS <= register <= _MODEL + 2:
            return
        self._registers[register] = byte
        if register == _CLEAR and byte & 1:
            self._is_ready = False
        if register == _MODE:
            self._next = self._now() + self._budget() if byte & 0x40 else None

    def _budget(self) -> float:
        return _BUDGETS_S.get(int.from_bytes(self._registers[_BUDGET_A : _BUDGET_A + 2], "big"), 0.1)

    def _look(self) -> None:
        if self._next is None or self._now() < self._next:
            return
        self._next = self._now() + self._budget()
        truth = self._truth()
        status = _NEAR if truth < _NEAREST_MM else _NO_SIGNAL if truth > _FARTHEST_MM else _OK
        seen = max(0, round(truth + self._chance.gauss(0, _NOISE_MM))) if status == _OK else 0
        self._registers[_STATUS] = status
        self._registers[_DISTANCE : _DISTANCE + 2] = seen.to_bytes(2, "big")
        self._is_ready = True
