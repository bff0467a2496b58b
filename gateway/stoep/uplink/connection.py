"""One connection to the city's broker, and why it came to an end.

A new paho client for each: its memory of what was in flight dies with the connection, the outbox's does not.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from stoep import tls
from stoep.errors import TransientError

MOST_IN_FLIGHT = 20
FAILURE = 0x80  # MQTT 5: reason codes from here on mean no
_CONNECT_SECONDS = 3.0
_REFUSALS = {0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C}  # protocol, client id, password, authorisation, ban, method


class UplinkError(TransientError):
    """`refused`: the broker does not want us, so asking again soon is of no use."""

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


@dataclass(frozen=True)
class Broker:
    """Where the city's broker is and how it knows us."""

    host: str
    port: int
    client_id: str
    keepalive: int
    tls: bool = True
    ca_file: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)


Confirmed = Callable[[int, int], None]  # (message id, reason code)


class Connection:
    def __init__(self, broker: Broker, will_topic: str, will: bytes, confirmed: Confirmed) -> None:
        self._broker = broker
        self._confirmed = confirmed
        self.ready = False
        self.limit = MOST_IN_FLIGHT
        self._lost: UplinkError | None = None
        self._tls: tls.Context | None = None
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_SECONDS
        client.will_set(will_topic, will, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        if broker.username is not None:
            client.username_pw_set(broker.username, broker.password)
        if broker.tls:
            try:
                self._tls = tls.context(broker.ca_file)
            except OSError as error:
                raise UplinkError(f"{broker.ca_file} is no CA certificate: {error}", refused=True) from error
            client.tls_set_context(self._tls)

    def open(self) -> None:
        """Returns when the TCP connection stands; `ready` follows with the broker's answer."""
        try:
            self._connect()
        except UplinkError:
            if self._tls is not None:
                self._tls.close()
            raise

    def _connect(self) -> None:
        where = f"the broker {self._broker.host}:{self._broker.port}"
        try:
            self._client.connect(self._broker.host, self._broker.port, self._broker.keepalive, clean_start=True)
        except ssl.SSLCertVerificationError as error:
            why = f"{where} shows a certificate we do not trust ({error.verify_message})"
            raise UplinkError(f"{why}; set mqtt.ca_file", refused=True) from error
        except ssl.SSLError as error:
            raise UplinkError(f"{where} does not speak TLS with us ({error.reason}); look at mqtt.tls") from error
        except (OSError, ValueError) as error:
            raise UplinkError(f"{where} cannot be reached ({error})") from error

    def turn(self, seconds: float) -> None:
        """Reads and writes for up to `seconds`; raises UplinkError when the connection is no more."""
        code = self._client.loop(seconds)
        if self._lost is not None:
            raise self._lost
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise UplinkError(f"the connection to {self._broker.host} was lost ({mqtt.error_string(code)})")

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """The message's id, for `confirmed`."""
        return self._client.publish(topic, payload, qos=1, retain=retain).mid

    def close(self) -> None:
        """Without the last will."""
        self._client.disconnect(properties=Properties(PacketTypes.DISCONNECT))  # type: ignore[no-untyped-call]
        self._client.loop(0.1)

    def _on_connect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.value >= FAILURE:
            remedy = "check mqtt.username and mqtt.password_file" if reason.value in _REFUSALS else "it may pass"
            message = f"the broker {self._broker.host} refuses us: {reason}; {remedy}"
            self._lost = UplinkError(message, refused=reason.value in _REFUSALS)
            return
        receive_maximum = getattr(properties, "ReceiveMaximum", MOST_IN_FLIGHT)
        self.limit = max(1, min(MOST_IN_FLIGHT, receive_maximum))
        self.ready = True

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if self._lost is None:
            self._lost = UplinkError(f"the connection to {self._broker.host} was lost ({reason})")

    def _on_publish(
        self, _client: mqtt.Client, _data: Any, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._confirmed(mid, reason.value)
