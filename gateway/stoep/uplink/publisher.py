"""The publishing thread: outbox to broker, a bounded number in flight, a row deleted only when the broker took it.

paho's own memory is not trusted with anything: it confirms refused messages, too, and forgets the rest at a restart.
"""

import logging
import random
import threading

from stoep.clock import real
from stoep.health import Bounded, Counters, Pulse
from stoep.store.outbox import Outbox
from stoep.uplink.connection import FAILURE, Broker, Connection, UplinkError
from stoep.uplink.retained import Retained

_log = logging.getLogger(__name__)
PART = "uplink"
_FIRST_DELAY = 0.5  # seconds, doubled with each failure up to:
_LONGEST_DELAY = 60.0
_ANSWER_SECONDS = 10.0  # for the broker to answer our CONNECT
_TURN = 0.1
_DELETE_SECONDS = 0.5  # confirmed rows wait so long to be deleted together
_DELETE_ROWS = 100
_REFUSED_SECONDS = 30.0  # a refused message waits so long before it is tried again
_FAREWELL_SECONDS = 1.5
_STEP = 0.25


class Publisher:
    """`retained` messages beside the outbox's rows; `gateway_topic` carries the last will."""

    def __init__(
        self,
        broker: Broker,
        outbox: Outbox,
        retained: Retained,
        gateway_topic: str,
        offline: bytes,
        counters: Counters,
        pulse: Pulse,
    ) -> None:
        self._broker = broker
        self._outbox = outbox
        self._retained = retained
        self._gateway_topic = gateway_topic
        self._offline = offline
        self._counters = counters
        self._pulse = pulse
        self._say = Bounded(_log)
        self._in_flight: dict[int, int | str] = {}  # message id → row or retained topic
        self._confirmed: set[int] = set()  # rows the broker has, not deleted yet
        self._refused: dict[int, float] = {}  # rows the broker does not want now → real time to try again
        self._deleted_at = 0.0
        self.connected = False
        self.problem: str | None = None

    def run(self, stop: threading.Event) -> None:
        delay = _FIRST_DELAY
        while not stop.is_set():
            self._pulse.beat(PART)
            try:
                self._session(stop)
            except UplinkError as error:
                delay = _FIRST_DELAY if self.connected else min(2 * delay, _LONGEST_DELAY)
                if error.refused:
                    delay = _LONGEST_DELAY
                self._fail(str(error))
            self.connected = False
            self._in_flight.clear()
            self._wait(stop, delay * random.uniform(0.5, 1.0))
        self._delete()

    def _wait(self, stop: threading.Event, seconds: float) -> None:
        until = real() + seconds
        while not stop.is_set() and real() < until:
            self._pulse.beat(PART)
            stop.wait(min(_STEP, seconds))

    def _fail(self, problem: str) -> None:
        level = logging.DEBUG if problem == self.problem else logging.WARNING
        _log.log(level, "%s; trying again", problem)
        self.problem = problem
        self._counters.add("uplink_failures")
        self._delete()

    def _session(self, stop: threading.Event) -> None:
        connection = Connection(self._broker, self._gateway_topic, self._offline, self._on_confirmed)
        connection.open()
        since = real()
        while not connection.ready and not stop.is_set():
            if real() - since > _ANSWER_SECONDS:
                raise UplinkError(f"the broker {self._broker.host} does not answer")
            self._pulse.beat(PART)
            connection.turn(_TURN)
        self.connected = connection.ready
        if self.connected:
            _log.info("connected to the broker %s:%d", self._broker.host, self._broker.port)
            self.problem = None
            self._retained.again()
            self._outbox.waiting.set()
        while not stop.is_set():
            self._pulse.beat(PART)
            self._turn(connection)
        self._farewell(connection)

    def _turn(self, connection: Connection) -> None:
        """Fills the window, lets the network work, deletes what was confirmed."""
        self._fill(connection)
        connection.turn(_TURN)
        if len(self._confirmed) >= _DELETE_ROWS or real() - self._deleted_at >= _DELETE_SECONDS:
            self._delete()

    def _fill(self, connection: Connection) -> None:
        room = connection.limit - len(self._in_flight)
        if room > 0 and self._outbox.waiting.is_set():
            self._outbox.waiting.clear()
            now = real()
            self._refused = {row: until for row, until in self._refused.items() if until > now}
            rows_in_flight = {row for row in self._in_flight.values() if isinstance(row, int)}
            leave_out = rows_in_flight | self._confirmed | set(self._refused)
            messages = self._outbox.next(room, leave_out)
            for message in messages:
                self._in_flight[connection.publish(message.topic, message.payload)] = message.id
            if len(messages) == room:
                self._outbox.waiting.set()  # there may be more than fitted
        while len(self._in_flight) < connection.limit and (newest := self._retained.take()) is not None:
            topic, payload = newest
            self._in_flight[connection.publish(topic, payload, retain=True)] = topic

    def _on_confirmed(self, mid: int, reason: int) -> None:
        what = self._in_flight.pop(mid, None)
        if what is None:
            return
        if reason < FAILURE:
            if isinstance(what, int):
                self._confirmed.add(what)
                self._counters.add("messages_delivered")
            return
        self._counters.add("messages_refused")
        self._say.say("refused", "the broker refuses a message (reason code %#04x); it is kept and tried again", reason)
        if isinstance(what, int):
            self._refused[what] = real() + _REFUSED_SECONDS

    def _delete(self) -> None:
        self._deleted_at = real()
        if self._refused and min(self._refused.values()) <= real():
            self._outbox.waiting.set()
        if self._confirmed:
            self._outbox.confirmed(self._confirmed)
            self._confirmed.clear()

    def _farewell(self, connection: Connection) -> None:
        """What is in flight may still arrive; then we say that we go."""
        if not self.connected:
            connection.close()
            return
        until = real() + _FAREWELL_SECONDS
        self._outbox.waiting.set()
        while real() < until and (self._in_flight or self._outbox.waiting.is_set()):
            self._fill(connection)
            connection.turn(_TURN)
        self._in_flight[connection.publish(self._gateway_topic, self._offline, retain=True)] = self._gateway_topic
        until = real() + _FAREWELL_SECONDS / 3
        while real() < until and self._in_flight:
            connection.turn(_TURN)
        connection.close()
