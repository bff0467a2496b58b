"""Where boards are born: a small process that has the interpreter loaded and forks one for each start.

A fork takes about a millisecond, a new Python thirty; and a process without threads may be forked safely, which the
twin's own may not. Requests come over a SOCK_SEQPACKET socket with the board's four descriptors (stdin, stdout,
stderr, link) beside them; exits are reported back. When the socket closes, all children are killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stoep_twin import interpreter, leash

LINK = 3  # the descriptor under which a board finds its link
_LARGEST = 65536
_OWN_SOCKET = 100


# -- the twin's side ---------------------------------------------------------------------------------------------------


@dataclass
class Child:
    """One run of an interpreter."""

    number: int
    exited: asyncio.Future[int] = field(repr=False)  # the wait status
    interrupted: bool = False  # one is asked for, and not yet delivered
    delivered: Callable[[], None] = field(default=lambda: None, repr=False)  # called when it is


class Nursery:
    """The twin's handle of the fork server; to be used from one event loop."""

    def __init__(self) -> None:
        self._children: dict[int, Child] = {}
        self._number = 0
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def open(self, log: Path) -> None:
        """Start the fork server."""
        interpreter.command()  # says what to install when there is no interpreter
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs, log.open("ab") as out:
            self._process = subprocess.Popen(
                leash.command([sys.executable, "-P", "-m", "stoep_twin.nursery", str(theirs.fileno())]),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._socket = ours
        asyncio.get_running_loop().add_reader(ours, self._hear)

    def start(self, arguments: list[str], descriptors: tuple[int, int, int, int]) -> Child:
        """Run an interpreter with `arguments`; the descriptors may be closed as soon as this returns."""
        assert self._socket is not None
        self._number += 1
        child = Child(self._number, asyncio.get_running_loop().create_future())
        self._children[child.number] = child
        request = json.dumps({"start": child.number, "arguments": arguments}).encode()
        socket.send_fds(self._socket, [request], list(descriptors))
        return child

    def kill(self, child: Child) -> None:
        """SIGKILL, as a power cut or a reset does it."""
        if self._socket is not None and not child.exited.done():
            with contextlib.suppress(OSError):
                self._socket.send(json.dumps({"kill": child.number}).encode())

    def interrupt(self, child: Child) -> None:
        """Have a KeyboardInterrupt raised at the interpreter's next check, as a Ctrl-C on UART0 does.

        One that has not arrived yet stands for those behind it, as one that the board has not raised yet does. So no
        flood fills the socket, which has no room then for what ends the board.
        """
        if self._socket is not None and not child.exited.done() and not child.interrupted:
            child.interrupted = True
            self._socket.send(json.dumps({"interrupt": child.number}).encode())

    def _hear(self) -> None:
        assert self._socket is not None
        try:
            report = self._socket.recv(_LARGEST)
        except BlockingIOError:
            return
        except OSError:
            report = b""
        if not report:
            self._lose()
            return
        said = json.loads(report)
        if "interrupted" in said:
            self._interrupted(self._children.get(said["interrupted"]))
            return
        child = self._children.pop(said["exited"], None)
        if child is not None and not child.exited.done():
            child.exited.set_result(said["status"])

    def _interrupted(self, child: Child | None) -> None:
        if child is not None:
            child.interrupted = False
            tell, child.delivered = child.delivered, lambda: None
            tell()

    def _lose(self) -> None:
        # The fork server is gone and with it every board.
        assert self._socket is not None
        asyncio.get_running_loop().remove_reader(self._socket)
        for child in self._children.values():
            if not child.exited.done():
                child.exited.set_result(signal.SIGKILL)
        self._children.clear()

    def close(self) -> None:
        """End the fork server and every board."""
        if self._socket is not None:
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        if self._process is not None:
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


# -- the fork server ---------------------------------------------------------------------------------------------------


# The interpreter's own handler of SIGINT raises wherever the C code happens to be, in the middle of an allocation too.
# This signal only sets what the VM looks at, which is all that the ESP32's UART interrupt does. A plain executable of
# the user's has no such door: it gets the SIGINT.
_SCHEDULE = signal.SIGUSR2


def _schedule_interrupts() -> None:
    import micropython_run

    schedule = ctypes.cast(ctypes.CDLL(micropython_run.__file__).mp_sched_keyboard_interrupt, ctypes.c_void_p)
    install = ctypes.CDLL(None).signal
    install.argtypes, install.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    install(_SCHEDULE, schedule)
    signal.siginterrupt(_SCHEDULE, True)  # waits end at it


def _become(arguments: list[str], descriptors: list[int], server: int) -> None:
    leash.tie(server)
    for wanted, have in enumerate(descriptors):
        os.dup2(have, wanted)
    os.closerange(LINK + 1, 256)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    plain = interpreter.executable()
    if plain is not None:
        os.execvp(plain, [plain, *arguments])  # noqa: S606 (no shell is wanted)
    _schedule_interrupts()
    os._exit(interpreter.run(arguments))


class _Server:
    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._by_number: dict[int, int] = {}
        self._by_pid: dict[int, int] = {}

    def serve(self) -> None:
        """Fork and reap until the twin is gone."""
        woken, wake = os.pipe()
        for end in (woken, wake):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self._line, select.POLLIN)
        poll.register(woken, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == woken:
                    with contextlib.suppress(BlockingIOError):
                        os.read(woken, _LARGEST)
                elif not self._obey():
                    return
            self._reap()

    def _obey(self) -> bool:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._line, _LARGEST, LINK + 1)
        except OSError:
            message, descriptors = b"", []
        if not message:
            for pid in self._by_pid:
                os.kill(pid, signal.SIGKILL)
            return False
        wish: dict[str, Any] = json.loads(message)
        if "kill" in wish:
            doomed = self._by_number.get(wish["kill"])
            if doomed is not None:
                os.kill(doomed, signal.SIGKILL)
            return True
        if "interrupt" in wish:
            self._interrupt(wish["interrupt"])
            return True
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                _become(wish["arguments"], descriptors, server)
            finally:
                os._exit(127)
        for descriptor in descriptors:
            os.close(descriptor)
        self._by_number[wish["start"]] = pid
        self._by_pid[pid] = wish["start"]
        return True

    def _interrupt(self, number: int) -> None:
        pid = self._by_number.get(number)
        if pid is not None:
            os.kill(pid, signal.SIGINT if interpreter.executable() else _SCHEDULE)
        self._line.send(json.dumps({"interrupted": number}).encode())

    def _reap(self) -> None:
        while self._by_pid:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            number = self._by_pid.pop(pid)
            del self._by_number[number]
            with contextlib.suppress(OSError):
                self._line.send(json.dumps({"exited": number, "status": status}).encode())


def main() -> None:
    """Serve on the socket whose descriptor is the first argument."""
    given = int(sys.argv[1])
    os.dup2(given, _OWN_SOCKET)  # out of the way of the boards' descriptors
    os.close(given)
    if interpreter.executable() is None:
        import micropython_run  # noqa: F401 (loaded here once, so that no child has to)
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=_OWN_SOCKET) as line:
        _Server(line).serve()


if __name__ == "__main__":
    main()
