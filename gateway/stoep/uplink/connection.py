"""One connection to the city's broker, and why it came to an end.

A new paho client for each: its memory of what was in flight dies with the connection, the outbox's does not. The broker
keeps our session, so what the city sends us while we are away waits there and comes with the next connection.
"""

import logging
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from stoep import tls
from stoep.clock import real
from stoep.errors import SettingsError, StoreFullError
from stoep.uplink.certificate import Certificate
from stoep.uplink.pace import MOST_IN_FLIGHT
from stoep.uplink.trouble import UplinkError, alert, lost, refused, untrusted

_log = logging.getLogger(__name__)
FAILURE = 0x80  # MQTT 5: reason codes from here on mean no
_CONNECT_SECONDS = 3.0
_SESSION_SECONDS = 7 * 86_400  # for which the broker keeps what is sent to us
_LARGEST = 65_536  # bytes of a message to us
_OVERHEAD = 16  # bytes of a PUBLISH beside topic and payload, at most
_WITH_WILL = 0x04  # MQTT 5, section 3.14.2.1
_AGAIN_SECONDS = 1.0  # real: what found no room is tried again
_PATIENCE = 0.75  # of the keepalive: paho gives a silent broker up after twice what it is told

Confirmed = Callable[[int, int], None]  # (message id, reason code)
Handler = Callable[[str, bytes, bool], None]  # (topic, payload, retained); what it raises: see `_hand_over`


@dataclass(frozen=True)
class Broker:
    """Where the city's broker is and how it knows us; a silent one is given up after 1.5 × `keepalive` seconds.

    `lasting`: it shall keep for us what is sent while we are away.
    """

    host: str
    port: int
    client_id: str
    keepalive: int
    tls: bool = True
    ca_file: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    certificate: Certificate | None = None
    lasting: bool = True


class Will(NamedTuple):
    """What the broker says in our place when we are gone."""

    topic: str
    payload: bytes


def _properties(packet: int, **values: int) -> Properties:
    made = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(made, name, value)
    return made


class _Come(NamedTuple):
    """A message that the broker is still to be told we have."""

    handler: Handler
    message: mqtt.MQTTMessage


