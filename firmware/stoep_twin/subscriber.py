"""A subscriber of its own on the city's broker: the twin believes only what the city gets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.client import ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from stoep_twin.broker import Address
from stoep_twin.deliveries import Deliveries

Heard = Callable[[str, Any], None]  # what follows stoep/1/<site>/, and the JSON (None: not JSON)


class Subscriber:
    """Hands every message of one site to `heard`, in the event loop that made it, and keeps it in `deliveries`."""

    def __init__(self, address: Address, site: str, heard: Heard, deliveries: Deliveries) -> None:
        self._loop = asyncio.get_running_loop()
        self._heard = heard
        self._deliveries = deliveries
        self._prefix = f"stoep/1/{site}/"
        self._address = address
        client = self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"twin-{site}", protocol=mqtt.MQTTv5)
        if address.tls:
            client.tls_set()
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        client.on_connect = self._connected
        client.on_message = self._message

    def start(self) -> None:
        """Connect; raises OSError when nobody is there."""
        self._client.connect(self._address.host, self._address.port, keepalive=60)
        self._client.loop_start()

    def stop(self) -> None:
        """Say goodbye."""
        self._client.disconnect()
        self._client.loop_stop()
        self._deliveries.close()

    def _connected(
        self, client: mqtt.Client, _user: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if not reason.is_failure:
            client.subscribe(self._prefix + "#", qos=1)

    def _message(self, _client: mqtt.Client, _user: Any, message: MQTTMessage) -> None:
        self._deliveries.note(message.topic, bytes(message.payload))
        try:
            said = json.loads(message.payload)
        except ValueError:
            said = None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._heard, message.topic.removeprefix(self._prefix), said)
