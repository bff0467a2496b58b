"""The city's broker as a consumer sees it: subscribed to every topic of the contract, connected again for ever.

One thread, which is the caller's: it waits for the network and hands over what came, so Ctrl-C ends it anywhere. The
broker keeps the session for an hour; what is published while the connection is away comes when it is back.
"""

import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from stoep import tls
from stoep.clock import real
from stoep.errors import PermanentError
from stoep.uplink import contract

_PORTS = {"mqtts": 8883, "mqtt": 1883}
_KEEPALIVE = 30
_SESSION_SECONDS = 3600
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0  # seconds between two attempts, doubled
_ANSWER_SECONDS = 10.0
_TURN = 0.2
_FINAL = (0x86, 0x87, 0x8A, 0x8C)  # bad name or password, not authorised, banned, bad method: waiting does not help


class AccessError(PermanentError):
    """The broker cannot be had in this way: what is wrong, and what to do."""

    exit_code = 2


@dataclass(frozen=True)
class Access:
    """Where the broker is and as whom to come."""

    host: str
    port: int
    tls: bool
    ca_file: Path | None = None
    own: tuple[Path, Path] | None = None  # certificate and key
    username: str | None = None
    password: str | None = field(default=None, repr=False)


class Came(NamedTuple):
    topic: str
    payload: bytes
    retained: bool


def place(url: str) -> tuple[str, int, bool]:
    """Host, port and whether by TLS, of mqtts://host[:port] or mqtt://host[:port]. Raises AccessError."""
    parts = urlsplit(url if "://" in url else f"mqtts://{url}")
    if parts.username is not None or parts.password is not None:
        raise AccessError("--broker: whoever is on this machine can read it; use --username and --password-file")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in _PORTS or not parts.hostname or port == 0 or parts.path not in {"", "/"}:
        raise AccessError(f"--broker {url} is not like mqtts://broker.city.example:8883")
    return parts.hostname, port or _PORTS[parts.scheme], parts.scheme == "mqtts"


def _expiring(packet: int, seconds: int) -> Properties:
    """How long the broker is to keep our session once the connection is gone."""
    made = Properties(packet)  # type: ignore[no-untyped-call]
    made.SessionExpiryInterval = seconds
    return made


class Subscription:
    """`take` gets every message of `site` (None: of all sites), `say` in words what becomes of the connection."""

    def __init__(
        self, access: Access, site: str | None, take: Callable[[Came], None], say: Callable[[str], None]
    ) -> None:
        self._access = access
        self._filters = [topic.filter().replace("+", site or "+", 1) for topic in contract.topics()]
        self._take = take
        self._say = say
        self._told = ""
        self._subscribed = False
        self._lost: str | None = None
        self._final: AccessError | None = None
        self.connections = 0
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"stoep-listen-{secrets.token_hex(4)}",
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = _ANSWER_SECONDS
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_subscribe, client.on_message = self._on_subscribe, self._on_message
        if access.username is not None:
            client.username_pw_set(access.username, access.password)
        if access.tls:
            try:
                client.tls_set_context(tls.context(access.ca_file, access.own))
            except OSError as error:
                raise AccessError(f"--ca, --cert or --key cannot be used ({error}); name PEM files") from error

    def run(self, ended: Callable[[], bool]) -> None:
        """Until `ended`. Raises AccessError when the broker does not want us, or is not whom we trust."""
        delay = _FIRST_DELAY
        try:
            while not ended():
                if self._session(ended):
                    delay = _FIRST_DELAY
                until = real() + delay
                while not ended() and real() < until:
                    time.sleep(_TURN)
                delay = min(2 * delay, _LONGEST_DELAY)
        finally:
            self._client.disconnect(properties=_expiring(PacketTypes.DISCONNECT, 0))  # nothing is kept for us any more
            self._client.loop(_TURN)

    def _session(self, ended: Callable[[], bool]) -> bool:
        """One connection to its end; whether there was one."""
        self._subscribed, self._lost, since = False, None, real()
        try:
            self._connect()
        except ssl.SSLCertVerificationError as error:
            why = f"is not trusted ({error.verify_message}); name its authority with --ca"
            raise AccessError(f"the certificate of {self._where} {why}") from error
        except OSError as error:
            self._change(f"{self._where} cannot be reached ({error}); trying again")
            return False
        while not ended() and self._lost is None:
            code = self._client.loop(_TURN)
            if self._final is not None:
                raise self._final
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._lost = self._lost or mqtt.error_string(code)
            elif not self._subscribed and real() - since > _ANSWER_SECONDS:
                self._lost = "no answer; is it a broker that speaks MQTT 5?"
        if self._lost is not None:
            self._change(f"the connection to {self._where} was lost ({self._lost}); trying again")
        return self._subscribed

    def _connect(self) -> None:
        kept = _expiring(PacketTypes.CONNECT, _SESSION_SECONDS)
        self._client.connect(self._access.host, self._access.port, _KEEPALIVE, clean_start=False, properties=kept)

    @property
    def _where(self) -> str:
        return f"{self._access.host}:{self._access.port}"

    def _change(self, words: str) -> None:
        if words != self._told:
            self._told = words
            self._say(words)

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._lost = str(reason)
            if reason.value in _FINAL:
                remedy = "look at --username, --password-file, --cert, and what the broker lets them read"
                self._final = AccessError(f"{self._where} refuses us ({reason}); {remedy}")
            return
        client.subscribe([(topic, 1) for topic in self._filters])

    def _on_subscribe(
        self, _client: mqtt.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = [topic for topic, reason in zip(self._filters, reasons, strict=True) if reason.is_failure]
        if len(refused) == len(self._filters):
            self._final = AccessError(f"{self._where} lets us read none of {', '.join(refused)}; ask for the right to")
            return
        self._subscribed = True
        self.connections += 1
        without = f", but not to {', '.join(refused)}" if refused else ""
        self._change(f"listening to {self._where}{without}")

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._lost = self._lost or str(reason)

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        self._take(Came(message.topic, bytes(message.payload), message.retain))
