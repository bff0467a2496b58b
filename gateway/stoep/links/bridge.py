"""The link to one bridge: opened again for ever, silent until the bridge grants credit.

One thread reads, hands frames to the handler and writes what the handler answers, so a reply leaves at once.
"""

import logging
import threading
from collections import deque
from collections.abc import Collection, Mapping
from enum import Enum
from typing import NamedTuple

import serial

from stoep.clock import Clock, real
from stoep.health import Bounded, Counters
from stoep.links.base import Handler, Received
from stoep.links.port import PortError, open_port
from stoep.wire.serial import END, Credit, Deframer, Filter, HeardFrame, Hello, Send, frame

_log = logging.getLogger(__name__)
RATE = 50  # frames a second of one sender: a node that drains its backlog stays below
BURST = 100
_FIRST_DELAY = 0.25  # seconds before the port is tried again, doubled up to:
_LONGEST_DELAY = 5.0
_LATE = 0.2  # seconds after which a reply is not worth sending
_PATIENT = 0.25  # seconds for which a part of the filter lets replies go before it
_SILENT = 3.5  # seconds without a HELLO (one a second) after which the bridge counts as gone
_IDLE = 0.25  # seconds after the last write by which all of it is consumed or lost: the ring's 260 bytes take 3 ms
_HELLO_COUNTERS = ("heard", "filtered", "sent", "send_failed", "serial_errors", "overflows")
_SERIAL_ERRORS = _HELLO_COUNTERS.index("serial_errors")


class State(Enum):
    CLOSED = "closed"
    WAITING = "waiting for the bridge's hello"
    READY = "ready"


class _Waiting(NamedTuple):
    data: bytes
    until: float  # real; a filter may wait for ever


