"""Whether a sealed frame of a new node arrives: at a bridge on the laptop, or at its gateway."""

import threading
import time
from typing import Protocol

from stoep.clock import SystemClock
from stoep.errors import MalformedError
from stoep.health import Counters
from stoep.links.base import Link, Received
from stoep.links.bridge import BridgeLink
from stoep.wire import frame
from stoep_field.errors import BoardError, FieldError
from stoep_field.papers.handing import ByCommand
from stoep_field.papers.journal import Board

_HELLO_S = 8.0
_FRAME_S = 45.0  # a cold boot, a sample, four attempts
_TAKEN_S = 40.0  # a gateway reads its registry each five seconds, and a first survey takes its time
_TURN_S = 0.5


class Seen(Protocol):
    """`expect` before the node starts, `wait` after: in words where and how loud. Both raise BoardError."""

    def expect(self, board: Board) -> None: ...

    def wait(self, board: Board) -> str: ...

    def close(self) -> None: ...


class AtBridge:
    """A bridge on this laptop's USB port. It gets no keys; what it hears is opened here, and nobody is answered."""

    def __init__(self, port: str) -> None:
        self._port = port
        self._keys: dict[bytes, frame.Keys] = {}
        self._heard: dict[bytes, int | None] = {}
        self._lock = threading.Condition()
        self._link = BridgeLink(port, self._take, SystemClock(), Counters())
        self._link.start()
        until = time.monotonic() + _HELLO_S
        while not self._link.alive():
            if time.monotonic() > until:
                words = self._link.trouble() or f"no bridge says hello at {port}"
                self._link.stop()
                raise FieldError(words, "give the bridge's port with --bridge")
            time.sleep(0.05)

    @property
    def channel(self) -> int | None:
        """The radio channel it listens on."""
        return self._link.channel

    def expect(self, board: Board) -> None:
        kid = bytes.fromhex(board.kid)
        with self._lock:
            self._keys[kid] = frame.uplink_keys(bytes.fromhex(board.secret))
            self._heard.pop(kid, None)
            self._link.allow(list(self._keys))

    def wait(self, board: Board) -> str:
        kid = bytes.fromhex(board.kid)
        with self._lock:
            if not self._lock.wait_for(lambda: kid in self._heard, _FRAME_S):
                raise _unheard(board, f"the bridge at {self._port}")
            rssi = self._heard[kid]
        return f"seen by the bridge at {self._port}" + ("" if rssi is None else f", {rssi} dBm")

    def _take(self, _link: Link, received: Received) -> None:
        try:
            header = frame.read_header(received.frame)
            with self._lock:
                keys = self._keys.get(header.kid)
                if keys is None:
                    return
                frame.open_uplink(keys, header)
                self._heard[header.kid] = received.rssi
                self._lock.notify_all()
        except MalformedError:
            return  # somebody else's, or not of this secret

    def close(self) -> None:
        self._link.stop()


class AtGateway:
    """The gateway itself, which took the node in before."""

    def __init__(self, gateway: ByCommand) -> None:
        self._gateway = gateway

    def expect(self, board: Board) -> None:
        """Until the running service knows it: what a node says before that is lost on it."""
        if self._row(board, _TAKEN_S, lambda _: True) is None:
            remedy = "does the service run? Say `stoep status` there"
            raise BoardError(f"the gateway does not know {board.name} yet", remedy)

    def wait(self, board: Board) -> str:
        row = self._row(board, _FRAME_S, lambda row: row["last_heard"] is not None)
        if row is None:
            raise _unheard(board, "the gateway")
        return "seen by the gateway"

    def _row(self, board: Board, seconds: float, is_it: object) -> dict[str, object] | None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for row in self._gateway.status()["table"]:
                if row["node"] == board.name and callable(is_it) and is_it(row):
                    found: dict[str, object] = row
                    return found
            time.sleep(_TURN_S)
        return None

    def close(self) -> None:
        """Nothing to end."""


def _unheard(board: Board, where: str) -> BoardError:
    remedy = (
        "is its antenna free of metal, is the radio channel the site's (--channel)? Then say the same command again"
    )
    return BoardError(f"no sealed frame of {board.name} came to {where} within {_FRAME_S:.0f} s", remedy)
