"""The link by the local broker: nodes on Wi-Fi publish their sealed frames there and hear their replies.

The broker's accounts are the second lock; what comes is believed no more than what comes by radio. One thread reads,
hands frames to the handler and sends what the handler answers. A new paho client for each connection: a reply that was
under way when the last one broke is too late.
"""

import logging
import random
import re
import socket
import threading
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from stoep import tls
from stoep.clock import Clock, real
from stoep.errors import MalformedError, TransientError
from stoep.health import Bounded, Counters, Pulse
from stoep.links.base import BURST, RATE, Handler, Received
from stoep.links.rates import Rates
from stoep.wire.frame import read_header

_log = logging.getLogger(__name__)
_UP = re.compile(r"stoep/up/([0-9a-f]{8})")
_FIRST_DELAY = 0.25  # seconds before the next try, doubled up to:
_LONGEST_DELAY = 30.0
_CONNECT_SECONDS = 3.0
_ANSWER_SECONDS = 5.0  # for the broker to answer CONNECT and SUBSCRIBE
_TURN = 0.2
_MOST_UNDER_WAY = 20  # replies the broker has not acknowledged; more are dropped
_KEEPALIVE = 15
_FAILURE = 0x80  # MQTT 5: reason codes from here on mean no


class BrokerError(TransientError):
    """No connection now; `refused`: asking again soon is of no use."""

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class State(Enum):
    CLOSED = "closed"
    WAITING = "waiting for the broker's answer"
    READY = "ready"


@dataclass(frozen=True)
class LocalBroker:
    """Where the local broker is and how it knows us."""

    host: str
    port: int
    client_id: str
    tls: bool = False
    ca_file: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)


