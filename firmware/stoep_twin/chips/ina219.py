"""Texas Instruments INA219 as its datasheet (SBOS448G, sections 8.3 to 8.6) describes it, from the I2C side."""

from __future__ import annotations

from collections.abc import Callable

from stoep_twin.chips.chip import Chip

_CONFIG, _SHUNT, _BUS, _POWER, _CURRENT, _CALIBRATION = range(6)
_RESET, _AFTER_RESET = 0x8000, 0x399F
_GAINS_UV = (40_000, 80_000, 160_000, 320_000)  # full scale by PG
_WIDE, _BUS_FULL_MV = 0x2000, (16_000, 32_000)
_PLAIN_S = (84e-6, 148e-6, 276e-6, 532e-6)  # by ADC bits 0 and 1: nine to twelve bits
_AVERAGES = 8  # this bit set: 2^n samples of twelve bits
_SHUNT_ON, _BUS_ON, _CONTINUOUS = 1, 2, 4
_READY, _OVERFLOW = 2, 1
_HALF = 0x8000  # of what a register holds


class INA219(Chip):
    """`truth()` is (volts at the load, amperes through the shunt), `now()` seconds of the chip's time."""

    def __init__(self, truth: Callable[[], tuple[float, float]], now: Callable[[], float], milliohm: int = 100) -> None:
        self._truth = truth
        self._now = now
        self._milliohm = milliohm
        self.reset()

    def reset(self) -> None:
        self._registers = [_AFTER_RESET, 0, 0, 0, 0, 0]
        self._at = 0
        self._ready = self._overflow = False
        self._done: float | None = self._now() + self._takes()

    def write(self, data: bytes) -> bool:
        if data:
            self._at = data[0]
        if len(data) > 2:  # noqa: PLR2004 (a pointer and a word)
            self._put(self._at, data[1] << 8 | data[2])
        return True

    def read(self, count: int) -> bytes | None:
        self._look()
        word = self._registers[self._at] if self._at <= _CALIBRATION else 0xFFFF
        if self._at == _BUS:
            word |= (_READY if self._ready else 0) | (_OVERFLOW if self._overflow else 0)
        if self._at == _POWER:
            self._ready = False
        return (word.to_bytes(2, "big") * count)[:count]

    def _put(self, register: int, word: int) -> None:
        self._look()
        if register == _CONFIG and word & _RESET:
            self.reset()
        elif register == _CONFIG:
            self._registers[_CONFIG] = word
            self._ready = False
            self._done = self._now() + self._takes() if word & 3 else None
        elif register == _CALIBRATION:
            self._registers[_CALIBRATION] = word & 0xFFFE

    def _takes(self) -> float:
        config = self._registers[_CONFIG]
        bus = self._one(config >> 7 & 15) if config & _BUS_ON else 0.0
        return bus + (self._one(config >> 3 & 15) if config & _SHUNT_ON else 0.0)

    def _one(self, bits: int) -> float:
        return _PLAIN_S[3] * 2 ** (bits & 7) if bits & _AVERAGES else _PLAIN_S[bits & 3]

    def _look(self) -> None:
        if self._done is None or self._now() < self._done:
            return
        config = self._registers[_CONFIG]
        volts, amperes = self._truth()
        if config & _SHUNT_ON:
            most = _GAINS_UV[config >> 11 & 3]
            microvolts = max(-most, min(most, amperes * self._milliohm * 1000))
            self._registers[_SHUNT] = round(microvolts / 10) & 0xFFFF
        if config & _BUS_ON:
            full = _BUS_FULL_MV[1 if config & _WIDE else 0]
            self._registers[_BUS] = min(round(volts * 250), full // 4) << 3
        self._multiply()
        self._ready = True
        self._done = self._now() + self._takes() if config & _CONTINUOUS else None

    def _multiply(self) -> None:
        shunt = self._registers[_SHUNT]
        shunt -= 0x10000 if shunt & 0x8000 else 0
        current = shunt * self._registers[_CALIBRATION] // 4096
        power = abs(current) * (self._registers[_BUS] >> 3) // 5000
        self._overflow = not -_HALF <= current < _HALF or power >= 2 * _HALF
        self._registers[_CURRENT], self._registers[_POWER] = current & 0xFFFF, power & 0xFFFF
