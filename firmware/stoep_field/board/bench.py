"""Where boards are plugged in: the laptop's USB ports, or a bench of virtual boards for training."""

import time
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import serial
from serial.tools import list_ports

from stoep_field.errors import FieldError

GROUP = "stoep.benches"
_SIMULATED = "simulated"
_PULSE_S = 0.1
# USB to serial adapters of ESP32 boards: Silicon Labs, WCH, FTDI, Prolific; and Espressif's own.
_MAKERS = (0x10C4, 0x1A86, 0x0403, 0x067B, 0x303A)


class Bench(Protocol):
    """`hold_boot` and `restart` are what DTR and RTS do on a board; where esptool does it itself, there is no need."""

    def ports(self) -> list[tuple[str, str]]:
        """(port, what its adapter says of itself) of every board that is plugged in."""

    def hold_boot(self, port: str) -> None:
        """Into download mode."""

    def restart(self, port: str) -> None:
        """As from a power-on."""

    def close(self) -> None: ...


class SimulatedBench(Bench, Protocol):
    """Has an image in the place of MicroPython's, a bridge, and whatever is wrong can be mended."""

    image: Path
    bridge: str

    def mend(self, port: str) -> None: ...


class UsbBench:
    """The ports of this machine, or only those that are named."""

    def __init__(self, named: Sequence[str] = ()) -> None:
        self._named = tuple(named)

    def ports(self) -> list[tuple[str, str]]:
        known = {port.device: port for port in list_ports.comports()}
        if self._named:
            return [
                (name, known[name].description if name in known else "") for name in self._named if Path(name).exists()
            ]
        return [(name, port.description or "") for name, port in sorted(known.items()) if port.vid in _MAKERS]

    def hold_boot(self, port: str) -> None:
        """esptool does it by DTR and RTS."""

    def restart(self, port: str) -> None:
        """RTS pulls EN low: ESP32 DevKitC schematic, "auto program"."""
        with serial.Serial(port, exclusive=True) as opened:
            opened.dtr = False
            opened.rts = True
            time.sleep(_PULSE_S)
            opened.rts = False

    def close(self) -> None:
        """Nothing to clear."""


def simulated(folder: Path, kind: str, boards: Sequence[str]) -> SimulatedBench:
    """Virtual boards in `folder`, one for each fault named, "" for none. Raises FieldError."""
    remedy = "say: pip install 'stoep[field,twin]'"
    for point in entry_points(group=GROUP):
        if point.name == _SIMULATED:
            try:
                bench: SimulatedBench = point.load()(folder, kind, boards)
            except ImportError as error:
                raise FieldError(f"virtual boards need {error.name}", remedy) from error
            return bench
    raise FieldError("there are no virtual boards here", remedy)
