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

from stoep.clock import Clock, real, timestamp
from stoep.health import Bounded, Counters, Pulse
from stoep.links.base import BURST, RATE, Handler, Received
from stoep.links.port import PortError, open_port
from stoep.links.usb import Fixed, Seeker
from stoep.wire.serial import END, Credit, Deframer, Filter, HeardFrame, Hello, Send, frame

_log = logging.getLogger(__name__)
_FIRST_DELAY = 0.25  # seconds before the port is tried again, doubled up to:
_LONGEST_DELAY = 5.0
_LATE = 0.2  # seconds after which a reply is not worth sending
_PATIENT = 0.25  # seconds for which a part of the filter lets replies go before it
_SILENT = 3.5  # seconds without a HELLO (one a second) after which the bridge counts as gone
_PROBE = 6.0  # seconds for which a port is listened to while there are others that could be the bridge's
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
    """A `Link` over a serial port: the one of this name, or whichever the `seeker` finds."""

    medium = "radio"

    def __init__(
        self,
        name: str,
        handler: Handler,
        clock: Clock,
        counters: Counters,
        seeker: Seeker | None = None,
        *,
        pulse: Pulse | None = None,
    ) -> None:
        self.name = name
        self._seeker: Seeker | Fixed = seeker or Fixed(name)
        self._at = name  # the port that is open, or was last
        self._handler = handler
        self._clock = clock
        self._counters = counters
        self._pulse = pulse or Pulse()
        self._lock = threading.RLock()  # the handler sends from within a read; others may from their own threads
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"bridge {name}", daemon=True)
        self._say = Bounded(_log)
        self._port: serial.Serial | None = None
        self._credit = Credit()
        self._queue: deque[_Waiting] = deque()
        self._kids: tuple[bytes, ...] | None = None
        self._filters: list[bytes] = []
        self._filters_since = 0.0  # when the first of them began to wait
        self._hello: Hello | None = None
        self._hello_at = 0.0
        self._opened_at = 0.0
        self._alive_at = clock.monotonic()  # of the clock: when it was last known to live
        self._silent_since: str | None = None
        self._written_at = 0.0
        self.state = State.CLOSED
        self._told: set[str] = set()
        self.problem: str | None = None
        self.flaw: str | None = None  # what somebody who sees all bridges says of this one
        self.frames = 0  # heard by it

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def alive(self) -> bool:
        return self.state is State.READY and real() - self._hello_at <= _SILENT

    @property
    def channel(self) -> int | None:
        """The radio channel on which it listens."""
        return None if self._hello is None else self._hello.channel

    def trouble(self) -> str | None:
        """Why it is of no use now, and what to do about it."""
        if self.alive():
            return self.flaw
        if self.state is State.CLOSED:
            return self.problem
        return f"{self._at} is open but no bridge says hello: is it flashed, is it the right port?"

    def status(self) -> Mapping[str, object]:
        hello, trouble = self._hello, self.trouble()
        status: dict[str, object] = {"port": self._at, "alive": self.alive(), "state": self.state.value}
        if trouble is not None:
            status["problem"] = trouble
        if not self.alive():
            status["silent_since"] = self._since()
        if hello is not None:
            counters = dict(zip(_HELLO_COUNTERS, hello.counters, strict=True))
            status |= {"mac": hello.mac.hex(":"), "channel": hello.channel, "release": hello.release}
            status["counters"] = counters
        return status

    def _since(self) -> str | None:
        """Worked out once, so that a clock that is being slewed makes no news of it."""
        if self._silent_since is None and self._clock.trusted():
            self._silent_since = timestamp(self._alive_at + self._clock.offset())
        return self._silent_since

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
            self._pulse.beat(self.name)
            try:
                self._converse()
            except PortError as error:
                self._fail(str(error))
            except (OSError, TypeError) as error:  # TypeError: pyserial reading a port closed under it
                self._fail(f"{self._at} was lost ({error}): plug the bridge in again")
            if self._hello is not None and real() - self._hello_at < _LONGEST_DELAY:
                delay = _FIRST_DELAY  # it worked until now
            self._stop.wait(delay)
            delay = min(2 * delay, _LONGEST_DELAY)
        self._pulse.forget(self.name)

    def _fail(self, problem: str) -> None:
        self._tell(f"{problem}; trying again", logging.WARNING)
        self.problem = problem
        self._counters.add("bridge_failures")

    def _tell(self, what: str, level: int) -> None:
        """Once, until a bridge has said hello: ports are tried for ever."""
        if what not in self._told:
            _log.log(level, "%s", what)
        self._told.add(what)

    def _converse(self) -> None:
        """From choosing the port to losing it."""
        began = real()
        self._at = self._seeker.claim()
        try:
            self._listen(open_port(self._at))
        finally:
            spoke = self._hello_at > began and real() - self._hello_at < _PROBE
            self._seeker.release(self._at, good=spoke)

    def _listen(self, port: serial.Serial) -> None:
        deframer = Deframer()
        with self._lock:
            self._port = port
            self._credit = Credit()
            self._queue.clear()
            self.problem = None
            self.state = State.WAITING
        self._opened_at = real()
        self._tell(f"{self._at} is open, waiting for the bridge", logging.INFO)
        try:
            while not self._stop.is_set():
                self._pulse.beat(self.name)
                data = port.read(max(1, port.in_waiting))
                at = self._clock.monotonic()
                for message in deframer.feed(data):
                    self._take(message, at)
                if not data:
                    with self._lock:
                        self._pump()
                if not self.alive():
                    self._check()
        finally:
            with self._lock:
                self._port = None
                self.state = State.CLOSED
            port.close()

    def _check(self) -> None:
        """Nobody says hello, whatever else may come."""
        if self.state is State.READY:
            _log.warning("the bridge on %s has fallen silent", self._at)
            self.state = State.WAITING
        if real() - max(self._opened_at, self._hello_at) > _PROBE and self._seeker.others(self._at):
            raise PortError(f"{self._at}: no bridge says hello there")

    def _take(self, message: object, at: float) -> None:
        if isinstance(message, Hello):
            self._greet(message)
        elif isinstance(message, HeardFrame):
            self.frames += 1
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
            self._alive_at, self._silent_since = self._clock.monotonic(), None
            self._told.clear()
            if booted:
                _log.info("the bridge on %s says hello: release %s", self._at, hello.release)
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
            self._say.say("late", "the bridge on %s takes bytes too slowly, a reply was dropped", self._at)
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
            self._say.say("write", "%s cannot be written: %s", self._at, error)
            self._credit.revoke()
            return False
        self._credit.spend(len(data))
        self._written_at = real()
        return True
