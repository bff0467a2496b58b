"""The node's MQTT client, in a real MicroPython, against a real broker and against one that misbehaves."""

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

import compiled
from gateway_rig import mosquitto
from mqtt_talk import Talk
from stoep.resources import firmware_dir

KID = "c0ffee01"
CONNACK, SUBACK = b"\x20\x02\x00\x00", b"\x90\x03\x00\x01\x01"


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled.firmware(tmp_path_factory.mktemp("firmware"), firmware_dir())


class Gateway:
    """The other end, at the same broker."""

    def __init__(self, port: int) -> None:
        self.heard: list[mqtt.MQTTMessage] = []
        self._changed = threading.Condition()
        ready = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._on_message
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.on_connect = lambda client, *_: client.subscribe("stoep/up/+", qos=1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert ready.wait(5)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        with self._changed:
            self.heard.append(message)
            self._changed.notify_all()

    def wait(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heard) >= count, 5)

    def say(self, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        self.client.publish(f"stoep/down/{KID}", payload, qos=qos, retain=retain).wait_for_publish(5)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(free_port: int, tmp_path: Path) -> Iterator[int]:
    with mosquitto(free_port, tmp_path, "allow_anonymous true") as port:
        yield port


@pytest.fixture
def gateway(broker: int) -> Iterator[Gateway]:
    made = Gateway(broker)
    yield made
    made.close()


def test_frames_go_and_come_and_are_acknowledged(firmware: Path, broker: int, gateway: Gateway) -> None:
    with Talk(firmware, broker, KID) as node:
        assert node.next() == "ready"
        frames = [bytes([number]) * size for number, size in enumerate((1, 40, 127, 128, 250))]
        for count, frame in enumerate(frames, 1):
            node.publish(frame)
            assert node.next() == "acknowledged"
            gateway.wait(count)
        assert [(message.topic, message.payload, message.qos) for message in gateway.heard] == [
            (f"stoep/up/{KID}", frame, 1) for frame in frames
        ]
        for frame in frames:
            gateway.say(frame)
            assert node.next() == f"heard {frame.hex()}"
        gateway.say(b"at most once", qos=0)
        assert node.next() == f"heard {b'at most once'.hex()}"


def test_what_was_retained_is_of_an_earlier_talk(firmware: Path, broker: int, gateway: Gateway) -> None:
    gateway.say(b"old", retain=True)
    with Talk(firmware, broker, KID) as node:
        assert node.next() == "ready"
        gateway.say(b"new")
        assert node.next() == f"heard {b'new'.hex()}"


@pytest.mark.slow
def test_a_quiet_node_stays_connected(firmware: Path, broker: int, gateway: Gateway) -> None:
    with Talk(firmware, broker, KID, keepalive=1) as node:
        assert node.next() == "ready"
        threading.Event().wait(4)  # mosquitto hangs up after one and a half times the keepalive
        gateway.say(b"still there")
        assert node.next() == f"heard {b'still there'.hex()}"


def test_a_broker_that_ends_ends_the_talk_at_once(firmware: Path, free_port: int, tmp_path: Path) -> None:
    with mosquitto(free_port, tmp_path, "allow_anonymous true"):
        node = Talk(firmware, free_port, KID)
        assert node.next() == "ready"
    with node:
        assert node.next(2).startswith("ended OSError: the broker hung up")


def test_a_wrong_password_is_named(firmware: Path, free_port: int, tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), KID, "right"], check=True, capture_output=True)
    with mosquitto(free_port, tmp_path, f"password_file {passwords}"):
        with Talk(firmware, free_port, KID, "wrong") as node:
            assert node.next().startswith("ended RefusedError: the broker refuses: not authorised")
        with Talk(firmware, free_port, KID, "right") as node:
            assert node.next() == "ready"


def test_nobody_listens(firmware: Path, free_port: int) -> None:
    with Talk(firmware, free_port, KID) as node:
        assert node.next().startswith("ended OSError")


@pytest.fixture
def play() -> Iterator[Callable[[bytes], int]]:
    """A broker by hand: says what it is told to after the CONNECT, takes whatever comes, answers nothing."""
    listeners: list[socket.socket] = []

    def make(says: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=serve, args=(listener, says), daemon=True).start()
        return int(listener.getsockname()[1])

    def serve(listener: socket.socket, says: bytes) -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as connection:
            connection.recv(1000)
            for byte in says:
                connection.sendall(bytes([byte]))
            while connection.recv(1000):
                pass

    yield make
    for listener in listeners:
        listener.close()


@pytest.mark.slow
def test_an_answer_that_does_not_come_ends_it_in_time(firmware: Path, play: Callable[[bytes], int]) -> None:
    with Talk(firmware, play(CONNACK + SUBACK), KID) as node:
        assert node.next() == "ready"
        node.publish(b"a frame")
        last = node.next(8)
        assert last.startswith("ended OSError: the broker does not answer")
        assert 4900 <= int(last.split("ms=")[1]) < 6500
    with Talk(firmware, play(b""), KID) as node:
        assert node.next(8).startswith("ended OSError: the broker does not answer")


@pytest.mark.parametrize(
    "says",
    [
        b"\x30\x02\x00\x00",  # a message before the greeting
        b"\x20\x03\x00\x00\x00",
        CONNACK + b"\x90\x03\x00\x01\x80",  # the topic is not ours to hear
        CONNACK + SUBACK + b"\x30\xff\xff\x7f",  # two megabytes
        CONNACK + SUBACK + b"\x30\xc0\x02",  # more than a frame could have
        CONNACK + SUBACK + b"\x30\x00",
        CONNACK + SUBACK + b"\x30\x05\x00\x03abc",  # another topic
        CONNACK + SUBACK + b"\x32\x15\x00\x13stoep/down/c0ffee01",  # without its packet id
        CONNACK + SUBACK + b"\x40\x01\x00",
        CONNACK + SUBACK + b"\xf0\x00",
        CONNACK + SUBACK + CONNACK,
    ],
)
def test_what_is_malformed_ends_it(firmware: Path, play: Callable[[bytes], int], says: bytes) -> None:
    with Talk(firmware, play(says), KID) as node:
        said = node.next(3)
        if said == "ready":
            said = node.next(3)
        assert said.startswith(("ended OSError: the broker", "ended RefusedError")), said
        assert "does not answer" not in said


def test_bytes_at_random_end_it_and_raise_nothing_else(firmware: Path, play: Callable[[bytes], int]) -> None:
    import random

    chance = random.Random(1)
    for _ in range(12):
        with Talk(firmware, play(CONNACK + SUBACK + chance.randbytes(400)), KID) as node:
            assert node.next(3) == "ready"
            said = node.next(3)
            while said.startswith("heard"):
                said = node.next(3)
            assert said.startswith("ended OSError"), said


def test_a_frame_said_again_is_marked_so(firmware: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Talk(firmware, listener.getsockname()[1], KID, "secret") as node,
        listener.accept()[0] as connection,
    ):
        connection.settimeout(3)
        hello = connection.recv(1000)
        assert hello[2:9] == b"\x00\x04MQTT\x04"
        assert hello[9] == 0xC2  # name, password, clean session
        connection.sendall(CONNACK)
        assert connection.recv(1000)[0] == 0x82
        connection.sendall(SUBACK)
        assert node.next() == "ready"
        node.publish(b"x")
        node.publish(b"x", again=True)
        size = 2 + 2 + len(f"stoep/up/{KID}") + 2 + 1
        said = b""
        while len(said) < 2 * size:
            said += connection.recv(1000)
        assert said[0] == 0x32
        assert said[size] == 0x3A
