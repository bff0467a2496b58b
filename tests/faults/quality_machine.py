"""`machine`, as far as the firmware's drivers use it: each call is what a virtual board asks its wiring."""

import struct
from types import ModuleType
from typing import ClassVar

from stoep_twin.wiring import Wiring


class Hands:
    """The street's clock, and the wiring of the board that is awake."""

    now = 0.0
    wiring: Wiring

    def sleep_ms(self, milliseconds: int) -> None:
        self.now += milliseconds / 1000

    def ticks_ms(self) -> int:
        return int(self.now * 1000)


class _Wired:
    hands: ClassVar[Hands]  # of the only street


class Pin(_Wired):
    IN, OUT, PULL_UP = 1, 3, 2

    def __init__(self, number: int, _mode: int = -1, *, value: int | None = None) -> None:
        self.number = number
        if value is not None:
            self.value(value)

    def value(self, level: int | None = None) -> int | None:
        if level is None:
            return int(self.hands.wiring.level(self.number))
        self.hands.wiring.pin(bytes((0, self.number, level)))
        return None


class I2C(_Wired):
    def __init__(self, _bus: int, *, scl: Pin, sda: Pin, freq: int) -> None:
        assert freq <= 400_000
        self._wires = bytes((1, sda.number, scl.number))

    def _ask(self, address: int, data: bytes, count: int) -> bytes:
        said = self.hands.wiring.i2c(self._wires + struct.pack("<BH", address, count) + bytes(data))
        if said[0]:
            raise OSError(said[0])
        return said[1:]

    def readfrom(self, address: int, count: int) -> bytes:
        return self._ask(address, b"", count)

    def writeto(self, address: int, data: bytes) -> None:
        self._ask(address, data, 0)

    def readfrom_mem(self, address: int, register: int, count: int, *, addrsize: int = 8) -> bytes:
        return self._ask(address, register.to_bytes(addrsize // 8, "big"), count)

    def writeto_mem(self, address: int, register: int, data: bytes, *, addrsize: int = 8) -> None:
        self._ask(address, register.to_bytes(addrsize // 8, "big") + bytes(data), 0)


class UART(_Wired):
    def __init__(self, number: int, *, baudrate: int, tx: int, rx: int) -> None:
        self._number = number
        self.hands.wiring.uart(bytes((0, number)) + struct.pack("<IBBH", baudrate, rx, tx, 0))

    def any(self) -> int:
        waiting: int = struct.unpack("<H", self.hands.wiring.uart(bytes((1, self._number))) or bytes(2))[0]
        return waiting

    def read(self, count: int) -> bytes | None:
        return self.hands.wiring.uart(bytes((2, self._number)) + struct.pack("<H", count))

    def write(self, data: bytes) -> None:
        self.hands.wiring.uart(bytes((3, self._number)) + bytes(data))


class ADC(_Wired):
    ATTN_11DB = 3

    def __init__(self, pin: Pin, *, atten: int) -> None:
        self._request = bytes((pin.number, atten))

    def read_uv(self) -> int:
        microvolts: int = struct.unpack("<i", self.hands.wiring.adc(self._request))[0]
        return microvolts


def machine(hands: Hands) -> ModuleType:
    _Wired.hands = hands
    module = ModuleType("machine")
    for known in (Pin, I2C, UART, ADC):
        setattr(module, known.__name__, known)
    return module
