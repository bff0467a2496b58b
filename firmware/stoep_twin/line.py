"""The USB line between the bridge and the gateway: a pty that behaves like a UART at 921,600 baud.

The gateway opens the pty's slave through a link of constant name, with pyserial as always. Towards the board bytes come
no faster than the baud rate and go into a receive ring of 260 bytes (what the board has not read yet waits in its stdin
pipe); what does not fit is gone, as on the chip. While Ctrl-C is on, the UART's interrupt takes 0x03 out of the stream;
before `boot.py` and after a `kbd_intr(-1)` it is a byte like any other.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import struct
import termios
import tty
from collections.abc import Callable
from pathlib import Path

BAUD = 921_600
RING = 260
_BYTES_PER_SECOND = BAUD / 10  # 8N1
_QUANTUM_S = 0.001
_READ = 4096
_CTRL_C = b"\x03"
ROM_BANNER = (
    b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
    b"configsip: 0, SPIWP:0xee\r\nmode:DIO, clock div:2\r\nload:0x3fff0030,len:4892\r\nentry 0x400805cc\r\n"
)


def unread(descriptor: int) -> int:
    """How many bytes wait in a pipe or a terminal."""
    count: int = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\x00" * 4))[0]
    return count


class _Pace:
    """How many bytes may go now. One quantum may run ahead, so that a short message does not wait for a timer."""

    def __init__(self, now: float) -> None:
        self._allowance = _BYTES_PER_SECOND * _QUANTUM_S
        self._then = now

    def take(self, now: float, wanted: int) -> int:
        most = _BYTES_PER_SECOND * _QUANTUM_S * 4
        self._allowance = min(most, self._allowance + (now - self._then) * _BYTES_PER_SECOND)
        self._then = now
        count = max(0, min(wanted, int(self._allowance)))
        self._allowance -= count
        return count


class Line:
    """One line; `port` is the name the gateway opens. The board's end is plugged in anew at each start."""

    def __init__(self, port: Path) -> None:
        self.port = port
        self.dropped = 0  # bytes lost in the board's full ring
        self.ctrl_c: Callable[[], None] | None = None  # what a 0x03 does, while Ctrl-C is on
        self._loop = asyncio.get_running_loop()
        self._to_board: int | None = None
        self._from_board: int | None = None
        self._down = _Pace(self._loop.time())
        self._up = _Pace(self._loop.time())
        self._up_waiting = bytearray()
        self._up_timer: asyncio.TimerHandle | None = None
        self.open()

    def open(self) -> None:
        """The cable is in; a line that was closed is a new one, of the same name."""
        self._master, self._slave = os.openpty()  # ours to keep: a closed slave would hang up the master
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(os.ttyname(self._slave))
        self._up_waiting.clear()
        self._reading = self._closed = self._lent = False

    def plug(self) -> tuple[int, int]:
        """Connect a board that starts: its stdin and stdout, to be closed by the caller once handed on."""
        self.unplug()
        board_in, to_board = os.pipe()
        from_board, board_out = os.pipe()
        os.set_blocking(to_board, False)
        os.set_blocking(from_board, False)
        self._to_board, self._from_board = to_board, from_board
        self._loop.add_reader(from_board, self._from_board_ready)
        self._send_up(ROM_BANNER)
        self._listen()
        return board_in, board_out

    def unplug(self) -> None:
        """The board has stopped."""
        self.ctrl_c = None
        if self._from_board is not None and self._to_board is not None:
            self._loop.remove_reader(self._from_board)
            os.close(self._from_board)
            os.close(self._to_board)
            self._from_board = self._to_board = None

    def say(self, text: bytes) -> None:
        """What the chip's ROM says, which listens to nobody."""
        self._listen()
        self._send_up(text)

    def lend(self) -> int:
        """The terminal's end that is the board's, for somebody else to serve until `take_back`."""
        self._lent = True
        self._loop.remove_reader(self._master)
        self._reading = False
        return self._master

    def take_back(self) -> None:
        """It is the board's again."""
        self._lent = False

    def close(self) -> None:
        """Take the line away."""
        self._closed = True
        self.unplug()
        self._loop.remove_reader(self._master)
        if self._up_timer is not None:
            self._up_timer.cancel()
            self._up_timer = None
        os.close(self._master)
        os.close(self._slave)
        self.port.unlink(missing_ok=True)

    # -- gateway → board -----------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        if not self._reading and not self._closed and not self._lent:
            self._reading = True
            self._loop.add_reader(self._master, self._master_ready)

    def _master_ready(self) -> None:
        allowed = self._down.take(self._loop.time(), _READ)
        if not allowed:
            # What is too early stays in the terminal's buffer, as it would in the PC's driver.
            self._loop.remove_reader(self._master)
            self._reading = False
            self._loop.call_later(_QUANTUM_S, self._listen)
            return
        try:
            data = os.read(self._master, allowed)
        except (BlockingIOError, OSError):
            return
        self._send_down(data)

    def _send_down(self, data: bytes) -> None:
        if self._to_board is None:
            return
        if self.ctrl_c is not None and _CTRL_C in data:
            data = data.replace(_CTRL_C, b"")
            self.ctrl_c()  # however many: one that waits already is not scheduled again
        room = max(0, RING - unread(self._to_board))
        if len(data) > room:
            self.dropped += len(data) - room
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self._to_board, data[:room])

    # -- board → gateway -----------------------------------------------------------------------------------------------

    def _from_board_ready(self) -> None:
        if self._from_board is None:
            return
        try:
            data = os.read(self._from_board, _READ)
        except BlockingIOError:
            return
        if not data:
            self._loop.remove_reader(self._from_board)
            return
        self._send_up(data)

    def _send_up(self, data: bytes) -> None:
        self._up_waiting += data
        if self._up_timer is None:
            self._pour()

    def _pour(self) -> None:
        self._up_timer = None
        count = self._up.take(self._loop.time(), len(self._up_waiting))
        if count:
            # Nobody has the port open, or reads too slowly: a UART does not wait either.
            with contextlib.suppress(BlockingIOError):
                os.write(self._master, self._up_waiting[:count])
            del self._up_waiting[:count]
        if self._up_waiting:
            self._up_timer = self._loop.call_later(_QUANTUM_S, self._pour)
