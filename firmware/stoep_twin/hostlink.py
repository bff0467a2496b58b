"""The twin's end of a board's link: messages of a kind and a body, length before them, on a stream socket.

`micropython/host.py` is the other end. Everything here runs in the event loop, and quickly: it is on the way of every
frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

_READ = 65536
_HEAD = 2  # length of what follows


class HostLink:
    """One board's link; `take(kind, body)` is called for each message, `closed()` at its end."""

    def __init__(self, take: Callable[[str, bytes], None], closed: Callable[[], None]) -> None:
        self._take = take
        self._closed_call = closed
        self._loop = asyncio.get_running_loop()
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs: socket.socket | None = theirs
        self._buffer = bytearray()
        self._unsent = bytearray()
        self._open = True
        self._loop.add_reader(self._ours, self._ready)

    @property
    def board_end(self) -> int:
        """The descriptor to hand to the board."""
        assert self._theirs is not None
        return self._theirs.fileno()

    def handed_over(self) -> None:
        """The board has its end now."""
        if self._theirs is not None:
            self._theirs.close()
            self._theirs = None

    def send(self, kind: str, body: bytes = b"") -> None:
        """One message to the board; never waits."""
        if not self._open:
            return
        self._unsent += (len(body) + 1).to_bytes(2, "little") + kind.encode() + body
        self._flush()

    def _flush(self) -> None:
        try:
            sent = self._ours.send(self._unsent)
            del self._unsent[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()
        if self._unsent:
            self._loop.add_writer(self._ours, self._flush)
        else:
            self._loop.remove_writer(self._ours)

    def _ready(self) -> None:
        try:
            data = self._ours.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            self._closed_call()
            return
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _HEAD:
            length = buffer[at] | buffer[at + 1] << 8
            if len(buffer) - at - _HEAD < length:
                break
            body = bytes(buffer[at + 3 : at + 2 + length])
            kind = chr(buffer[at + 2])
            at += 2 + length
            self._take(kind, body)
            if not self._open:
                return
        del buffer[:at]

    def close(self) -> None:
        """No more messages either way."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._ours)
            self._loop.remove_writer(self._ours)
            with contextlib.suppress(OSError):
                self._ours.close()
            self.handed_over()
