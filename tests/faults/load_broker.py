"""A broker of the city that misbehaves as it is told, as no real one can be made to. MQTT 5.0, QoS 1."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Self

from gateway_talk import packets, read_publish
from load_city import Book

_CONNECT, _PUBLISH, _SUBSCRIBE, _PINGREQ, _DISCONNECT = 1, 3, 8, 12, 14
_RETAINED = 1
_RECEIVE_MAXIMUM = 0x21
SUCCESS, NOT_AUTHORIZED, QUOTA_EXCEEDED = 0x00, 0x87, 0x97
Verdict = Callable[[str, bytes], int | None]  # topic, payload → reason code; None: no word


class ScriptedBroker(Book):
    """What it has confirmed is in the book. `greets`: it answers a CONNECT; `verdict`: what it says of a message."""

    def __init__(self) -> None:
        super().__init__()
        self.greets = True
        self.receive_maximum: int | None = None
        self.verdict: Verdict = lambda _topic, _payload: SUCCESS
        self.connections = self.refused = self.unanswered = self.most_in_flight = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)
        self._listener.close()

    def _run(self) -> None:
        """One connection after the other: there is one gateway."""
        self._listener.settimeout(0.1)
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                connection, _ = self._listener.accept()
                self.connections += 1
                with connection:
                    self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        stream = bytearray()
        silent = 0  # messages under way that never get a word
        while not self._stop.is_set():
            if not select.select([connection], [], [], 0.1)[0]:
                continue
            data = connection.recv(65536)
            if not data:
                return
            stream += data
            found = list(packets(stream))
            messages = [(head, *read_publish(body)) for head, body in found if head >> 4 == _PUBLISH]
            self.most_in_flight = max(self.most_in_flight, silent + len(messages))
            if any(head >> 4 == _DISCONNECT for head, _ in found):
                return
            for head, body in found:
                connection.sendall(self._greeting(head >> 4, body))
            if messages:
                time.sleep(0.002)  # whoever sends more than is allowed has time to do it
            for head, number, topic, payload in messages:
                reason = SUCCESS if head & _RETAINED else self.verdict(topic, payload)
                if reason is None:
                    silent += 1
                    self.unanswered += 1
                    continue
                if reason == SUCCESS:
                    self.take(topic, payload)
                self.refused += reason != SUCCESS
                connection.sendall(b"\x40\x04" + number.to_bytes(2, "big") + bytes((reason, 0)))

    def _greeting(self, kind: int, body: bytes) -> bytes:
        """What answers a packet that is no message; nothing, if it is one or this broker is in no mood."""
        answers = {_CONNECT: self._connack, _SUBSCRIBE: lambda: _suback(body), _PINGREQ: lambda: b"\xd0\x00"}
        return answers[kind]() if self.greets and kind in answers else b""

    def _connack(self) -> bytes:
        properties = b""
        if self.receive_maximum is not None:
            properties = bytes((_RECEIVE_MAXIMUM,)) + self.receive_maximum.to_bytes(2, "big")
        body = bytes((0, 0, len(properties))) + properties
        return bytes((0x20, len(body))) + body


def _suback(body: bytes) -> bytes:
    """Every topic is granted, with QoS 1."""
    at, topics = 3 + body[2], 0
    while at < len(body):
        at += 3 + int.from_bytes(body[at : at + 2], "big")
        topics += 1
    return bytes((0x90, 3 + topics)) + body[:2] + b"\x00" + b"\x01" * topics
