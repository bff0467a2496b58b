"""The ROM loader of a chip in download mode: `esp32-mock-bootloader` on a board's own line and its own flash.

The mock speaks esptool's protocol, stub included; it knows no baud rates, and no time that a flash chip takes.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

from esp32_mock_bootloader import server

CHIP = "esp32"
_EFUSES = 0x3FF5A000  # of an ESP32; the MAC is in the second and third word (technical reference manual, section 20)
_WRITE_REGISTER = 0x09
_ALL_BITS = 0xFFFFFFFF
_SILENCE_S = 3.0  # after which esptool has given up, too


class _End:
    """What the mock takes for its connection: the terminal's end that is the board's."""

    def __init__(self, master: int, efuses: list[bytes], stop: threading.Event) -> None:
        self._master = master
        self._efuses = efuses
        self._unheard = len(efuses)  # answers to what nobody outside has asked
        self._stop = stop
        self._timeout = 0.05

    def set_timeout(self, timeout: float) -> None:
        self._timeout = timeout

    def recv(self, size: int) -> bytes:
        if self._efuses:
            return self._efuses.pop(0)
        # The mock breaks a read off after one silence: on a busy machine a laptop may be silent for longer.
        until = time.monotonic() + _SILENCE_S
        while not select.select([self._master], [], [], self._timeout)[0]:
            if self._stop.is_set() or time.monotonic() > until:
                raise TimeoutError
        return os.read(self._master, size)

    def sendall(self, data: bytes) -> None:
        if self._unheard:
            self._unheard -= 1
            return
        while data and not self._stop.is_set():
            if select.select([], [self._master], [], self._timeout)[1]:
                with contextlib.suppress(BlockingIOError):
                    data = data[os.write(self._master, data) :]

    def close(self) -> None:
        """The line goes on."""

    def abort_empty_session(self) -> bool:
        return False

    def ignore_eof_for_disconnect(self) -> bool:
        return True


class _Flash(server.FlashImage):  # type: ignore[misc] # its package carries no types
    """The chip's file; `written(bytes)` is told how much has come."""

    def __init__(self, chip: mmap.mmap, written: Callable[[int], None]) -> None:
        super().__init__()
        self.data = chip
        self._told = written

    def write_defl_block(self, payload: bytes) -> None:
        before = self._defl_offset
        super().write_defl_block(payload)
        self._told(self._defl_offset - before)


def _burnt(mac: bytes) -> list[bytes]:
    """Frames by which the mock's registers take the place of efuses."""
    words = struct.unpack(">II", b"\x00\x00" + mac)
    frames = []
    for address, word in ((_EFUSES + 8, words[0]), (_EFUSES + 4, words[1])):
        body = struct.pack("<IIII", address, word, _ALL_BITS, 0)
        frames.append(server.slip_encode(struct.pack("<BBHI", 0, _WRITE_REGISTER, len(body), 0) + body))
    return frames


class Rom:
    """One stay in download mode. `stop()` ends it; the line's end must be the caller's again only then."""

    def __init__(self, master: int, flash: Path, mac: bytes, chip: str, written: Callable[[int], None]) -> None:
        self._stop = threading.Event()
        self._file = flash.open("r+b")
        self._map = mmap.mmap(self._file.fileno(), 0)
        end = _End(master, _burnt(mac) if chip == CHIP else [], self._stop)
        self._thread = threading.Thread(
            target=self._serve, args=(end, chip, _Flash(self._map, written)), name="rom", daemon=True
        )
        self._thread.start()

    def _serve(self, end: _End, chip: str, flash: _Flash) -> None:
        with contextlib.suppress(OSError):
            server.handle_client(end, self._stop, chip, exit_on_disconnect=True, flash=flash)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)
        self._map.flush()
        self._map.close()
        self._file.close()


assert issubclass(socket.timeout, TimeoutError)  # what the mock waits for
