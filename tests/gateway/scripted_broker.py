"""A broker by hand: enough MQTT 5 to answer as it is told, or not at all, and to write down what it got."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _PINGREQ, _PINGRESP = 1, 0x20, 3, 0x40, 12, b"\xd0\x00"
_SUBSCRIBE, _SUBACK, _DISCONNECT = 8, 0x90, 14
DROP = -1  # in the place of a reason code: end the connection
SILENT = -2  # in the place of a reason code: no answer


class Publish(NamedTuple):
    """`connection` counts from 1; `properties` as they stood in the packet."""

    connection: int
    mid: int
    topic: str
    payload: bytes
    retain: bool
    properties: bytes


class ScriptedBroker:
    """`answer`: the reason code for each PUBLISH, or a function of it; `silent`: answers nothing whatsoever."""

    def __init__(
        self,
        answer: int | Callable[[Publish], int] = 0,
        *,
        receive_maximum: int | None = None,
        largest: int | None = None,
        connack: int = 0,
        suback: int = 1,
        silent: bool = False,
        port: int = 0,
    ) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self.answer = answer
        self.silent = silent
        self.suback = suback
        self.goodbyes: list[bytes] = []  # the body of each DISCONNECT
        self.got: list[Publish] = []
        self.connects: list[bytes] = []  # the body of each CONNECT
        self.unanswered = 0
        self.most_unanswered = 0
        self.connections = 0
        properties = b"" if receive_maximum is None else b"\x21" + receive_maximum.to_bytes(2, "big")
        properties += b"" if largest is None else b"\x27" + largest.to_bytes(4, "big")
        self._connack = bytes([_CONNACK, 3 + len(properties), 0, connack, len(properties)]) + properties
        self._talking: socket.socket | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Ends the connection there is."""
        if self._talking is not None:
            with contextlib.suppress(OSError):
                self._talking.shutdown(socket.SHUT_RDWR)

    def of(self, connection: int) -> list[Publish]:
        """What came by a connection, without the retained."""
        return [publish for publish in self.got if publish.connection == connection and not publish.retain]

    def _serve(self) -> None:
        while True:
            try:
                self._talking, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self.unanswered = 0
            with self._talking:
                try:
                    for head, body in _packets(self._talking):
                        self._hear(self._talking, head, body)
                except (OSError, IndexError, _Dropped):
                    continue

    def _hear(self, talking: socket.socket, head: int, body: bytes) -> None:
        if self.silent:
            return
        if head >> 4 == _CONNECT:
            self.connects.append(body)
            talking.sendall(self._connack)
        elif head >> 4 == _PINGREQ:
            talking.sendall(_PINGRESP)
        elif head >> 4 == _SUBSCRIBE:
            talking.sendall(bytes([_SUBACK, 4]) + body[:2] + bytes([0, self.suback]))
        elif head >> 4 == _DISCONNECT:
            self.goodbyes.append(body)
        elif head >> 4 == _PUBLISH:
            self._publish(talking, head, body)

    def _publish(self, talking: socket.socket, head: int, body: bytes) -> None:
        size = int.from_bytes(body[:2], "big")
        topic, rest = body[2 : 2 + size].decode(), body[2 + size :]
        length = rest[2]
        mid = int.from_bytes(rest[:2], "big")
        publish = Publish(self.connections, mid, topic, rest[3 + length :], bool(head & 1), rest[3 : 3 + length])
        self.unanswered += 1
        self.most_unanswered = max(self.most_unanswered, self.unanswered)
        self.got.append(publish)
        reason = self.answer(publish) if callable(self.answer) else self.answer
        if reason == DROP:
            raise _Dropped
        if reason != SILENT:
            self.unanswered -= 1
            talking.sendall(bytes([_PUBACK, 3]) + rest[:2] + bytes([reason]))


class _Dropped(Exception):  # noqa: N818 -- nothing went wrong
    pass


def _packets(talking: socket.socket) -> Iterator[tuple[int, bytes]]:
    """The first byte of each control packet, and what follows its length."""
    stream = talking.makefile("rb")
    while head := stream.read(1):
        length, shift = 0, 0
        while True:
            byte = stream.read(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield head[0], stream.read(length)