class Connection:
    """`handlers`: topic filter → what takes the messages that match; the broker is told when it has returned.

    Where there is no room to write a message down it waits here, unacknowledged, and those after it: more than 20 the
    broker does not send, and a connection that ends has it send them all again.
    """

    def __init__(
        self, broker: Broker, will: Will | None, confirmed: Confirmed, handlers: Mapping[str, Handler]
    ) -> None:
        self._broker = broker
        self._confirmed = confirmed
        self._handlers = handlers
        self._asked: dict[int, str] = {}  # SUBSCRIBE's id → topic filter
        self._come: deque[_Come] = deque()  # in the order in which they came
        self._try_at = 0.0  # real
        self.ready = False
        self.limit = MOST_IN_FLIGHT
        self.deaf: str | None = None  # why we do not hear the city
        self._largest: int | None = None
        self._lost: UplinkError | None = None
        self._error = ""  # the last of the socket's
        self._tls: tls.Context | None = None
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = _CONNECT_SECONDS
        client.max_inflight_messages_set(0)  # we count ourselves
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_log = self._on_log
        client.on_message = self._on_stray
        for topic, handler in handlers.items():
            client.message_callback_add(topic, self._passing_to(handler))
        if broker.username is not None:
            client.username_pw_set(broker.username, broker.password)
        if broker.tls:
            self._tls = self._secured(broker)
            client.tls_set_context(self._tls)

    @staticmethod
    def _secured(broker: Broker) -> tls.Context:
        own = broker.certificate
        try:
            if own is not None:
                own.check()
            return tls.context(broker.ca_file, None if own is None else (own.file, own.key_file))
        except SettingsError as error:
            raise UplinkError(str(error), refused=True) from error
        except OSError as error:
            raise UplinkError(f"{broker.ca_file} is no CA certificate: {error}", refused=True) from error

    def open(self) -> None:
        """Returns when the TCP connection stands; `ready` follows with the broker's answer."""
        try:
            self._connect()
        except UplinkError:
            if self._tls is not None:
                self._tls.close()
            raise

    def _connect(self) -> None:
        host, port = self._broker.host, self._broker.port
        properties = _properties(
            PacketTypes.CONNECT,
            SessionExpiryInterval=_SESSION_SECONDS if self._broker.lasting else 0,
            ReceiveMaximum=MOST_IN_FLIGHT,
            MaximumPacketSize=_LARGEST,
        )
        keepalive = max(1, int(self._broker.keepalive * _PATIENCE))
        try:
            self._client.connect(host, port, keepalive, clean_start=not self._broker.lasting, properties=properties)
        except ssl.SSLCertVerificationError as error:
            raise untrusted(host, port, error) from error
        except ssl.SSLError as error:
            raise alert(host, str(error)) or UplinkError(
                f"the broker {host}:{port} does not speak TLS with us ({error.reason}); look at mqtt.tls"
            ) from error
        except (OSError, ValueError) as error:
            raise UplinkError(f"the broker {host}:{port} cannot be reached ({error})") from error

    def turn(self, seconds: float) -> None:
        """Reads and writes for up to `seconds`; raises UplinkError when the connection is no more."""
        code = self._client.loop(seconds)
        self._hand_over()
        if self._lost is not None:
            raise self._lost
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise self._ended(mqtt.error_string(code))

    def _passing_to(self, handler: Handler) -> Callable[[mqtt.Client, Any, mqtt.MQTTMessage], None]:
        def on_message(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
            self._come.append(_Come(handler, message))

        return on_message

    def _hand_over(self) -> None:
        """A full disk is waited for; whatever else a handler raises ends the process, unacknowledged."""
        while self._come and real() >= self._try_at:
            handler, message = self._come[0]
            try:
                handler(message.topic, bytes(message.payload), message.retain)
            except StoreFullError:
                self._try_at = real() + _AGAIN_SECONDS
                return
            self._come.popleft()
            self._client.ack(message.mid, message.qos)

    def _ended(self, reason: object) -> UplinkError:
        host = self._broker.host
        if self._tls is not None and not self.ready:  # the reset may have overtaken the alert
            hint = "does it want another certificate of ours? Look at mqtt.cert_file"
            return alert(host, self._error) or UplinkError(f"the broker {host} hung up before it answered; {hint}")
        return UplinkError(f"the connection to {host} was lost ({reason})")

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """The message's id, for `confirmed`."""
        return self._client.publish(topic, payload, qos=1, retain=retain).mid

    def fits(self, topic: str, payload: bytes) -> bool:
        """Whether the broker takes a message as large as this; to send it all the same would end the connection."""
        return self._largest is None or len(topic.encode()) + len(payload) + _OVERHEAD <= self._largest

    def close(self, *, will: bool = False) -> None:
        """Our session stays; the broker says our last will only if it shall."""
        reason = ReasonCode(PacketTypes.DISCONNECT, identifier=_WITH_WILL if will else 0)
        self._client.disconnect(reason, _properties(PacketTypes.DISCONNECT))
        self._client.loop(0.1)

    def drop(self) -> None:
        """As if the cable had been cut."""
        if (socket := self._client.socket()) is not None:
            socket.close()

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.value >= FAILURE:
            self._lost = refused(self._broker.host, reason)
            return
        if getattr(properties, "MaximumQoS", 1) < 1:
            why = "confirms nothing (maximum QoS 0); it cannot be used"
            self._lost = UplinkError(f"the broker {self._broker.host} {why}", refused=True)
            return
        self.limit = max(1, min(MOST_IN_FLIGHT, getattr(properties, "ReceiveMaximum", MOST_IN_FLIGHT)))
        self._largest = getattr(properties, "MaximumPacketSize", None)
        self.ready = True
        once = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        for topic in self._handlers:
            _, mid = client.subscribe(topic, options=once)
            if mid is not None:
                self._asked[mid] = topic

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if self._lost is None:
            self._lost = lost(self._broker.host, reason) or self._ended(reason)

    def _on_publish(
        self, _client: mqtt.Client, _data: Any, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._confirmed(mid, reason.value)

    def _on_subscribe(
        self, _client: mqtt.Client, _data: Any, mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        topic = self._asked.pop(mid, "")
        if any(reason.value >= FAILURE for reason in reasons):
            self.deaf = f"the broker does not let us hear {topic} ({reasons[0]}); let the account read there"
            _log.warning("%s", self.deaf)

    @staticmethod
    def _on_stray(client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        client.ack(message.mid, message.qos)
        _log.info("a message on %r, which nobody here waits for, is dropped", message.topic)

    def _on_log(self, _client: mqtt.Client, _data: Any, level: int, text: str) -> None:
        if level == mqtt.MQTT_LOG_ERR:  # the only place where it says what the socket said
            self._error = text
