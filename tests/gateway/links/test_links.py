"""What every link is, whatever carries its frames: the same tests for the bridge's serial port and the local broker."""

import os
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gateway_rig import PlayedNode, PtyBridge, TurnedClock, eventually, mosquitto
from stoep.health import Counters
from stoep.links import bridge as bridge_module
from stoep.links import broker as broker_module
from stoep.links.base import Handler, Link, Received
from stoep.links.bridge import BridgeLink
from stoep.links.broker import BrokerLink, LocalBroker
from stoep.wire import frame as frames

OTHER = PlayedNode(name="lamppost-2", kid=bytes.fromhex("c0ffee02"))
_FAILURES = {"radio": "bridge_failures", "broker": "broker_failures"}
_GARBAGE = {"radio": "serial_garbage", "broker": "broker_garbage"}


class FarEnd(Protocol):
    """What is beyond a link: comes, goes, carries frames of nodes and garbage, takes replies."""

    replies: "queue.Queue[tuple[bytes, bytes]]"

    def link(self, handler: Handler, counters: Counters) -> Link: ...

    def come(self) -> None: ...

    def go(self) -> None: ...

    def address(self, node: PlayedNode) -> bytes: ...

    def say(self, node: PlayedNode, frame: bytes) -> None: ...

    def garbage(self) -> int:
        """Says some; how many times."""


class ByRadio:
    """A bridge behind a pty; the port's name stays while ptys come and go."""

    def __init__(self, folder: Path, _port: int) -> None:
        self._port = folder / "ttyUSB0"
        self._bridge: PtyBridge | None = None
        self.replies = queue.Queue()  # type: queue.Queue[tuple[bytes, bytes]]

    def link(self, handler: Handler, counters: Counters) -> Link:
        return BridgeLink(str(self._port), handler, TurnedClock(), counters)

    def come(self) -> None:
        self._bridge = PtyBridge()
        sent = self._bridge.sent = queue.Queue()
        self._port.symlink_to(self._bridge.port)
        self._bridge.__enter__()

        def pass_on(bridge: PtyBridge) -> None:
            while bridge is self._bridge:
                try:
                    message = sent.get(timeout=0.05)
                except queue.Empty:
                    continue
                self.replies.put((message.mac, message.frame))

        threading.Thread(target=pass_on, args=(self._bridge,), daemon=True).start()

    def go(self) -> None:
        if self._bridge is not None:
            bridge, self._bridge = self._bridge, None
            bridge.__exit__()
            self._port.unlink()

    def address(self, node: PlayedNode) -> bytes:
        return b"\x0a\x0a" + node.kid

    def say(self, node: PlayedNode, frame: bytes) -> None:
        assert self._bridge is not None
        self._bridge.hear(frame, self.address(node))

    def garbage(self) -> int:
        assert self._bridge is not None
        for _ in range(4):
            os.write(self._bridge._master, b"\x01 no message at all \x00")
        return 4


