"""Who had said what when the power was cut: the nodes, the gateway to them, the gateway to the city, the broker."""

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from gateway_trace import Event, Got, Heard, Said, Sent, Started

from stoep.wire import frame
from stoep.wire.channels import catalogue
from stoep.wire.frame import ForgedError
from stoep.wire.messages import Alarm, Lost, Place, Sample, Uplink
from stoep.wire.replies import Answer, read_reply
from stoep.wire.serial import Deframer, HeardFrame, Send

_CONNECT, _PUBLISH, _PUBACK = 1, 3, 4  # MQTT 5.0, section 2.1.2
_RETAINED = 1
_FAILURE = 0x80
_BACKLOG = b',"backlog":true}'  # how a message was sent, not what it says
_LATEST = 8  # uplinks of a node that a reply may answer

_NOTHING = Place(0, 0)
Key = tuple[int, int]  # epoch, seq; or epoch, number of an alarm


class Spoken(NamedTuple):
    at: int  # which event
    kid: bytes
    uplink: Uplink


class Answered(NamedTuple):
    at: int
    kid: bytes
    answer: Answer


@dataclass
class Published:
    """A window or an event on its way to the city; `confirmed`: which event brought the broker's word."""

    at: int
    topic: str
    content: dict[str, Any]
    payload: bytes
    confirmed: int | None = None

    def is_window(self) -> bool:
        return self.topic.endswith("/window")


@dataclass
class Life:
    """What one node had said and been told."""

    said: dict[Key, Sample] = field(default_factory=dict)
    declared: dict[Key, int] = field(default_factory=dict)  # → cause
    lost: list[Lost] = field(default_factory=list)
    alarms: dict[Key, Alarm] = field(default_factory=dict)
    held: set[Key] = field(default_factory=set)  # alarms the gateway said it has
    durable: Place = _NOTHING
    epoch: int = 0

    def hear(self, uplink: Uplink) -> None:
        self.epoch = uplink.epoch
        self.said.update({(s.epoch, s.seq): s for s in uplink.samples})
        for lost in uplink.lost:
            if lost not in self.lost:
                self.lost.append(lost)
            for seq in range(lost.first, lost.last + 1):
                self.declared.setdefault((lost.epoch, seq), lost.cause)
        self.alarms.update({(a.epoch, a.number): a for a in uplink.alarms})


def packets(stream: bytearray) -> Iterator[tuple[int, bytes]]:
    """Takes whole control packets off the stream: the first byte, the rest behind the length."""
    while True:
        length = 0
        used = 1
        while used == 1 or stream[used - 1] & 0x80:  # seven bits a byte, the lowest first
            if used >= len(stream):
                return
            length |= (stream[used] & 0x7F) << 7 * (used - 1)
            used += 1
        if len(stream) < used + length:
            return
        yield stream[0], bytes(stream[used : used + length])
        del stream[: used + length]


def read_publish(body: bytes) -> tuple[int, str, bytes]:
    """Packet id, topic, payload of a PUBLISH with QoS 1 and less than 128 bytes of properties."""
    size = int.from_bytes(body[:2], "big")
    topic, rest = body[2 : 2 + size].decode(), body[2 + size :]
    return int.from_bytes(rest[:2], "big"), topic, rest[3 + rest[2] :]


class Commanded(NamedTuple):
    """What the city knows of its commands, by id: which the gateway took from the broker, what it said came of them."""

    taken: set[str]
    told: set[tuple[str, str]]


