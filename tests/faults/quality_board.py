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

from quality_machine import Hands, machine

from stoep.resources import firmware_dir, hardware_dir
from stoep_twin.wiring import Wiring
from stoep_twin.world.place import Place

_SENSORS = 8
_DRIVERS = ("a02yyuw", "bme280", "lis3dh", "pir", "pms5003", "scd41", "shots", "voltage", "vl53l1x")
_KINDS = {"bin": "Bin", "bench": "Bench", "lamppost": "Lamppost"}


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
        sys.modules.update({"machine": machine(hands), "micropython": _micropython()})
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
            used = SimpleNamespace(take=lambda: (0, 0, 0), check=lambda: None, news=[])
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
