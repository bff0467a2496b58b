"""How a command on the same machine asks the running service how it is: a Unix socket beside the store.

Whoever may connect is told everything once, as JSON, and is not listened to. Nothing is written to the SD card for it,
and an answer is never old: where nobody listens, no service runs.
"""

import contextlib
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from stoep.clock import real
from stoep.errors import PermanentError
from stoep.health import Bounded, Pulse

_log = logging.getLogger(__name__)
PART = "status"
_TURN = 0.5
_SLOW = 2.0  # seconds in which whoever asks must take the answer
_AGAIN = 10.0  # seconds before a socket that could not be made is tried again
_LONGEST = 100  # bytes of a path that fit into a socket's address
_MODE = 0o660


class NotRunningError(PermanentError):
    """No service answers."""


def place(store: Path) -> Path:
    return store.with_name(store.name + ".status")


class Answering:
    """The thread that answers with what `report` says."""

    def __init__(self, store: Path, report: Callable[[], dict[str, Any]], pulse: Pulse) -> None:
        self._place = place(store)
        self._report = report
        self._pulse = pulse
        self._say = Bounded(_log)

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._pulse.beat(PART)
            try:
                self._listen(stop)
            except OSError as error:
                self._say.say("socket", "%s cannot be made (%s): `stoep status` has no answer", self._place, error)
                until = real() + _AGAIN
                while real() < until and not stop.wait(_TURN):
                    self._pulse.beat(PART)
        with contextlib.suppress(OSError):
            self._place.unlink()

    def _listen(self, stop: threading.Event) -> None:
        with socket.socket(socket.AF_UNIX) as listening:
            with contextlib.suppress(FileNotFoundError):
                self._place.unlink()  # of a service that was killed: the store is ours, so nobody else listens
            with _address(self._place) as address:
                listening.bind(address)
            self._place.chmod(_MODE)
            listening.settimeout(_TURN)
            listening.listen(4)
            while not stop.is_set():
                self._pulse.beat(PART)
                with contextlib.suppress(TimeoutError):
                    asking, _ = listening.accept()
                    with asking:
                        self._answer(asking)

    def _answer(self, asking: socket.socket) -> None:
        asking.settimeout(_SLOW)
        try:
            asking.sendall(msgspec.json.encode(self._report()))
        except OSError as error:
            _log.debug("whoever asked for the status did not wait for it: %s", error)


def ask(store: Path, seconds: float = 5.0) -> dict[str, Any]:
    """What the service that works with `store` says of itself. Raises NotRunningError."""
    said = bytearray()
    try:
        with socket.socket(socket.AF_UNIX) as channel, _address(place(store)) as address:
            channel.settimeout(seconds)
            channel.connect(address)
            while chunk := channel.recv(65536):
                said += chunk
    except TimeoutError:
        raise NotRunningError("the gateway runs but does not answer: look at its log, or restart it") from None
    except PermissionError:
        raise NotRunningError(f"{place(store)} may not be opened by you: ask as the gateway's user, or root") from None
    except OSError:
        raise NotRunningError(f"no gateway runs with the store {store}: say systemctl status stoep-gateway") from None
    try:
        found: dict[str, Any] = json.loads(said)
    except ValueError:
        raise NotRunningError("the gateway ended while it answered: ask again") from None
    return found


@contextlib.contextmanager
def _address(file: Path) -> Iterator[str]:
    """`file` as a socket's address, which is short: a long way there is taken through its folder's descriptor."""
    if len(os.fsencode(file)) <= _LONGEST:
        yield str(file)
        return
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{file.name}"
    finally:
        os.close(folder)