class BridgeLink:
    """A `Link` over a serial port."""

    medium = "radio"

    def __init__(self, port: str, handler: Handler, clock: Clock, counters: Counters) -> None:
        self.name = port
        self._handler = handler
        self._clock = clock
        self._counters = counters
        self._lock = threading.RLock()  # the handler sends from within a read; others may from their own threads
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"bridge {port}", daemon=True)
        self._say = Bounded(_log)
        self._port: serial.Serial | None = None
        self._credit = Credit()
        self._queue: deque[_Waiting] = deque()
        self._kids: tuple[bytes, ...] | None = None
        self._filters: list[bytes] = []
        self._filters_since = 0.0  # when the first of them began to wait
        self._hello: Hello | None = None
        self._hello_at = 0.0
        self._written_at = 0.0
        self.state = State.CLOSED
        self.problem: str | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def alive(self) -> bool:
        return self.state is State.READY and real() - self._hello_at <= _SILENT

    def status(self) -> Mapping[str, object]:
        hello = self._hello
        status: dict[str, object] = {"port": self.name, "alive": self.alive(), "state": self.state.value}
        if self.problem is not None:
            status["problem"] = self.problem
        elif self.state is State.WAITING:
            status["problem"] = f"{self.name} is open but no bridge says hello: is it flashed, is it the right port?"
        if hello is not None:
            counters = dict(zip(_HELLO_COUNTERS, hello.counters, strict=True))
            status |= {"mac": hello.mac.hex(":"), "channel": hello.channel, "release": hello.release}
            status["counters"] = counters
        return status

    def send(self, mac: bytes, frame_: bytes) -> None:
        with self._lock:
            self._queue.append(_Waiting(frame(Send(mac, frame_).to_bytes()), real() + _LATE))
            self._pump()

    def allow(self, kids: Collection[bytes]) -> None:
        with self._lock:
            self._kids = tuple(sorted(kids))
            self._push_filter()
            self._pump()

    def _run(self) -> None:
        delay = _FIRST_DELAY
        while not self._stop.is_set():
            try:
                self._converse()
            except PortError as error:
                self._fail(str(error))
            except (OSError, TypeError) as error:  # TypeError: pyserial reading a port closed under it
                self._fail(f"{self.name} was lost ({error}): plug the bridge in again")
            if self._hello is not None and real() - self._hello_at < _LONGEST_DELAY:
                delay = _FIRST_DELAY  # it worked until now
            self._stop.wait(delay)
            delay = min(2 * delay, _LONGEST_DELAY)

    def _fail(self, problem: str) -> None:
        if problem != self.problem:
            _log.warning("%s; trying again", problem)
        self.problem = problem
        self._counters.add("bridge_failures")

    def _converse(self) -> None:
        """From opening the port to losing it."""
        port = open_port(self.name)
        deframer = Deframer()
        with self._lock:
            self._port = port
            self._credit = Credit()
            self._queue.clear()
            self.problem = None
            self.state = State.WAITING
        _log.info("%s is open, waiting for the bridge", self.name)
        try:
            while not self._stop.is_set():
                data = port.read(max(1, port.in_waiting))
                if not data:
                    self._check()
                    continue
                at = self._clock.monotonic()
                for message in deframer.feed(data):
                    self._take(message, at)
        finally:
            with self._lock:
                self._port = None
                self.state = State.CLOSED
            port.close()

    def _check(self) -> None:
        if self.state is State.READY and real() - self._hello_at > _SILENT:
            _log.warning("the bridge on %s has fallen silent", self.name)
            self.state = State.WAITING
        with self._lock:
            self._pump()

    def _take(self, message: object, at: float) -> None:
        if isinstance(message, Hello):
            self._greet(message)
        elif isinstance(message, HeardFrame):
            with self._lock:
                self._credit.consumed(message.consumed)
                self._pump()
            self._handler(self, Received(message.mac, message.frame, message.rssi, at))
        else:
            self._counters.add("serial_garbage")
            with self._lock:
                self._credit.revoke()

    def _greet(self, hello: Hello) -> None:
        with self._lock:
            idle = real() - self._written_at > _IDLE
            booted = self._credit.hello(hello.boot, hello.consumed, hello.window, idle=idle)
            garbled = self._hello is not None and hello.counters[_SERIAL_ERRORS] != self._hello.counters[_SERIAL_ERRORS]
            self._hello, self._hello_at = hello, real()
            if booted:
                _log.info("the bridge on %s says hello: release %s", self.name, hello.release)
                self._queue.clear()
            if booted or garbled or self._credit.astray:
                self._write(END)
                self._push_filter()
            self.state = State.READY
            self._pump()

    def _push_filter(self) -> None:
        """Every part again: the bridge may have lost one."""
        if self._kids is not None:
            self._filters = [frame(part.to_bytes()) for part in Filter.cut(self._kids, RATE, BURST)]
            self._filters_since = real()

    def _pump(self) -> None:
        """Writes what there is credit for; replies first, but no street is so busy that the filter never comes."""
        while self._queue and self._queue[0].until < real():
            self._queue.popleft()
            self._counters.add("replies_late")
            self._say.say("late", "the bridge on %s takes bytes too slowly, a reply was dropped", self.name)
        if self._filters and real() - self._filters_since > _PATIENT and not self._write_filter():
            return  # it needs nearly the whole ring: a reply now would take its room again
        while self._queue and self._write(self._queue[0].data):
            self._queue.popleft()
        while not self._queue and self._filters and self._write_filter():
            pass

    def _write_filter(self) -> bool:
        if not self._write(self._filters[0]):
            return False
        del self._filters[0]
        self._filters_since = real()
        return True

    def _write(self, data: bytes) -> bool:
        if self._port is None or self._credit.room() < len(data):
            return False
        try:
            self._port.write(data)
        except OSError as error:  # the reading side will notice, too, and open the port again
            self._say.say("write", "%s cannot be written: %s", self.name, error)
            self._credit.revoke()
            return False
        self._credit.spend(len(data))
        self._written_at = real()
        return True
