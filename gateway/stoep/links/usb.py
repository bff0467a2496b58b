"""Which serial port a bridge is on, by what its USB adapter says of itself: /dev/ttyUSB0 is another one tomorrow.

Several boards may match. A port is opened to listen whether a bridge says hello there, but never one that another link
has or that another table of the settings names.
"""

import os
import threading
from collections.abc import Collection
from dataclasses import dataclass

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from stoep.links.port import PortError
from stoep.settings import AUTO, BridgeSettings

# vendor → products of the adapters that ESP32 boards carry
_ADAPTERS: dict[int, frozenset[int]] = {
    0x10C4: frozenset({0xEA60, 0xEA70, 0xEA71}),  # Silicon Labs CP2102, CP2105, CP2108
    0x1A86: frozenset({0x7522, 0x7523, 0x5523, 0x55D2, 0x55D3, 0x55D4}),  # WCH CH340, CH341, CH342, CH343, CH9102
    0x0403: frozenset({0x6001, 0x6010, 0x6011, 0x6014, 0x6015}),  # FTDI FT232R, FT2232, FT4232, FT232H, FT-X
    0x303A: frozenset({0x1001, 0x4001}),  # Espressif's own
}


@dataclass(frozen=True)
class Identity:
    """What is known of an adapter beforehand; with neither: any adapter that ESP32 boards carry."""

    usb: tuple[int, int] | None = None  # vendor, product
    serial: str | None = None

    def __str__(self) -> str:
        parts = [] if self.usb is None else [f"usb {self.usb[0]:04x}:{self.usb[1]:04x}"]
        parts += [] if self.serial is None else [f"serial {self.serial}"]
        return " ".join(parts) or "auto"

    def fits(self, port: ListPortInfo) -> bool:
        if port.vid is None or port.pid is None:
            return False
        if self.serial is not None and port.serial_number != self.serial:
            return False
        if self.usb is not None:
            return (port.vid, port.pid) == self.usb
        return self.serial is not None or port.pid in _ADAPTERS.get(port.vid, ())


def identity(bridge: BridgeSettings) -> Identity | None:
    """What the adapter of a bridge says of itself; None for a bridge whose port is named."""
    if bridge.port not in {None, AUTO}:
        return None
    vendor, _, product = (bridge.usb or "").partition(":")
    return Identity((int(vendor, 16), int(product, 16)) if bridge.usb else None, bridge.serial)


class Fixed:
    """A bridge whose port the settings name."""

    def __init__(self, port: str) -> None:
        self._port = port

    def claim(self) -> str:
        return self._port

    def release(self, port: str, *, good: bool) -> None:
        """Nobody else wants it."""

    def others(self, _port: str) -> bool:
        return False


class Claims:
    """The ports that are somebody's: those the settings name, and those on which a link has found its bridge."""

    def __init__(self, named: Collection[str] = ()) -> None:
        self._named = tuple(named)
        self._lock = threading.Lock()
        self._held: dict[str, object] = {}

    def free(self, port: str) -> bool:
        real = os.path.realpath(port)
        return real not in self._held and real not in map(os.path.realpath, self._named)

    def claim(self, port: str, owner: object) -> bool:
        with self._lock:
            free = self.free(port)
            if free:
                self._held[os.path.realpath(port)] = owner
            return free

    def release(self, owner: object) -> None:
        with self._lock:
            self._held = {port: holder for port, holder in self._held.items() if holder is not owner}


def matching(identity: Identity) -> list[str]:
    """The ports that are there now and fit, in their order."""
    return sorted(port.device for port in list_ports.comports() if identity.fits(port))


class Seeker:
    """Chooses the port to try next for one bridge; where there was one goes first, what was silent goes last."""

    def __init__(self, identity: Identity, claims: Claims) -> None:
        self._identity = identity
        self._claims = claims
        self._silent: dict[str, int] = {}  # at which of our tries nobody spoke there
        self._tries = 0

    def claim(self) -> str:
        """A port that is now ours until `release`. Raises PortError."""
        there = matching(self._identity)
        for port in sorted(there, key=lambda port: (self._silent.get(port, 0), port)):
            if self._claims.claim(port, self):
                return port
        raise PortError(self._none(there))

    def release(self, port: str, *, good: bool) -> None:
        """`good`: a bridge spoke there."""
        self._claims.release(self)
        self._tries += 1
        self._silent[port] = -1 if good else self._tries

    def others(self, port: str) -> bool:
        """Whether there is another one to try."""
        return any(one != port and self._claims.free(one) for one in matching(self._identity))

    def _none(self, there: list[str]) -> str:
        if there:
            return f"{self._identity}: {', '.join(there)} is another bridge's: plug one in, or remove a [[bridge]]"
        return f"{self._identity}: no such USB adapter is there: plug the bridge in, or name its port"
