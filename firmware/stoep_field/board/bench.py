"""Where boards are plugged in: the laptop's USB ports, or a bench of virtual boards for training."""

import time
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import serial
from serial.tools import list_ports

from stoep.links.usb import Identity, matching
from stoep_field.board import trouble
from stoep_field.errors import FieldError

GROUP = "stoep.benches"
_SIMULATED = "simulated"
_PULSE_S = 0.1


class Bench(Protocol):
    """`hold_boot` and `restart` are what DTR and RTS do on a board; `has_lines` where esptool does the first itself."""

    has_lines: bool

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
    """Those ports of this machine that are named, or all with an adapter of a board; never one of the `others`."""

    has_lines = True

    def __init__(self, named: Sequence[str] = (), others: Sequence[str] = ()) -> None:
        self._named, self._others = tuple(named), tuple(Path(other).resolve() for other in others)

    def ports(self) -> list[tuple[str, str]]:
        found = [name for name in self._named if Path(name).exists()] if self._named else matching(Identity())
        known = {port.device: port.description or "" for port in list_ports.comports()}
        return [(name, known.get(name, "")) for name in found if Path(name).resolve() not in self._others]

    def hold_boot(self, port: str) -> None:
        """esptool does it by DTR and RTS."""

    def restart(self, port: str) -> None:
        """RTS pulls EN low: ESP32 DevKitC schematic, "auto program"."""
        try:
            with serial.Serial(port, exclusive=True) as opened:
                opened.dtr = False
                opened.rts = True
                time.sleep(_PULSE_S)
                opened.rts = False
        except OSError as error:
            raise trouble.port(port, error) from error

    def close(self) -> None:
        """Nothing to clear."""


def probe(port: str) -> None:
    """Raises BoardError saying why a port cannot be opened: esptool and mpremote give no reason."""
    try:
        serial.Serial(port, exclusive=True).close()
    except OSError as error:
        raise trouble.port(port, error) from error


def simulated(folder: Path, kind: str | None = None, boards: Sequence[str] = ()) -> SimulatedBench:
    """Virtual boards in `folder`, one for each fault named, "" for none; without a `kind` those of the last time.

    Raises FieldError.
    """
    remedy = "say: pip install 'stoep[field,twin]'"
    for point in entry_points(group=GROUP):
        if point.name == _SIMULATED:
            try:
                bench: SimulatedBench = point.load()(folder, kind, boards)
            except ImportError as error:
                raise FieldError(f"virtual boards need {error.name}", remedy) from error
            return bench
    raise FieldError("there are no virtual boards here", remedy)
