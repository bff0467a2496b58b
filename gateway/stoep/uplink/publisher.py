"""The publishing thread: outbox to broker, a bounded number in flight, a row deleted only when the broker took it.

paho's own memory is not trusted with anything: it confirms refused messages, too, and forgets the rest at a restart.
"""

import logging
import random
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from stoep.clock import Clock, real
from stoep.health import Bounded, Counters, Pulse
from stoep.store.outbox import AGELESS, Message, Outbox
from stoep.uplink.connection import FAILURE, Broker, Connection, Handler, Will
from stoep.uplink.lanes import LATE, Lanes, Rank
from stoep.uplink.pace import Pace
from stoep.uplink.refusals import TOO_LARGE, Refusals, named
from stoep.uplink.retained import Retained
from stoep.uplink.trouble import UplinkError

_log = logging.getLogger(__name__)
PART = "uplink"
_FIRST_DELAY = 0.5  # seconds, doubled with each failure up to:
_LONGEST_DELAY = 60.0
_ANSWER_SECONDS = 10.0  # for the broker to answer our CONNECT
_LONGEST_ANSWER = 60.0  # and a message; 1.5 × the keepalive if that is less
_TURN = 0.2  # real seconds; what the broker says ends it at once. An alarm that has room waits so long at most
_DELETE_SECONDS = 0.5  # confirmed rows wait so long to be deleted together
_DELETE_ROWS = 100
_RETAINED_SECONDS = 30.0  # a refused retained message waits so long before it is tried again
_FAREWELL_SECONDS = 1.5
_STEP = 0.25
_CERTIFICATE_SECONDS = 600.0  # between two looks at our certificate
_QUOTA_EXCEEDED = 0x97


class _Flight(NamedTuple):
    """A message on its way; `row` is None for a retained one, `confirmed` how many had been when it was sent."""

    topic: str
    row: int | None
    since: float
    confirmed: int


