"""What hangs on a virtual board's pins, soldered by the same drawing as the real one: `hardware/<kind>.toml`.

A driver that uses another pin than the drawing finds nothing there, as in life.
"""

from __future__ import annotations

import struct
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stoep_twin.chips.a02yyuw import A02YYUW, BAUD
from stoep_twin.chips.battery import Battery
from stoep_twin.chips.bme280 import BME280, Words
from stoep_twin.world import Place

_OPEN, _ANY, _READ, _CLOSE = 0, 1, 2, 4
_NO_DEVICE = 19  # ENODEV: nobody acknowledged the address
_RX_DEFAULT = 256
_FASTEST_FRAME_S = 0.002  # real: a board reads its UART in real time, however fast the world turns


class Wiring:
    """The parts around one board. `now()` is Unix seconds of virtual time, `speed` its pace."""

    def __init__(self, drawing: Path, place: Place, now: Callable[[], float], speed: float, seed: int) -> None:
        with drawing.open("rb") as file:
            plan: dict[str, Any] = tomllib.load(file)
        self._pins = {name: int(pin["gpio"]) for name, pin in plan.get("pins", {}).items()}
        parts = plan.get("parts", {})
        self._climate: tuple[int, BME280] | None = None
        self._range: A02YYUW | None = None
        self._battery: Battery | None = None
        if "climate" in parts:
            chip = BME280(lambda: place.climate(now()), now, Words.of_chip(seed))
            self._climate = (int(parts["climate"]["address"]), chip)
        if "range" in parts:
            period = max(0.1, _FASTEST_FRAME_S * speed)
            self._range = A02YYUW(lambda: place.distance_mm(now()), now, seed, period)
        if "battery" in parts:
            divider = int(plan["numbers"]["BATTERY_DIVIDER"])
            self._battery = Battery(lambda: place.battery_volts(now()), divider, seed)
        self._uarts: dict[int, _Uart] = {}
        self._levels: dict[int, int] = {}

    def reset(self, power: bool) -> None:
        """The board starts: pins float, UARTs are closed; with `power` the parts start afresh too."""
        self._uarts.clear()
        self._levels.clear()
        if self._range:
            self._range.power(False)
        if power and self._climate:
            self._climate[1].reset()

    def i2c(self, request: bytes) -> bytes:
        """operation, SDA, SCL, address, register, count, data → errno (0: fine), data."""
        operation, sda, scl, address, register, count = struct.unpack_from("<BBBBBH", request)
        wired = self._climate is not None and (sda, scl) == (self._pins["I2C_SDA"], self._pins["I2C_SCL"])
        if operation == 0:
            return bytes((0, self._climate[0])) if wired and self._climate else b"\x00"
        if not wired or self._climate is None or address != self._climate[0]:
            return bytes((_NO_DEVICE,))
        chip = self._climate[1]
        if operation == 1:
            return b"\x00" + chip.read(register, count)
        chip.write(register, request[7:])
        return b"\x00"

    def pin(self, request: bytes) -> bytes | None:
        """(0, pin, level) sets, (1, pin) reads."""
        if request[0] == 1:
            return bytes((self._levels.get(request[1], 0),))
        self._levels[request[1]] = request[2]
        if self._range and request[1] == self._pins["RANGE_POWER"]:
            self._range.power(bool(request[2]))
        return None

    def adc(self, request: bytes) -> bytes:
        """pin, attenuation → µV."""
        wired = self._battery is not None and request[0] == self._pins["BATTERY_ADC"]
        return struct.pack("<i", self._battery.read_uv(request[1]) if wired and self._battery else 0)

    def uart(self, request: bytes) -> bytes | None:
        """operation, UART, arguments: 0 opens, 1 any, 2 reads, 3 writes, 4 closes."""
        operation, number = request[0], request[1]
        if operation == _OPEN:
            baud, rx, _, ring = struct.unpack_from("<IBBH", request, 2)
            self._uarts[number] = _Uart(baud, rx, ring or _RX_DEFAULT)
            return None
        if operation == _CLOSE:
            self._uarts.pop(number, None)
            return None
        uart = self._uarts.get(number)
        if uart is not None and self._range is not None and uart.rx == self._pins["RANGE_RX"]:
            uart.take(self._range.sent(uart.ring))
        if operation == _ANY:
            return struct.pack("<H", len(uart.waiting) if uart else 0)
        if operation == _READ:
            return uart.give(struct.unpack_from("<H", request, 2)[0]) if uart else b""
        return None


class _Uart:
    """A receiver with a ring of its own: what does not fit is lost, what comes at another baud rate is garbage."""

    def __init__(self, baud: int, rx: int, ring: int) -> None:
        self.baud = baud
        self.rx = rx
        self.ring = ring
        self.waiting = bytearray()

    def take(self, data: bytes) -> None:
        if self.baud != BAUD:
            data = bytes(byte ^ 0x5A for byte in data)
        self.waiting += data[: max(0, self.ring - len(self.waiting))]

    def give(self, count: int) -> bytes:
        given = bytes(self.waiting[:count])
        del self.waiting[:count]
        return given
