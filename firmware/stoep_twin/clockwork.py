"""The twin's one clock, shared through a file with the boards and the gateway.

Real time is CLOCK_MONOTONIC; virtual time runs `speed` times as fast from an anchor, and can be moved forward at once.
The page's form is the contract between all its readers:
eight little-endian u64: version, real anchor µs, virtual anchor µs, speed in thousandths, UTC offset µs, trusted, 0,
version.
"""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Callable
from pathlib import Path

PAGE = struct.Struct("<8Q")
_FIRST_VIRTUAL_US = 1_000_000_000  # the machines of this street have been up for a while


def real_us() -> int:
    """CLOCK_MONOTONIC in µs, what every reader of the page measures from."""
    return time.monotonic_ns() // 1000


class Clockwork:
    """The writer of the clock page at `path`; virtual time begins at `start_utc_us` (Unix) and runs at `speed`."""

    def __init__(self, path: Path, start_utc_us: int, speed: float) -> None:
        self.path = path
        self._version = 0
        self._speed_milli = round(speed * 1000)
        self._real = real_us()
        self._virtual = _FIRST_VIRTUAL_US
        self._offset = start_utc_us - _FIRST_VIRTUAL_US
        self._changed: list[Callable[[int], None]] = []
        path.write_bytes(bytes(PAGE.size))
        with path.open("r+b") as page:
            self._page = mmap.mmap(page.fileno(), PAGE.size)
        self._write()

    @property
    def speed(self) -> float:
        """Virtual seconds in a real one."""
        return self._speed_milli / 1000

    def virtual_us(self) -> int:
        """Virtual time in µs since long before the run."""
        return self._virtual + (real_us() - self._real) * self._speed_milli // 1000

    def utc_us(self, virtual_us: int | None = None) -> int:
        """Unix time in µs now, or at `virtual_us`."""
        return (self.virtual_us() if virtual_us is None else virtual_us) + self._offset

    def real_seconds_until(self, virtual_us: int) -> float:
        """Real seconds from now until virtual time reaches `virtual_us`; 0 when it has."""
        return max(0.0, (virtual_us - self.virtual_us()) / 1e6 / self.speed)

    def on_change(self, tell: Callable[[int], None]) -> None:
        """Call `tell(µs)` after each jump by so many: whoever waits for a virtual time must wait anew."""
        self._changed.append(tell)

    def anchor(self, ahead_us: int = 0) -> None:
        """Measure from now on. To be done each few minutes: a 32-bit interpreter's ticks wrap after eighteen."""
        now = real_us()
        self._virtual += (now - self._real) * self._speed_milli // 1000 + ahead_us
        self._real = now
        self._write()

    def jump(self, seconds: float) -> None:
        """Move virtual time forward at once.

        The clocks and ticks of boards that are awake jump, too: one that measures or waits would take it for its own
        delay. Let them sleep first, or do it while they have nothing to do.
        """
        ahead = round(seconds * 1e6)
        self.anchor(ahead)
        for tell in self._changed:
            tell(ahead)

    def _write(self) -> None:
        # The versions at both ends let a reader notice that it read a page half written.
        self._version += 1
        page = PAGE.pack(self._version, self._real, self._virtual, self._speed_milli, self._offset, 1, 0, self._version)
        self._page[0:8] = page[0:8]
        self._page[8:56] = page[8:56]
        self._page[56:64] = page[56:64]

    def close(self) -> None:
        """Let the page go; the file stays."""
        self._page.close()