class Talk:
    """Everything that was said in a recording, with the event at which it was."""

    def __init__(self, events: Sequence[Event], secrets: Mapping[bytes, bytes]) -> None:
        self.spoken: list[Spoken] = []
        self.answered: list[Answered] = []
        self.published: list[Published] = []
        self._commanded: list[tuple[int, str, str | None]] = []  # event, command, what came of it; None: PUBACK
        self._wanted: dict[tuple[str, int], str] = {}
        self._secrets = secrets
        self._keys = {kid: frame.uplink_keys(secret) for kid, secret in secrets.items()}
        self._counters: defaultdict[bytes, list[int]] = defaultdict(list)
        self._streams: defaultdict[tuple[type, str], bytearray] = defaultdict(bytearray)
        self._brokers: set[str] = set()
        self._in_flight: dict[tuple[str, int], Published] = {}
        ears, mouth = Deframer(), Deframer()
        for at, event in enumerate(events):
            if isinstance(event, Started):
                ears, mouth = Deframer(), Deframer()
            elif isinstance(event, Heard):
                for message in ears.feed(event.data):
                    self._heard(at, message)
            elif isinstance(event, Said):
                for message in mouth.feed(event.data):
                    self._said(at, message)
            elif isinstance(event, Sent | Got):
                self._exchanged(at, event)

    def before(self, cut: int) -> tuple[dict[bytes, Life], list[Published]]:
        """Where each node and the city stood when the events from `cut` on had not happened."""
        lives: defaultdict[bytes, Life] = defaultdict(Life)
        for _, kid, uplink in self.spoken[: bisect_left(self.spoken, cut, key=lambda spoken: spoken.at)]:
            lives[kid].hear(uplink)
        for _, kid, answer in self.answered[: bisect_left(self.answered, cut, key=lambda answered: answered.at)]:
            lives[kid].durable = max(lives[kid].durable, answer.durable)
            lives[kid].held.update(answer.alarms)
        sent = [
            message if message.confirmed is None or message.confirmed < cut else replace(message, confirmed=None)
            for message in self.published
            if message.at < cut
        ]
        return dict(lives), sent

    def commanded(self, cut: int) -> Commanded:
        """As `before`."""
        known = [(command, result) for at, command, result in self._commanded if at < cut]
        return Commanded(
            {command for command, result in known if result is None},
            {(command, result) for command, result in known if result is not None},
        )

    def _heard(self, at: int, message: object) -> None:
        if not isinstance(message, HeardFrame):
            return
        header = frame.read_header(message.frame)
        plain = frame.open_uplink(self._keys[header.kid], header)
        self._counters[header.kid].append(header.counter)
        self.spoken.append(Spoken(at, header.kid, Uplink.from_bytes(plain, catalogue())))

    def _said(self, at: int, message: object) -> None:
        if not isinstance(message, Send):
            return
        for kid, counters in self._counters.items():
            if kid not in message.frame[: frame.KID + 8]:
                continue
            for counter in counters[: -_LATEST - 1 : -1]:
                try:
                    _, plain = frame.open_reply(self._secrets[kid], kid, counter, message.frame)
                except ForgedError:
                    continue
                answer = read_reply(plain)
                if isinstance(answer, Answer):
                    self.answered.append(Answered(at, kid, answer))
                return
        raise AssertionError("the gateway said something that no node can read")

    def _exchanged(self, at: int, event: Sent | Got) -> None:
        if isinstance(event, Sent) and event.data[0] >> 4 == _CONNECT:
            self._brokers.add(event.connection)
        if event.connection not in self._brokers:  # a socket by which the gateway's threads wake each other
            return
        stream = self._streams[type(event), event.connection]
        stream += event.data
        for head, body in packets(stream):
            kind = head >> 4
            if isinstance(event, Sent) and kind == _PUBLISH and not head & _RETAINED:
                number, topic, payload = read_publish(body)
                if payload.endswith(_BACKLOG):
                    payload = payload.removesuffix(_BACKLOG) + b"}"
                if topic.endswith("/set/result"):
                    content = json.loads(payload)
                    self._commanded.append((at, content["id"], content["result"]))
                    continue
                message = Published(at, topic, json.loads(payload), payload)
                self.published.append(message)
                self._in_flight[event.connection, number] = message
            elif isinstance(event, Got) and kind == _PUBLISH:
                number, _, payload = read_publish(body)
                self._wanted[event.connection, number] = json.loads(payload)["id"]
            elif isinstance(event, Sent) and kind == _PUBACK:
                command = self._wanted.pop((event.connection, int.from_bytes(body[:2], "big")))
                self._commanded.append((at, command, None))
            elif isinstance(event, Got) and kind == _PUBACK:
                found = self._in_flight.pop((event.connection, int.from_bytes(body[:2], "big")), None)
                if found is not None and (len(body) < 3 or body[2] < _FAILURE):
                    found.confirmed = at