class ByBroker:
    """mosquitto, and nodes that publish there."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port = folder, port
        self._here = ExitStack()
        self._client: mqtt.Client | None = None
        self.replies = queue.Queue()  # type: queue.Queue[tuple[bytes, bytes]]

    def link(self, handler: Handler, counters: Counters) -> Link:
        return BrokerLink(LocalBroker("127.0.0.1", self._port, "stoep-gateway"), handler, TurnedClock(), counters)

    def come(self) -> None:
        self._here.enter_context(mosquitto(self._port, self._folder, "allow_anonymous true"))
        ready = threading.Event()
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2)  # MQTT 3.1.1, as the nodes'
        client.on_connect = lambda client, *_: client.subscribe("stoep/down/+", qos=1)
        client.on_subscribe = lambda *_: ready.set()
        client.on_message = self._on_message
        client.connect("127.0.0.1", self._port)
        client.loop_start()
        assert ready.wait(5)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        assert message.qos == 1
        assert not message.retain
        self.replies.put((bytes.fromhex(message.topic.removeprefix("stoep/down/")), bytes(message.payload)))

    def go(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None
        self._here.close()

    def address(self, node: PlayedNode) -> bytes:
        return node.kid

    def _publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        assert self._client is not None
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(5)

    def say(self, node: PlayedNode, frame: bytes) -> None:
        self._publish(f"stoep/up/{node.kid.hex()}", frame)

    def garbage(self) -> int:
        frame = OTHER.seal(b"\x80")
        self._publish(f"stoep/up/{OTHER.kid.hex()}", b"no frame at all")
        self._publish(f"stoep/up/{OTHER.kid.hex()}", b"")
        self._publish("stoep/up/c0ffee01", frame)  # under another's name
        self._publish("stoep/up/C0FFEE02", frame)
        return 4


class Played:
    """A link at work, with a gateway that answers whatever it hears."""

    def __init__(self, far: FarEnd, node: PlayedNode) -> None:
        self.far, self.node = far, node
        self.counters = Counters()
        self.heard: queue.Queue[Received] = queue.Queue()
        self.answers_with = 4  # bytes of what was heard
        self.link = far.link(self._handle, self.counters)

    def _handle(self, link: Link, received: Received) -> None:
        self.heard.put(received)
        link.send(received.mac, b"reply to " + received.frame[-self.answers_with :])


@pytest.fixture(params=[ByRadio, ByBroker], ids=["bridge", "broker"])
def far(
    request: pytest.FixtureRequest, tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FarEnd]:
    monkeypatch.setattr(bridge_module, "_LONGEST_DELAY", 0.3)
    monkeypatch.setattr(broker_module, "_LONGEST_DELAY", 0.3)
    made: FarEnd = request.param(tmp_path, free_port)
    yield made
    made.go()


@pytest.fixture
def played(far: FarEnd, node: PlayedNode) -> Iterator[Played]:
    made = Played(far, node)
    made.link.start()
    yield made
    made.link.stop()


def test_a_frame_comes_with_its_sender_and_its_time(far: FarEnd, played: Played) -> None:
    far.come()
    eventually(played.link.alive)
    sealed = played.node.seal(b"\x80")
    far.say(played.node, sealed)
    received = played.heard.get(timeout=3)
    assert (received.mac, received.frame, received.at) == (far.address(played.node), sealed, 1000.0)


def test_the_reply_goes_to_the_node_that_spoke_and_at_once(far: FarEnd, played: Played) -> None:
    far.come()
    eventually(played.link.alive)
    for node in (played.node, OTHER, played.node):
        sealed = node.seal(b"\x80")
        began = time.monotonic()
        far.say(node, sealed)
        assert far.replies.get(timeout=3) == (far.address(node), b"reply to " + sealed[-4:])
        assert time.monotonic() - began < 0.4, "the node listens for half a second at most"


def test_the_longest_frame_goes_through_both_ways(far: FarEnd, played: Played) -> None:
    far.come()
    eventually(played.link.alive)
    plain = bytes(frames.LONGEST - len(played.node.seal(bytes(100))) + 100)
    sealed = played.node.seal(plain)
    assert len(sealed) == frames.LONGEST
    played.answers_with = 200
    far.say(played.node, sealed)
    assert played.heard.get(timeout=3).frame == sealed
    assert far.replies.get(timeout=3)[1] == b"reply to " + sealed[-played.answers_with :]


def test_garbage_is_counted_and_dropped_and_the_next_frame_heard(far: FarEnd, played: Played) -> None:
    far.come()
    eventually(played.link.alive)
    said = far.garbage()
    eventually(lambda: played.counters[_GARBAGE[played.link.medium]] == said)
    eventually(played.link.alive)
    sealed = played.node.seal(b"\x80")
    far.say(played.node, sealed)
    assert played.heard.get(timeout=3).frame == sealed
    assert played.heard.empty()


def test_a_far_end_that_is_not_there_yet_is_named_and_waited_for(far: FarEnd, played: Played) -> None:
    eventually(lambda: played.counters[_FAILURES[played.link.medium]] > 1)
    assert not played.link.alive()
    status = played.link.status()
    assert status["alive"] is False
    assert ": " in str(status["problem"]), "says what to do"
    far.come()
    eventually(played.link.alive)
    assert "problem" not in played.link.status()


def test_a_far_end_that_goes_and_comes_back_is_used_again(far: FarEnd, played: Played) -> None:
    for _ in range(2):
        far.come()
        eventually(played.link.alive)
        sealed = played.node.seal(b"\x80")
        far.say(played.node, sealed)
        assert played.heard.get(timeout=3).frame == sealed
        far.replies.get(timeout=3)
        far.go()
        eventually(lambda: not played.link.alive())


def test_what_cannot_be_sent_now_is_dropped_and_not_sent_later(far: FarEnd, played: Played) -> None:
    played.link.send(far.address(played.node), b"too early")
    far.come()
    eventually(played.link.alive)
    played.link.send(far.address(played.node), b"now")
    assert far.replies.get(timeout=3)[1] == b"now"


def test_it_stops_in_time_whether_or_not_the_far_end_is_there(far: FarEnd, node: PlayedNode) -> None:
    for there in (False, True):
        if there:
            far.come()
        played = Played(far, node)
        played.link.start()
        time.sleep(0.3)
        began = time.monotonic()
        played.link.stop()
        assert time.monotonic() - began < 2.0
        assert not played.link.alive()
    played = Played(far, node)
    played.link.stop()  # never started