class Publisher:
    """`retained` messages beside the outbox's rows; `gateway_topic` carries the last will.

    `mark` makes of a payload the same as part of the backlog, of which `backlog_per_second` go at most.
    """

    def __init__(
        self,
        broker: Broker,
        outbox: Outbox,
        retained: Retained,
        gateway_topic: str,
        offline: bytes,
        counters: Counters,
        pulse: Pulse,
        *,
        clock: Clock,
        mark: Callable[[bytes], bytes],
        backlog_per_second: float,
    ) -> None:
        self._broker = broker
        self._outbox = outbox
        self._retained = retained
        self._gateway_topic = gateway_topic
        self._offline = offline
        self._counters = counters
        self._pulse = pulse
        self._clock = clock
        self._mark = mark
        self._handlers: dict[str, Handler] = {}
        self._lanes = Lanes(outbox)
        self._pace = Pace(backlog_per_second)
        self._refusals = Refusals(self._lanes.news)
        self._say = Bounded(_log)
        self._in_flight: dict[int, _Flight] = {}  # by message id, the oldest first
        self._confirmed: set[int] = set()  # rows the broker has, not deleted yet
        self._deferred: dict[str, float] = {}  # refused retained topics → real time to try again
        self._deleted_at = 0.0
        self._count = 0  # messages confirmed, ever
        self._deaf: str | None = None
        self._certificate: tuple[float, Mapping[str, object]] | None = None
        self.connected = False
        self.problem: str | None = None

    def subscribe(self, topic: str, handler: Handler) -> None:
        """Before `run`: messages that match go to `handler(topic, payload, retained)`, on this thread, with QoS 1.

        The broker keeps what comes while we are away; it is told that a message arrived when the handler has returned.
        The same message may come twice. On StoreFullError it is handed over again until there is room, and the broker
        is not told meanwhile; any other exception of the handler ends the process.
        """
        self._handlers[topic] = handler

    def status(self) -> Mapping[str, Any]:
        """For the gateway's health."""
        said: dict[str, Any] = {"connected": self.connected}
        if self.problem is not None:
            said["problem"] = self.problem
        if refused := self._refusals.status():
            said["refused"] = refused
        if self._pace.slowed:
            said["slowed"] = "the broker says that its quota is exceeded"
        if self._deaf is not None:
            said["deaf"] = self._deaf
        if self._broker.certificate is not None:
            said["certificate"] = self._certified()
        return said

    def _certified(self) -> Mapping[str, object]:
        assert self._broker.certificate is not None
        if self._certificate is None or real() - self._certificate[0] >= _CERTIFICATE_SECONDS:
            now = self._clock.utc() if self._clock.trusted() else None
            said = self._broker.certificate.status(now)
            if "problem" in said and (self._certificate is None or self._certificate[1] != said):
                _log.warning("%s", said["problem"])
            self._certificate = (real(), said)
        return self._certificate[1]

    def run(self, stop: threading.Event) -> None:
        delay = _FIRST_DELAY
        while not stop.is_set():
            self._pulse.beat(PART)
            before = self._count
            try:
                self._session(stop)
            except UplinkError as error:
                idle = self.connected and not self._in_flight
                fruitful = self._count > before
                delay = _FIRST_DELAY if idle or fruitful else min(2 * delay, _LONGEST_DELAY)
                if error.refused:
                    delay = _LONGEST_DELAY
                self._fail(str(error), fruitful=fruitful)
            self.connected = False
            self._in_flight.clear()
            self._wait(stop, delay * random.uniform(0.5, 1.0))
        self._delete()

    def _wait(self, stop: threading.Event, seconds: float) -> None:
        until = real() + seconds
        while not stop.is_set() and real() < until:
            self._pulse.beat(PART)
            stop.wait(min(_STEP, seconds))

    def _fail(self, problem: str, *, fruitful: bool) -> None:
        level = logging.DEBUG if problem == self.problem else logging.WARNING
        _log.log(level, "%s; trying again", problem)
        self.problem = problem
        self._counters.add("uplink_failures")
        if self._in_flight and not fruitful:
            self._pace.fruitless()
        if len(self._in_flight) == 1:
            (alone,) = self._in_flight.values()
            if alone.row is not None:
                self._refusals.struck(alone.row, alone.topic, f"it was on its way when {problem}")
        self._delete()

    # -- a connection --------------------------------------------------------------------------------------------------

    def _session(self, stop: threading.Event) -> None:
        connection = Connection(
            self._broker, Will(self._gateway_topic, self._offline), self._on_confirmed, self._handlers
        )
        connection.open()
        since = real()
        while not connection.ready and not stop.is_set():
            if real() - since > _ANSWER_SECONDS:
                connection.drop()
                raise UplinkError(f"the broker {self._broker.host} does not answer; is it one that speaks MQTT 5?")
            self._pulse.beat(PART)
            connection.turn(_TURN)
        self.connected = connection.ready
        if self.connected:
            _log.info("connected to the broker %s:%d", self._broker.host, self._broker.port)
            self.problem = None
            self._pace.limit = connection.limit
            self._certificate = None
            self._retained.again()
            self._lanes.restart()
        while not stop.is_set():
            self._pulse.beat(PART)
            self._turn(connection)
        self._farewell(connection)

    def _turn(self, connection: Connection) -> None:
        """Fills the window, lets the network work, deletes what was confirmed."""
        self._fill(connection)
        connection.turn(_TURN)
        self._deaf = connection.deaf
        self._look_at_the_oldest(connection)
        if len(self._confirmed) >= _DELETE_ROWS or real() - self._deleted_at >= _DELETE_SECONDS:
            self._delete()

    def _look_at_the_oldest(self, connection: Connection) -> None:
        """A broker that confirms nothing is left; a message that it alone does not confirm is not tried for ever."""
        oldest = next(iter(self._in_flight.values()), None)
        patience = min(1.5 * self._broker.keepalive, _LONGEST_ANSWER)
        if oldest is None or real() - oldest.since < patience:
            return
        why = f"the broker {self._broker.host} does not confirm a message in {patience:.0f} s"
        if oldest.row is not None and self._count > oldest.confirmed and len(self._in_flight) > 1:
            self._refusals.struck(oldest.row, oldest.topic, why)
        connection.drop()
        raise UplinkError(f"{why}; is the way to it open?")

    # -- what goes -----------------------------------------------------------------------------------------------------

    def _fill(self, connection: Connection, *, backlog: bool = True) -> None:
        self._refusals.turn()
        if self._outbox.waiting.is_set():
            self._outbox.waiting.clear()
            self._lanes.news()
        for rank in (Rank.ALARM, Rank.LIVE):
            self._fill_with(connection, rank, self._room())
        self._fill_with_retained(connection)
        if backlog:
            sent = self._fill_with(connection, Rank.BACKLOG, min(self._room(), self._pace.backlog()))
            self._pace.sent_backlog(sent)

    def _room(self) -> int:
        return max(0, self._pace.allowed - len(self._in_flight))

    def _fill_with(self, connection: Connection, rank: Rank, count: int) -> int:
        """How many of the rank were sent."""
        if count <= 0 or self._lanes.dry:
            return 0
        busy = self._confirmed | {flight.row for flight in self._in_flight.values() if flight.row is not None}
        cutoff = int(self._clock.utc()) - LATE if self._clock.trusted() else AGELESS

        def passed(message: Message) -> bool:
            return message.id in busy or self._refusals.holds(message.id, message.topic)

        rows = self._lanes.take(rank, count, cutoff, passed)
        for row in rows:
            payload = self._mark(row.payload) if rank is Rank.BACKLOG else row.payload
            self._send(connection, row.topic, payload, row.id)
        return len(rows)

    def _fill_with_retained(self, connection: Connection) -> None:
        for topic in [topic for topic, until in self._deferred.items() if until <= real()]:
            del self._deferred[topic]
            self._retained.defer(topic)
        while self._room() > 0 and (newest := self._retained.take()) is not None:
            self._send(connection, *newest, None)

    def _send(self, connection: Connection, topic: str, payload: bytes, row: int | None) -> None:
        if not connection.fits(topic, payload):
            self._refuse(topic, row, TOO_LARGE)
            return
        number = connection.publish(topic, payload, retain=row is None)
        self._in_flight[number] = _Flight(topic, row, real(), self._count)

    # -- what became of it ---------------------------------------------------------------------------------------------

    def _on_confirmed(self, mid: int, reason: int) -> None:
        flight = self._in_flight.pop(mid, None)
        if flight is None:
            return
        if reason >= FAILURE:
            self._refuse(flight.topic, flight.row, reason)
            return
        self._count += 1
        self._pace.accepted()
        self._refusals.accepted(flight.row, flight.topic)
        if flight.row is not None:
            self._confirmed.add(flight.row)
            self._counters.add("messages_delivered")

    def _refuse(self, topic: str, row: int | None, reason: int) -> None:
        self._counters.add("messages_refused")
        self._say.say("refused", "the broker refuses %s (%s); it is kept and tried again", topic, named(reason))
        if reason == _QUOTA_EXCEEDED:
            self._pace.exceeded()
            self._lanes.news()
        else:
            self._refusals.refused(row, topic, reason)
        if row is None:
            self._deferred[topic] = real() + _RETAINED_SECONDS

    def _delete(self) -> None:
        self._deleted_at = real()
        if self._confirmed:
            self._outbox.confirmed(self._confirmed)
            self._confirmed.clear()

    def _farewell(self, connection: Connection) -> None:
        """What is live and in flight may still arrive; then we say that we go."""
        if not self.connected:
            connection.close()
            return
        until = real() + _FAREWELL_SECONDS
        while real() < until:
            self._fill(connection, backlog=False)
            if not self._in_flight:
                break
            connection.turn(_TURN)
        if len(self._in_flight) >= connection.limit:  # one more would break the broker's rule
            connection.close(will=True)
            return
        self._send(connection, self._gateway_topic, self._offline, None)
        until = real() + _FAREWELL_SECONDS / 3
        while real() < until and self._in_flight:
            connection.turn(_TURN)
        connection.close()
