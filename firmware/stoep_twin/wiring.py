"""What hangs on a virtual board's pins, soldered by the same drawing as the real one: `hardware/<kind>.toml`.

A driver that uses another pin than the drawing finds nothing there, as in life.
"""

from __future__ import annotations

import struct
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stoep_twin import parts
from stoep_twin.ailing import ILLS
from stoep_twin.chips.chip import Chip
from stoep_twin.chips.lamp import Lamp
from stoep_twin.faults import BEFORE_THE_CHIP, Broken, Kind
from stoep_twin.world.place import Place

_OPEN, _ANY, _READ, _WRITE, _CLOSE = 0, 1, 2, 3, 4
_PULL, _LET_GO = 2, 3
_NO_DEVICE = 19  # ENODEV: nobody acknowledged the address, or a byte
_RX_DEFAULT = 256
_FULL_SCALE_UV = {0: 950_000, 1: 1_250_000, 2: 1_750_000, 3: 3_100_000}  # by attenuation: 0, 2.5, 6, 11 dB


@dataclass(frozen=True)
class _Pin:
    part: str
    role: str


def _drawn(hardware: Path) -> set[tuple[str, str]]:
    """(name in the drawing, name by its maker in small letters) of all parts that have a model."""
    drawn = [tomllib.loads(drawing.read_text()).get("parts", {}) for drawing in hardware.glob("*.toml")]
    return {
        (name, part["part"].lower())
        for drawing in drawn
        for name, part in drawing.items()
        if parts.modelled(name, part)
    }


def known_parts(hardware: Path) -> set[str]:
    """What the parts of all drawings are called there, and by their makers, in small letters."""
    return {name for names in _drawn(hardware) for name in names if " " not in name}


def can_befall(hardware: Path, part: str, kind: Kind) -> bool:
    """Whether a part that is called so can have this fault."""
    meant = [names[0] for names in _drawn(hardware) if part in names]
    return kind not in BEFORE_THE_CHIP or any(kind in ILLS.get(name, ()) for name in meant)


