"""To the city's broker: nothing leaves the outbox before the broker took it, whatever becomes of the connection."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway_chain import fail
from gateway_rig import City, embedded, mosquitto
from stoep.health import Counters, Pulse
from stoep.store.database import Database
from stoep.store.outbox import Outbox
from stoep.uplink import publisher as module
from stoep.uplink.connection import Broker
from stoep.uplink.publisher import Publisher
from stoep.uplink.retained import Retained

GATEWAY = "stoep/1/grote-markt/gateway"


class Running:
    def __init__(self, folder: Path, broker: Broker) -> None:
        self.database = Database(folder / "stoep.db", fail)
        self.outbox = Outbox(self.database)
        self.retained = Retained()
        self.counters = Counters()
        self.publisher = Publisher(
            broker, self.outbox, self.retained, GATEWAY, b'{"status":"offline"}', self.counters, Pulse()
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.publisher.run, args=(self._stop,))
        self._thread.start()

    def put(self, *numbers: int, urgent: bool = False) -> None:
        with self.database.transaction() as sql:
            for number in numbers:
                topic = f"stoep/1/grote-markt/bin-{number}/window"
                self.outbox.put(sql, f"key {number}", topic, b'{"number":%d}' % number, urgent=urgent)
        self.outbox.waiting.set()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()
        self.database.close()


def eventually(condition: Callable[[], bool], seconds: float = 6.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


@contextmanager
def running(folder: Path, port: int, **more: object) -> Iterator[Running]:
    broker = Broker("127.0.0.1", port, "test-gateway", 30, tls=False, **more)  # type: ignore[arg-type]
    played = Running(folder, broker)
    try:
        yield played
    finally:
        played.stop()


def test_rows_go_to_the_city_and_only_then_from_the_outbox(tmp_path: Path, broker_port: int, city: City) -> None:
    with running(tmp_path, broker_port) as gateway:
        gateway.put(*range(200))
        city.wait(lambda city: len(city.of("/window")) >= 200)
        eventually(lambda: len(gateway.outbox) == 0)
    assert sorted(content["number"] for content in city.of("/window")) == list(range(200))


def test_what_is_urgent_goes_first(tmp_path: Path) -> None:
    outbox = Outbox(database := Database(tmp_path / "stoep.db", fail))
    with database.transaction() as sql:
        outbox.put(sql, "a", "window", b"1")
        outbox.put(sql, "b", "event", b"2", urgent=True)
        outbox.put(sql, "a", "window", b"3")
    assert [message.payload for message in outbox.next(10, ())] == [b"2", b"3"]
    assert [message.payload for message in outbox.next(1, {outbox.next(1, ())[0].id})] == [b"3"]


def test_what_waits_while_the_broker_is_gone_arrives_when_it_is_back(
    tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONGEST_DELAY", 0.5)
    with running(tmp_path, free_port) as gateway:
        gateway.put(1, 2)
        eventually(lambda: gateway.publisher.problem is not None)
        assert gateway.publisher.problem is not None
        assert "cannot be reached" in gateway.publisher.problem
        with embedded(free_port, tmp_path):
            eventually(lambda: len(gateway.outbox) == 0)
            gateway.put(3)
            eventually(lambda: len(gateway.outbox) == 0)
        eventually(lambda: not gateway.publisher.connected)
        gateway.put(4)
        with embedded(free_port, tmp_path):
            eventually(lambda: len(gateway.outbox) == 0)


def test_retained_messages_are_coalesced_and_said_again_to_a_new_connection(
    tmp_path: Path, broker_port: int, city: City
) -> None:
    with running(tmp_path, broker_port) as gateway:
        eventually(lambda: gateway.publisher.connected)
        gateway.retained.put(GATEWAY, b'{"status":"online"}')
        city.wait(lambda city: city.of("/gateway"))
        late = City(broker_port)
        late.wait(lambda city: city.of("/gateway"))
        assert late.messages[0][2], "retained"
        late.close()
    city.wait(lambda city: city.of("/gateway")[-1] == {"status": "offline"})


def test_only_the_newest_of_a_topic_is_kept() -> None:
    retained = Retained()
    retained.put("a", b"1")
    retained.put("b", b"2")
    retained.put("a", b"3")
    assert [retained.take(), retained.take(), retained.take()] == [("a", b"3"), ("b", b"2"), None]
    retained.put("a", b"3")
    assert retained.take() is None
    retained.again()
    assert retained.take() == ("a", b"3")


class Grumpy:
    """A broker by hand that answers each PUBLISH as it is told, and counts how many it is owed an answer."""

    def __init__(self, reason: int, *, receive_maximum: int | None = None, connack: int = 0, answers: bool = True):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.reason = reason
        self.answers = answers
        self.unanswered: list[int] = []
        self.published = 0
        self.connections = 0
        maximum = b"" if receive_maximum is None else b"\x21" + receive_maximum.to_bytes(2, "big")
        self._connack = bytes([0x20, 3 + len(maximum), 0, connack, len(maximum)]) + maximum
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                try:
                    self._talk(connection)
                except (OSError, IndexError):
                    continue

    def _talk(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while head := stream.read(1):
            length, shift = 0, 0
            while True:
                byte = stream.read(1)[0]
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            body = stream.read(length)
            if head[0] >> 4 == 1:
                connection.sendall(self._connack)
            elif head[0] >> 4 == 3:
                size = int.from_bytes(body[:2], "big")
                mid = body[2 + size : 4 + size]
                self.published += 1
                if self.answers:
                    connection.sendall(b"\x40\x03" + mid + bytes([self.reason]))
                else:
                    self.unanswered.append(int.from_bytes(mid, "big"))


@pytest.fixture
def grumpy() -> Iterator[Callable[..., Grumpy]]:
    made: list[Grumpy] = []

    def make(reason: int, **more: object) -> Grumpy:
        made.append(Grumpy(reason, **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for broker in made:
        broker.close()


@pytest.mark.parametrize("reason", [0x80, 0x87, 0x97, 0x99])
def test_a_refused_message_stays_in_the_outbox_and_is_tried_again(
    reason: int, tmp_path: Path, grumpy: Callable[..., Grumpy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REFUSED_SECONDS", 0.5)
    broker = grumpy(reason)
    with running(tmp_path, broker.port) as gateway:
        gateway.put(1)
        eventually(lambda: gateway.counters["messages_refused"] >= 2)
        assert len(gateway.outbox) == 1
        broker.reason = 0x00
        eventually(lambda: len(gateway.outbox) == 0)


def test_nobody_listening_is_no_refusal(tmp_path: Path, grumpy: Callable[..., Grumpy]) -> None:
    with running(tmp_path, grumpy(0x10).port) as gateway:  # no matching subscribers
        gateway.put(1)
        eventually(lambda: len(gateway.outbox) == 0)


@pytest.mark.parametrize(("allowed", "expected"), [(None, 20), (3, 3), (1000, 20)])
def test_no_more_is_in_flight_than_the_broker_and_we_can_bear(
    allowed: int | None, expected: int, tmp_path: Path, grumpy: Callable[..., Grumpy]
) -> None:
    broker = grumpy(0, receive_maximum=allowed, answers=False)
    with running(tmp_path, broker.port) as gateway:
        gateway.put(*range(100))
        eventually(lambda: len(broker.unanswered) >= expected)
        time.sleep(0.4)
        assert len(broker.unanswered) == expected
        assert len(gateway.outbox) == 100


def test_a_broker_that_does_not_want_us_is_not_asked_again_soon(tmp_path: Path, grumpy: Callable[..., Grumpy]) -> None:
    broker = grumpy(0, connack=0x86)
    with running(tmp_path, broker.port, username="stoep", password="hush-hush") as gateway:
        eventually(lambda: gateway.publisher.problem is not None)
        time.sleep(2)
        assert broker.connections == 1
        assert gateway.publisher.problem is not None
        assert "check mqtt.username" in gateway.publisher.problem
        assert "hush-hush" not in gateway.publisher.problem


def test_a_password_does_not_show() -> None:
    assert "hush" not in repr(Broker("h", 1, "id", 30, password="hush"))


def test_a_broker_without_tls_is_named(tmp_path: Path, broker_port: int) -> None:
    played = Running(tmp_path, Broker("127.0.0.1", broker_port, "test-gateway", 30))
    try:
        eventually(lambda: played.publisher.problem is not None)
        assert played.publisher.problem is not None
        assert "TLS" in played.publisher.problem
    finally:
        played.stop()


def _has_mosquitto() -> bool:
    import shutil

    return shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin") is not None


@pytest.mark.skipif(not _has_mosquitto(), reason="mosquitto is not installed: apt install mosquitto")
def test_mosquitto_takes_everything_too(tmp_path: Path, free_port: int) -> None:
    with mosquitto(free_port, tmp_path, "allow_anonymous true", "max_inflight_messages 5"):
        city = City(free_port)
        with running(tmp_path, free_port) as gateway:
            gateway.put(*range(50))
            city.wait(lambda city: len(city.of("/window")) >= 50)
            eventually(lambda: len(gateway.outbox) == 0)
        city.close()


@pytest.mark.skipif(not _has_mosquitto(), reason="mosquitto is not installed: apt install mosquitto")
def test_mosquittos_acl_refusal_keeps_the_row(tmp_path: Path, free_port: int) -> None:
    (tmp_path / "acl").write_text("topic read #\ntopic write stoep/1/grote-markt/gateway\n")
    (tmp_path / "acl").chmod(0o600)
    with (
        mosquitto(free_port, tmp_path, "allow_anonymous true", f"acl_file {tmp_path / 'acl'}"),
        running(tmp_path, free_port) as gateway,
    ):
        gateway.put(1)
        eventually(lambda: gateway.counters["messages_refused"] >= 1)
        assert len(gateway.outbox) == 1
