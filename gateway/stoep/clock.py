"""The gateway's only source of time, so that the virtual street can run it faster.

Timestamps, the ends of windows and days of grace use a `Clock`. Waits and turn-around times are real: `real()`.
"""

import ctypes
import mmap
import os
import struct
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from stoep.errors import PermanentError

# Kept by `stoep clock-witness` for a service that may not ask the kernel: there while NTP keeps the clock.
WITNESS = Path("/run/stoep-clock/synchronised")
_TIME_ERROR = 5  # adjtimex(2): the kernel's clock is not synchronised
_TIMEX_BYTES = 512  # larger than any struct timex
_ASK_AGAIN = 1.0  # seconds for which the kernel's answer holds
_CLOCK_FILE = struct.Struct("<8Q")
_TRIES = 1000
_US = 1_000_000
EPOCH_2000 = 946_684_800  # 2000-01-01T00:00:00Z in Unix seconds


def real() -> float:
    """Real seconds that only ever rise, within this process."""
    return time.monotonic()


def timestamp(utc: float) -> str:
    """Unix seconds as RFC 3339 has them."""
    return datetime.fromtimestamp(int(utc), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds that only rise and go on through a restart of the service, from an origin of this boot."""

    def utc(self) -> float:
        """Unix seconds; not to be believed unless `trusted`."""

    def offset(self) -> float:
        """`utc() - monotonic()`, of one and the same instant."""

    def trusted(self) -> bool:
        """Whether somebody who knows has set the UTC, and nobody else since."""

    def boot(self) -> str:
        """Names the origin of `monotonic`: another name, another origin."""


def _kernel_boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"since-{round(time.time() - time.monotonic(), -1):.0f}"


class SystemClock:
    """The machine's clocks; trusted while the kernel says that NTP keeps them: a step by hand ends that."""

    def __init__(self) -> None:
        self._id = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        self._boot = _kernel_boot()
        self._trusted = False
        self._asked = -_ASK_AGAIN

    def monotonic(self) -> float:
        return time.clock_gettime(self._id)

    def utc(self) -> float:
        return time.time()

    def offset(self) -> float:
        return time.time() - time.clock_gettime(self._id)

    def trusted(self) -> bool:
        if real() - self._asked >= _ASK_AGAIN:
            self._asked = real()
            self._trusted = _synchronised()
        return self._trusted

    def boot(self) -> str:
        return self._boot


def kernel_says() -> bool | None:
    """Whether NTP keeps the clock; None where we may not ask: who may not set a clock may not do this, either."""
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)  # all zero: modes = 0 only asks
    state: int = ctypes.CDLL(None, use_errno=True).adjtimex(timex)
    return None if state < 0 else state < _TIME_ERROR


def _synchronised() -> bool:
    if not sys.platform.startswith("linux"):
        return True  # a developer's machine; the gateway proper is a Linux
    said = kernel_says()
    return WITNESS.exists() if said is None else said


class FileClock:
    """The virtual street's clock: 64 bytes that somebody else rewrites while we read.

    Eight little-endian u64: version, real anchor µs, virtual anchor µs, speed in thousandths, UTC offset µs, trusted,
    0, version again. Real time is CLOCK_MONOTONIC.
    """

    def __init__(self, file: Path) -> None:
        try:
            with file.open("rb") as opened:
                self._map = mmap.mmap(opened.fileno(), _CLOCK_FILE.size, access=mmap.ACCESS_READ)
                inode = os.fstat(opened.fileno()).st_ino
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "has fewer than 64 bytes"
            raise PermanentError(f"the clock file {file} cannot be used ({reason}); start the twin first") from error
        self._file = file
        self._boot = f"twin-{_kernel_boot()}-{inode}"

    def _read(self) -> tuple[int, int, bool]:
        """(virtual µs, UTC offset µs, trusted)"""
        for _ in range(_TRIES):
            version, real_us, virtual_us, milli, offset, trusted, _, again = _CLOCK_FILE.unpack(self._map[:])
            if version == again:
                return virtual_us + (time.monotonic_ns() // 1000 - real_us) * milli // 1000, offset, bool(trusted)
            time.sleep(0)
        raise PermanentError(f"the clock file {self._file} stays half-written; restart the twin")

    def monotonic(self) -> float:
        return self._read()[0] / _US

    def utc(self) -> float:
        virtual, offset, _ = self._read()
        return (virtual + offset) / _US

    def offset(self) -> float:
        return self._read()[1] / _US

    def trusted(self) -> bool:
        return self._read()[2]

    def boot(self) -> str:
        return self._boot
