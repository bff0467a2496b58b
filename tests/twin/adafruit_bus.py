"""As much of `busio.I2C` as `adafruit_bus_device` asks for, with chip models on it for other people's drivers."""

from collections.abc import Mapping
from typing import Any

from stoep_twin.chips.chip import Chip

_NO_DEVICE = 19


class Bus:
    """One bus; `chips` by address."""

    def __init__(self, chips: Mapping[int, Chip]) -> None:
        self._chips = chips

    def try_lock(self) -> bool:
        return True

    def unlock(self) -> None:
        pass

    def probe(self, address: int) -> bool:
        return address in self._chips

    def scan(self) -> list[int]:
        return sorted(self._chips)

    def writeto(self, address: int, buffer: bytearray, *, start: int = 0, end: int | None = None) -> None:
        if address not in self._chips or not self._chips[address].write(bytes(buffer[start:end])):
            raise OSError(_NO_DEVICE)

    def readfrom_into(self, address: int, buffer: bytearray, *, start: int = 0, end: int | None = None) -> None:
        stop = len(buffer) if end is None else end
        data = self._chips[address].read(stop - start) if address in self._chips else None
        if data is None:
            raise OSError(_NO_DEVICE)
        buffer[start:stop] = data

    def writeto_then_readfrom(self, address: int, out: bytearray, into: bytearray, **where: Any) -> None:
        self.writeto(address, out, start=where.get("out_start", 0), end=where.get("out_end"))
        self.readfrom_into(address, into, start=where.get("in_start", 0), end=where.get("in_end"))
