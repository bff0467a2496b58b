"""Sensirion SCD41 as its datasheet (version 1.4, section 3) describes it, from the I2C side.

Sixteen-bit commands; words of two bytes with a CRC-8 each. While it works on a command it acknowledges nothing.
"""

from __future__ import annotations

import enum
import random
import struct
from collections.abc import Callable

from stoep_twin.chips.chip import Chip


class Command(enum.IntEnum):
    """Table 9."""

    START = 0x21B1
    START_SLOW = 0x21AC
    READ = 0xEC05
    STOP = 0x3F86
    SET_PRESSURE = 0xE000
    SET_OFFSET = 0x241D
    GET_OFFSET = 0x2318
    SET_ALTITUDE = 0x2427
    GET_ALTITUDE = 0x2322
    SET_CALIBRATES = 0x2416
    GET_CALIBRATES = 0x2313
    IS_READY = 0xE4B8
    PERSIST = 0x3615
    SERIAL = 0x3682
    TEST = 0x3639
    FACTORY = 0x3632
    AGAIN = 0x3646
    SHOT = 0x219D
    SHOT_DRY = 0x2196
    SLEEP = 0x36E0
    WAKE = 0x36F6


_QUICK_S = 0.001
_BUSY_S: dict[int, float] = {  # where it takes longer
    Command.START: 0.0,
    Command.START_SLOW: 0.0,
    Command.STOP: 0.5,
    Command.PERSIST: 0.8,
    Command.TEST: 10.0,
    Command.FACTORY: 1.2,
    Command.AGAIN: 0.03,
    Command.SHOT: 5.0,
    Command.SHOT_DRY: 0.05,
    Command.WAKE: 0.03,
}
_COMMANDS = frozenset(Command)
_WHILE_MEASURING = {Command.START, Command.READ, Command.STOP, Command.SET_PRESSURE, Command.IS_READY}
_KEPT: dict[int, str] = {  # where the argument goes, or comes from
    Command.SET_PRESSURE: "_pressure",
    Command.SET_OFFSET: "_offset",
    Command.GET_OFFSET: "_offset",
    Command.SET_ALTITUDE: "_altitude",
    Command.GET_ALTITUDE: "_altitude",
    Command.SET_CALIBRATES: "_calibrates",
    Command.GET_CALIBRATES: "_calibrates",
}
_COMMAND, _WITH_ARGUMENT = 2, 5  # bytes
_NOT_READY, _READY = 0x8000, 0x8006
_PERIOD_S, _SLOW_PERIOD_S = 5.0, 30.0


def crc8(word: bytes) -> int:
    """Section 3.12: polynomial 0x31, begun with 0xFF."""
    crc = 0xFF
    for byte in word:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x31 if crc & 0x80 else crc << 1) & 0xFF
    return crc


def _words(*values: int) -> bytes:
    out = b""
    for value in values:
        word = struct.pack(">H", value)
        out += word + bytes((crc8(word),))
    return out


class SCD41(Chip):
    """`truth()` is (CO₂ in ppm, °C, % humidity) around it, `now()` seconds of the chip's time."""

    def __init__(self, truth: Callable[[], tuple[float, float, float]], now: Callable[[], float], seed: int) -> None:
        self._truth = truth
        self._now = now
        self._seed = seed
        self._chance = random.Random(seed)
        self.reset()

    def reset(self) -> None:
        self._pressure = 1013
        self._offset = round(4 * 65535 / 175)
        self._altitude = 0
        self._calibrates = 1
        self._sleeps = False
        self._begin: float | None = None  # of a periodic measurement
        self._period = _PERIOD_S
        self._taken = 0  # periodic measurements read or replaced
        self._result: bytes | None = None
        self._due: float | None = None  # when a single shot is done
        self._answer: bytes | None = None
        self._busy_until = self._now() + 1.0  # table 6: power-up

    def write(self, data: bytes) -> bool:
        now = self._now()
        if now < self._busy_until:
            return False
        if len(data) < _COMMAND:
            return not self._sleeps
        command: int = struct.unpack(">H", data[:2])[0]
        if self._sleeps:
            if command == Command.WAKE:  # not acknowledged (section 3.10.4)
                self._sleeps = False
                self._busy_until = now + _BUSY_S.get(command, _QUICK_S)
            return False
        if command not in _COMMANDS or (self._begin is not None and command not in _WHILE_MEASURING):
            return False
        argument = None
        if len(data) == _WITH_ARGUMENT:
            if crc8(data[2:4]) != data[4]:
                return False
            argument = struct.unpack(">H", data[2:4])[0]
        self._look(now)
        self._busy_until = now + _BUSY_S.get(command, _QUICK_S)
        self._answer = self._obey(command, argument, now)
        return True

    def read(self, count: int) -> bytes | None:
        if self._now() < self._busy_until or self._answer is None:
            return None
        answer, self._answer = self._answer, None
        return (answer + b"\xff" * count)[:count]

    def _look(self, now: float) -> None:
        if self._due is not None and now >= self._due:
            self._due = None
            self._result = self._measure()
        if self._begin is not None and (done := int((now - self._begin) / self._period)) > self._taken:
            self._taken = done
            self._result = self._measure()

    def _measure(self) -> bytes:
        ppm, celsius, percent = self._truth()
        seen = max(0, min(40000, round(ppm + self._chance.gauss(0, 1.5))))
        return _words(seen, round((celsius + 45) / 175 * 65535), round(percent / 100 * 65535))

    def _obey(self, command: int, argument: int | None, now: float) -> bytes | None:
        if command in (Command.START, Command.START_SLOW):
            self._begin, self._taken, self._result = now, 0, None
            self._period = _PERIOD_S if command == Command.START else _SLOW_PERIOD_S
        elif command == Command.STOP:
            self._begin = None
        elif command in (Command.SHOT, Command.SHOT_DRY):
            self._due = now + _BUSY_S.get(command, _QUICK_S)
            self._result = None
        elif command == Command.SLEEP:
            self._sleeps = True
        elif command in (Command.AGAIN, Command.FACTORY):
            self.reset()
            self._busy_until = now + _BUSY_S.get(command, _QUICK_S)
        else:
            return self._tell(command, argument)
        return None

    def _tell(self, command: int, argument: int | None) -> bytes | None:
        if command == Command.READ:
            result, self._result = self._result, None
            return result
        if command == Command.IS_READY:
            return _words(_READY if self._result else _NOT_READY)
        if command == Command.SERIAL:
            return _words(0xF896, self._seed & 0xFFFF, 0x3BE1)
        if command == Command.TEST:
            return _words(0)
        kept = _KEPT.get(command)
        if kept is None:
            return None
        if argument is not None:
            setattr(self, kept, argument)
            return None
        return _words(getattr(self, kept))