class BrokerLink:
    """A `Link` over MQTT 5; a node's address on it is its kid."""

    medium = "broker"

    def __init__(
        self, broker: LocalBroker, handler: Handler, clock: Clock, counters: Counters, pulse: Pulse | None = None
    ) -> None:
        self.name = f"mqtt://{broker.host}:{broker.port}"
        self._broker = broker
        self._handler = handler
        self._clock = clock
        self._counters = counters
        self._pulse = pulse or Pulse()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"link {self.name}", daemon=True)
        self._say = Bounded(_log)
        self._rates = Rates(RATE, BURST)
        self._kids: tuple[bytes, ...] | None = None
        self._listening: set[str] = set()  # topics
        self._listened_at = 0.0
        self._client: mqtt.Client | None = None
        self._later: deque[tuple[bytes, bytes]] = deque()  # from other threads: paho has one
        self._lost: BrokerError | None = None
        self.state = State.CLOSED
        self.problem: str | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2 * _CONNECT_SECONDS)

    def alive(self) -> bool:
        return self.state is State.READY

    def status(self) -> Mapping[str, object]:
        status: dict[str, object] = {"broker": self.name, "alive": self.alive(), "state": self.state.value}
        if self.problem is not None:
            status["problem"] = self.problem
        if muted := sorted(self._rates.muted()):
            status["muted"] = muted
        return status

    def send(self, mac: bytes, frame: bytes) -> None:
        client = self._client
        if client is None or self.state is not State.READY or len(self._later) >= _MOST_UNDER_WAY:
            self._counters.add("replies_late")
        elif threading.current_thread() is self._thread:
            self._publish(client, mac, frame)
        else:
            self._later.append((mac, frame))

    def _publish(self, client: mqtt.Client, mac: bytes, frame: bytes) -> None:
        sent = client.publish(f"stoep/down/{mac.hex()}", frame, qos=1)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._counters.add("replies_late")
            self._say.say("late", "%s takes replies too slowly, one was dropped", self.name)

    def allow(self, kids: Collection[bytes]) -> None:
        """Only these are asked for; the broker's access list keeps off the others, too."""
        self._kids = tuple(sorted(kids))

    # -- the connection ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        delay = _FIRST_DELAY
        while not self._stop.is_set():
            self._pulse.beat(self.name)
            worked = False
            try:
                self._converse()
            except BrokerError as error:
                worked = self.state is State.READY
                self._fail(str(error))
                delay = _LONGEST_DELAY if error.refused else delay
            finally:
                self.state = State.CLOSED
                self._client = None
            if worked:
                delay = _FIRST_DELAY
            self._stop.wait(delay * random.uniform(0.5, 1.0))
            delay = min(2 * delay, _LONGEST_DELAY)
        self._pulse.forget(self.name)

    def _fail(self, problem: str) -> None:
        level = logging.DEBUG if problem == self.problem else logging.WARNING
        _log.log(level, "%s; trying again", problem)
        self.problem = problem
        self._counters.add("broker_failures")

    def _converse(self) -> None:
        """From dialling to losing it."""
        client = self._connect()
        since = real()
        while not self._stop.is_set():
            self._pulse.beat(self.name)
            code = client.loop(_TURN)
            if self.state is State.READY and real() - self._listened_at >= _TURN:
                self._listen(client)
            while self._later:
                self._publish(client, *self._later.popleft())
            if self._lost is not None:
                raise self._lost
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise BrokerError(f"{self.name} was lost ({mqtt.error_string(code)}): is the local broker running?")
            if self.state is State.WAITING and real() - since > _ANSWER_SECONDS:
                raise BrokerError(f"{self.name} does not answer: is it a broker that speaks MQTT 5?")
        client.disconnect()
        client.loop(0.1)

    def _connect(self) -> mqtt.Client:
        broker = self._broker
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_SECONDS
        client.max_inflight_messages_set(_MOST_UNDER_WAY)
        client.max_queued_messages_set(_MOST_UNDER_WAY)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        if broker.username is not None:
            client.username_pw_set(broker.username, broker.password)
        self._lost = None
        context = None
        try:
            if broker.tls:
                context = tls.context(broker.ca_file)
                client.tls_set_context(context)
            client.connect(broker.host, broker.port, _KEEPALIVE, clean_start=True)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            if context is not None:
                context.close()
            raise BrokerError(f"{self.name} cannot be reached ({error}): is the local broker running?") from error
        opened = client.socket()
        if isinstance(opened, socket.socket):  # a reply must not wait until what went before it is acknowledged
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        self._later.clear()
        self.state = State.WAITING
        return client

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.value >= _FAILURE:
            remedy = "check local_broker.username and local_broker.password_file"
            self._lost = BrokerError(f"{self.name} refuses us ({reason}): {remedy}", refused=True)
            return
        self._listening.clear()
        self._listen(client)
        if not self._listening:
            self._ready()

    def _listen(self, client: mqtt.Client) -> None:
        """To every node of the site, but for those who say too much; to anybody, before we know who belongs to it."""
        self._listened_at = real()
        topics = {"stoep/up/+"} if self._kids is None else {f"stoep/up/{kid.hex()}" for kid in self._kids}
        topics -= self._rates.muted()
        for topic in sorted(self._listening - topics):
            client.unsubscribe(topic)
        more = sorted(topics - self._listening)
        if more:
            client.subscribe([(topic, 1) for topic in more])
        self._listening = topics

    def _on_subscribe(
        self, _client: mqtt.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if any(reason.value >= _FAILURE for reason in reasons):
            remedy = "the account must read stoep/up/+ and write stoep/down/+"
            self._lost = BrokerError(f"{self.name} does not let us hear the nodes: {remedy}", refused=True)
            return
        if self.state is not State.READY:
            self._ready()

    def _ready(self) -> None:
        _log.info("nodes are heard by way of %s", self.name)
        self.problem = None
        self.state = State.READY

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if self._lost is None:
            self._lost = BrokerError(f"{self.name} was lost ({reason}): is the local broker running?")

    # -- frames --------------------------------------------------------------------------------------------------------

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        at = self._clock.monotonic()
        if not self._rates.allows(message.topic):
            self._counters.add("broker_flood")
            why = "more comes on %s than one node says: it is not listened to for a minute"
            self._say.say("flood", why, message.topic[:99])
            return
        kid = self._sender(message)
        if kid is None:
            self._counters.add("broker_garbage")
            self._say.say("garbage", "%s carries what is no frame of the node in its topic", self.name)
            return
        self._handler(self, Received(kid, bytes(message.payload), None, at))

    def _sender(self, message: mqtt.MQTTMessage) -> bytes | None:
        """The node that the topic names, if it is the one that the frame names; nothing here was ever kept for us."""
        try:
            topic = _UP.fullmatch(message.topic)
            if topic is None or message.retain:
                return None
            kid = bytes.fromhex(topic[1])
            return kid if read_header(bytes(message.payload)).kid == kid else None
        except (MalformedError, UnicodeDecodeError):
            return None
