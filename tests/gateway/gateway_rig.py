"""What stands around the gateway in its tests: a node, a bridge on a pty, a clock to turn, brokers, a subscriber."""

import contextlib
import json
import os
import queue
import secrets
import select
import shutil
import signal
import struct
import subprocess
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

import published
from stoep.wire import frame
from stoep.wire import serial as line
from stoep.wire.messages import Alarm, Health, Lost, Place, Sample, Uplink
from stoep.wire.replies import Answer, Challenge, read_reply
from stoep_twin import leash

NO_INSTANCE = bytes(4)
MORNING = 1_780_293_600.0  # 2026-06-01T06:00:00Z
WIRE = (1853, 5512, -12, 800, 40, 100)  # a bin's readings as they travel: 18.53 °C … 3.800 V
RUMQTTD = """\
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "test"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 5000
max_payload_size = 262144
max_inflight_count = 100
dynamic_filters = true
"""


@dataclass
class TurnedClock:
    """A clock that goes only when a test turns it."""

    now: float = 1000.0
    utc_offset: float = MORNING - 1000.0
    is_trusted: bool = True
    name: str = "boot-1"

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> float:
        return self.now + self.utc_offset

    def offset(self) -> float:
        return self.utc_offset

    def trusted(self) -> bool:
        return self.is_trusted

    def boot(self) -> str:
        return self.name


@dataclass
class PlayedNode:
    """A node as the gateway sees one: seals what it is told to, opens what it is answered."""

    name: str = "bin-1"
    kid: bytes = bytes.fromhex("c0ffee01")
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    instance: bytes = NO_INSTANCE
    counter: int = 0

    def seal(self, plain: bytes) -> bytes:
        self.counter += 1
        return frame.seal_uplink(frame.uplink_keys(self.secret), self.kid, self.counter, plain)

    def report(
        self,
        *samples: Sample,
        tick: int | None = None,
        epoch: int = 1,
        floor: Place | None = None,
        back: int | None = None,
        lost: tuple[Lost, ...] = (),
        alarms: tuple[Alarm, ...] = (),
        health: Health | None = None,
    ) -> bytes:
        place = floor or Place(epoch, 1)
        if tick is None:
            tick = max((taken.tick for taken in samples if taken.epoch == epoch), default=10)
        return self.seal(Uplink(self.instance, epoch, tick, place, back, samples, lost, alarms, health).to_bytes())

    def open(self, reply: bytes, answered: int | None = None) -> Answer | Challenge:
        instance, plain = frame.open_reply(self.secret, self.kid, answered or self.counter, reply)
        self.instance = instance
        return read_reply(plain)


def sample(seq: int, tick: int, epoch: int = 1, values: tuple[int | None, ...] = WIRE) -> Sample:
    return Sample(epoch, seq, 1, tick, values)


class PtyBridge:
    """The bridge's program behind a pty: says hello, passes frames on, keeps the gateway's credit."""

    WINDOW = 240

    def __init__(self) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave, termios.TCSANOW)
        self.port = os.ttyname(slave)
        self._slave = slave
        self.boot = secrets.randbits(32)
        self.consumed = 0
        self.sent: queue.Queue[line.Send] = queue.Queue()
        self.filters: queue.Queue[line.Filter] = queue.Queue()
        self.most_in_one_go = 0
        self._stop = threading.Event()
        self._deframer = line.Deframer()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        os.write(self._master, b"ets Jul 29 2019 12:21:46\r\nrst:0x1 (POWERON_RESET)\r\n\x00")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)
        os.close(self._master)
        os.close(self._slave)

    def hello(self) -> None:
        said = line.Hello(self.boot, self.consumed, self.WINDOW, b"\x02" * 6, 6, (0,) * 6, "0.1.0")
        os.write(self._master, line.frame(said.to_bytes()))

    def hear(self, frame_: bytes, mac: bytes = b"\x0a" * 6, rssi: int = -61) -> None:
        os.write(self._master, line.frame(line.HeardFrame(self.consumed, mac, rssi, frame_).to_bytes()))

    def _run(self) -> None:
        next_hello = 0.0
        while not self._stop.is_set():
            if time.monotonic() >= next_hello:
                self.hello()
                next_hello = time.monotonic() + 1.0
            if not select.select([self._master], [], [], 0.05)[0]:
                continue
            data = os.read(self._master, 4096)
            self.most_in_one_go = max(self.most_in_one_go, len(data))
            self.consumed += len(data)
            for message in self._deframer.feed(data):
                if isinstance(message, line.Send):
                    self.sent.put(message)
                elif isinstance(message, line.Filter):
                    self.filters.put(message)


class City:
    """A subscriber of the city: everything that came, in order, and what of it is not as its schema says."""

    def __init__(self, port: int) -> None:
        self.messages: list[tuple[str, dict[str, Any], bool]] = []
        self._misfits: list[str] = []
        self._changed = threading.Condition()
        ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_connect = lambda client, *_: client.subscribe("stoep/#", qos=1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert ready.wait(5)

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        self._misfits += published.delivered(message.topic, message.payload)
        with self._changed:
            self.messages.append((message.topic, json.loads(message.payload), message.retain))
            self._changed.notify_all()

    def of(self, end: str) -> list[dict[str, Any]]:
        return [content for topic, content, _ in self.messages if topic.endswith(end)]

    def wait(self, condition: Callable[["City"], Any], seconds: float = 8.0) -> Any:
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), seconds), self.messages
            return condition(self)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, 1, retain).wait_for_publish(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client.on_message = None  # else they hold each other, and its sockets are closed when somebody sweeps
        published.judge(self._misfits)


@contextlib.contextmanager
def embedded(port: int, folder: Path) -> Iterator[int]:
    import iotcore

    config = folder / f"rumqttd-{port}.toml"
    config.write_text(RUMQTTD.format(port=port))
    with iotcore.Broker(config_path=str(config)):
        yield port


@contextlib.contextmanager
def mosquitto(port: int, folder: Path, *lines: str) -> Iterator[int]:
    with mosquitto_process(port, folder, *lines):
        yield port


@contextlib.contextmanager
def mosquitto_process(port: int, folder: Path, *lines: str) -> Iterator[subprocess.Popen[bytes]]:
    """`lines` belong to the listener."""
    program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    assert program is not None
    config = folder / f"mosquitto-{port}.conf"
    own = ["user root"] if os.geteuid() == 0 else []  # else it could not read files that are only ours
    config.write_text("\n".join([f"listener {port} 127.0.0.1", "persistence false", *own, *lines]) + "\n")
    command = leash.command([program, "-c", str(config)])
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(5)


def wait_for_port(port: int) -> None:
    import socket

    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    raise AssertionError(f"nothing listens on {port}")


def write_clock(file: Path, *, utc: float, speed: int = 1, trusted: bool = True) -> None:
    """The virtual street's clock file: `speed` times real time, showing `utc` now."""
    real = time.monotonic_ns() // 1000
    virtual = 1_000_000_000
    fields = (1, real, virtual, speed * 1000, round(utc * 1e6) - virtual, int(trusted), 0, 1)
    file.write_bytes(struct.pack("<8Q", *fields))


def jump(file: Path, seconds: float) -> None:
    """Turns the virtual street's clock forward."""
    fields = list(struct.unpack("<8Q", file.read_bytes()))
    fields[2] += round(seconds * 1e6)
    with file.open("r+b") as opened:
        opened.write(struct.pack("<8Q", *fields))


def eventually(condition: Callable[[], object], seconds: float = 6.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.01)
