"""A board that only measures: the firmware's own sensing code, unmodified, in this interpreter, on the twin's chips.

What it is given in the place of MicroPython's modules ends in the twin's wiring, as it does on a virtual board; a wait
turns the street's clock on at once. Not in here: radio, flash, sleep, the lamp, the lid.
"""

import importlib
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from stoep.resources import firmware_dir, hardware_dir
from stoep_twin.wiring import Wiring
from stoep_twin.world.place import Place

_SENSORS = 8
_DRIVERS = ("a02yyuw", "bme280", "lis3dh", "pir", "pms5003", "scd41", "shots", "voltage", "vl53l1x")
_KINDS = {"bin": "Bin", "bench": "Bench", "lamppost": "Lamppost"}


class Hands:
    """The street's clock, and the wiring of the board that is awake."""

    now = 0.0
    wiring: Wiring

    def sleep_ms(self, milliseconds: int) -> None:
        self.now += milliseconds / 1000

    def ticks_ms(self) -> int:
        return int(self.now * 1000)


class Board:
    """One node. `wiring.felt` is what can be made of its surroundings."""

    def __init__(self, hands: Hands, kind: str, place: Place, seed: int) -> None:
        place.acceleration = lambda _at: (0.0, 0.0, 1.0)  # type: ignore[method-assign] # the lid is not looked at
        self.wiring = Wiring(hardware_dir() / f"{kind}.toml", place, lambda: hands.now, 1.0, seed)
        self.place = place
        self._hands = hands
        self._kind = kind
        counted = ("failures", "failing", "value", "alike")
        self._memory = SimpleNamespace(**{name: [0] * _SENSORS for name in counted}, moves=0, held_high=0, raised=0)

    def sample(self, firmware: "Firmware") -> dict[int, int]:
        """One wake's readings: {channel: counts}."""
        self._hands.wiring = self.wiring
        counts: dict[int, int] = firmware.kind(self._kind, self._memory).sample()
        return counts


class Firmware:
    """The firmware's modules, imported. `with Firmware.of(hands) as firmware`: only one at a time."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._settings = SimpleNamespace(fill_sensor=0, empty_mm=1200, full_mm=200, battery_permille=1000)

    @classmethod
    @contextmanager
    def of(cls, hands: Hands, root: Path | None = None) -> Iterator["Firmware"]:
        before, path = dict(sys.modules), list(sys.path)
        sys.modules.update({"machine": _machine(hands), "micropython": _micropython()})
        sys.path.insert(0, str(root or firmware_dir()))
        for name in [name for name in sys.modules if name == "node" or name.startswith("node.")]:
            del sys.modules[name]
        try:
            importlib.import_module("node.staging").forget = lambda *_names: None  # type: ignore[attr-defined]
            clock = SimpleNamespace(
                time=lambda: hands.now,
                sleep_ms=hands.sleep_ms,
                ticks_ms=hands.ticks_ms,
                ticks_diff=lambda one, other: one - other,
            )
            for module in ("clock", *(f"sensors.{driver}" for driver in _DRIVERS)):
                loaded = importlib.import_module(f"node.{module}")
                loaded.time, loaded.struct = clock, _STRUCT  # type: ignore[attr-defined]
            importlib.import_module("node.health").print = _silent  # type: ignore[attr-defined]
            yield cls(hands)
        finally:
            for name in sys.modules.keys() - before.keys():
                del sys.modules[name]
            sys.modules.update(before)
            sys.path[:] = path

    def kind(self, kind: str, memory: Any) -> Any:
        made = getattr(importlib.import_module(f"node.kinds.{kind}"), _KINDS[kind])
        if kind == "lamppost":
            used = SimpleNamespace(take=lambda: (0, 0), check=lambda: None, news=[])
            return made(memory, SimpleNamespace(pause=self._hands.sleep_ms, consumption=used))
        return made(self._settings, memory)


def _unpack(form: str, data: bytes) -> tuple[int, ...]:
    """MicroPython takes no offence at bytes beyond the form's."""
    return struct.unpack_from(form, data)


_STRUCT = SimpleNamespace(unpack=_unpack, unpack_from=struct.unpack_from, pack=struct.pack)


def _silent(*_words: Any, **_options: Any) -> None:
    return None


def _micropython() -> ModuleType:
    module = ModuleType("micropython")
    module.const = lambda value: value  # type: ignore[attr-defined]
    return module


def _machine(hands: Hands) -> ModuleType:
    """`machine`, as far as the drivers use it: each call is the request that a virtual board sends its wiring."""

    class Pin:
        IN, OUT, PULL_UP = 1, 3, 2

        def __init__(self, number: int, _mode: int = -1, *, value: int | None = None) -> None:
            self.number = number
            if value is not None:
                self.value(value)

        def value(self, level: int | None = None) -> int | None:
            if level is None:
                return int(hands.wiring.level(self.number))
            hands.wiring.pin(bytes((0, self.number, level)))
            return None

    class I2C:
        def __init__(self, _bus: int, *, scl: Pin, sda: Pin, freq: int) -> None:
            self._wires = bytes((1, sda.number, scl.number))

        def _ask(self, address: int, data: bytes, count: int) -> bytes:
            said = hands.wiring.i2c(self._wires + struct.pack("<BH", address, count) + bytes(data))
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

    class UART:
        def __init__(self, number: int, *, baudrate: int, tx: int, rx: int) -> None:
            self._number = number
            hands.wiring.uart(bytes((0, number)) + struct.pack("<IBBH", baudrate, rx, tx, 0))

        def any(self) -> int:
            waiting: int = struct.unpack("<H", hands.wiring.uart(bytes((1, self._number))) or b"\0\0")[0]
            return waiting

        def read(self, count: int) -> bytes | None:
            return hands.wiring.uart(bytes((2, self._number)) + struct.pack("<H", count))

        def write(self, data: bytes) -> None:
            hands.wiring.uart(bytes((3, self._number)) + bytes(data))

    class ADC:
        ATTN_11DB = 3

        def __init__(self, pin: Pin, *, atten: int) -> None:
            self._request = bytes((pin.number, atten))

        def read_uv(self) -> int:
            microvolts: int = struct.unpack("<i", hands.wiring.adc(self._request))[0]
            return microvolts

    module = ModuleType("machine")
    for known in (Pin, I2C, UART, ADC):
        setattr(module, known.__name__, known)
    return module