class Wiring:
    """The parts around one board. `now()` is Unix seconds of virtual time, `speed` its pace."""

    def __init__(self, drawing: Path, place: Place, now: Callable[[], float], speed: float, seed: int) -> None:
        with drawing.open("rb") as file:
            plan: dict[str, Any] = tomllib.load(file)
        self.parts: dict[str, Chip] = {}
        self._models: dict[str, str] = {}
        self._pins: dict[int, _Pin] = {}
        self._buses: dict[tuple[int, int], dict[int, str]] = {}
        numbers = plan.get("numbers", {})
        self._now = now
        self.lamp = Lamp(now, numbers["LAMP_MILLIWATT"]) if "LAMP_MILLIWATT" in numbers else None
        around = parts.Around(place, now, speed, seed, numbers, self.lamp)
        self.felt = around.felt
        for name, part in plan.get("parts", {}).items():
            chip = parts.make(name, part, around)
            if chip is not None:
                self.parts[name] = chip
                self._models[name] = part["part"].lower()
        self._solder(plan)
        self._uarts: dict[int, _Uart] = {}
        self._levels: dict[int, bool] = {}

    def _solder(self, plan: dict[str, Any]) -> None:
        drawn = plan.get("pins", {})
        for name, pin in drawn.items():
            part = pin.get("part")
            if part in self.parts:
                self._pins[int(pin["gpio"])] = _Pin(part, name.removeprefix(f"{part.upper()}_"))
        if "I2C_SDA" in drawn and "I2C_SCL" in drawn:
            wires = int(drawn["I2C_SDA"]["gpio"]), int(drawn["I2C_SCL"]["gpio"])
            on_bus = {name: part for name, part in plan["parts"].items() if part["bus"] == "i2c" and name in self.parts}
            self._buses[wires] = {int(part["address"]): name for name, part in on_bus.items()}

    def named(self, part: str) -> list[str]:
        """The parts that are called so in the drawing, or by their maker, in small letters."""
        return [name for name, model in self._models.items() if part in (name, model)]

    def break_part(self, part: str, kind: Kind) -> None:
        """A part, by its name in the drawing or its maker's, fails; a board without it is none the worse."""
        for own in self.named(part):
            if kind in BEFORE_THE_CHIP:
                self.felt.befall(own, kind, self._now())
            else:
                self.parts[own] = Broken(self.parts[own], kind)

    def mend_part(self, part: str) -> None:
        """It is well again."""
        for own in self.named(part):
            self.felt.heal(own)
            broken = self.parts[own]
            if isinstance(broken, Broken):
                self.parts[own] = broken.chip

    def reset(self, power: bool) -> None:
        """The board starts: its UARTs are closed and levels forgotten; with `power` the parts start afresh too.

        A PWM runs on over a start; what ends it calls `undrive`.
        """
        self._uarts.clear()
        self._levels.clear()
        for pin in self._pins.values():
            if pin.role == "POWER":
                self.parts[pin.part].power(False)
        if power:
            for chip in self.parts.values():
                chip.reset()

    def undrive(self) -> None:
        """No PWM drives any pin: the chip has lost its power, or sleeps."""
        for pin in self._pins.values():
            self.parts[pin.part].modulate(pin.role, None, self._now())

    def modulate(self, number: int, high: float | None, at: float) -> None:
        """A PWM keeps a pin high for this share of the time, from `at` on (Unix s); None: nothing drives it."""
        wired = self._pins.get(number)
        if wired:
            self.parts[wired.part].modulate(wired.role, high, at)

    def i2c(self, request: bytes) -> bytes:
        """0, SDA, SCL: scan → 0, addresses. 1, SDA, SCL, address, count, bytes: write, then read → errno, bytes."""
        bus = self._buses.get((request[1], request[2]), {})
        if request[0] == 0:
            return bytes((0, *(address for address, name in sorted(bus.items()) if self.parts[name].write(b""))))
        address, count = struct.unpack_from("<BH", request, 3)
        data = request[6:]
        chip = self.parts.get(bus.get(address, ""))
        if chip is None or ((data or not count) and not chip.write(data)):
            return bytes((_NO_DEVICE,))
        read = chip.read(count) if count else b""
        return bytes((_NO_DEVICE,)) if read is None else b"\x00" + read

    def pin(self, request: bytes) -> bytes | None:
        """(0, pin, level) sets, (1, pin) reads, (2, pin, level) pulls, (3, pin) lets go."""
        number = request[1]
        wired = self._pins.get(number)
        if request[0] == 1:
            return bytes((self.level(number),))
        if request[0] == _LET_GO:
            self.modulate(number, None, self._now())
            return None
        if request[0] == _PULL:
            self._levels.setdefault(number, bool(request[2]))
            return None
        self._levels[number] = bool(request[2])
        if wired and wired.role == "POWER":
            self.parts[wired.part].power(self._levels[number])
        elif wired:
            self.parts[wired.part].drive(wired.role, self._levels[number])
        return None

    def level(self, number: int) -> bool:
        """What a board reads at this pin."""
        wired = self._pins.get(number)
        return self.parts[wired.part].level(wired.role) if wired else self._levels.get(number, False)

    def next_level(self, number: int, level: bool, after: float) -> float | None:
        """When this pin is next at `level`, from `after` on (Unix s); None: never, as far as its part knows."""
        wired = self._pins.get(number)
        return self.parts[wired.part].next_level(wired.role, level, after) if wired else None

    def adc(self, request: bytes) -> bytes:
        """pin, attenuation → µV."""
        wired, full_scale = self._pins.get(request[0]), _FULL_SCALE_UV.get(request[1], 0)
        microvolts = self.parts[wired.part].microvolts(wired.role, full_scale) if wired else 0
        return struct.pack("<i", max(0, min(microvolts, full_scale)))

    def uart(self, request: bytes) -> bytes | None:
        """operation, UART, arguments: 0 opens, 1 any, 2 reads, 3 writes, 4 closes."""
        operation, number = request[0], request[1]
        if operation == _OPEN:
            baud, rx, tx, ring = struct.unpack_from("<IBBH", request, 2)
            self._uarts[number] = _Uart(self._end(rx, "RX"), self._end(tx, "TX"), baud, ring or _RX_DEFAULT)
            return None
        if operation == _CLOSE:
            self._uarts.pop(number, None)
            return None
        uart = self._uarts.get(number)
        if uart is not None:
            uart.listen()
        if operation == _ANY:
            return struct.pack("<H", len(uart.waiting) if uart else 0)
        if operation == _READ:
            return uart.give(struct.unpack_from("<H", request, 2)[0]) if uart else b""
        if operation == _WRITE and uart is not None:
            uart.say(request[2:])
        return None

    def _end(self, gpio: int, role: str) -> Chip | None:
        wired = self._pins.get(gpio)
        return self.parts[wired.part] if wired and wired.role == role else None


def _garbled(data: bytes) -> bytes:
    return bytes(byte ^ 0x5A for byte in data)


@dataclass
class _Uart:
    """One UART with a ring of its own: what does not fit is lost, what comes at another baud rate is garbage."""

    hears: Chip | None
    tells: Chip | None
    baud: int
    ring: int
    waiting: bytearray = field(default_factory=bytearray)

    def listen(self) -> None:
        """Take in what has come."""
        if self.hears is None:
            return
        data = self.hears.sent(self.ring)
        data = data if self.baud == self.hears.baud else _garbled(data)
        self.waiting += data[: max(0, self.ring - len(self.waiting))]

    def say(self, data: bytes) -> None:
        if self.tells is not None:
            self.tells.received(data if self.baud == self.tells.baud else _garbled(data))

    def give(self, count: int) -> bytes:
        given = bytes(self.waiting[:count])
        del self.waiting[:count]
        return given
