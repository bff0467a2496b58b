"""To the city's broker: nothing leaves the outbox before the broker took it, whatever becomes of the connection."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway_chain import fail
from gateway_rig import City, embedded, eventually, mosquitto
from scripted_broker import SILENT, ScriptedBroker
from stoep.store.database import Database
from stoep.store.outbox import Outbox
from stoep.uplink import publisher as module
from stoep.uplink import refusals
from stoep.uplink.connection import Broker
from stoep.uplink.retained import Retained
from uplink_rig import GATEWAY, Running, needs_mosquitto, running


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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("reason", [0x80, 0x87, 0x97, 0x99])
def test_a_refused_message_stays_in_the_outbox_and_is_tried_again(
    reason: int, tmp_path: Path, scripted: Callable[..., ScriptedBroker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_FIRST_SECONDS", 0.3)
    broker = scripted(reason)
    with running(tmp_path, broker.port) as gateway:
        gateway.put(1)
        eventually(lambda: gateway.counters["messages_refused"] >= 2)
        assert len(gateway.outbox) == 1
        broker.answer = 0x00
        eventually(lambda: len(gateway.outbox) == 0)


def test_nobody_listening_is_no_refusal(tmp_path: Path, scripted: Callable[..., ScriptedBroker]) -> None:
    with running(tmp_path, scripted(0x10).port) as gateway:  # no matching subscribers
        gateway.put(1)
        eventually(lambda: len(gateway.outbox) == 0)


@pytest.mark.slow
@pytest.mark.parametrize(("allowed", "expected"), [(None, 20), (1, 1), (3, 3), (1000, 20)])
def test_no_more_is_in_flight_than_the_broker_and_we_can_bear(
    allowed: int | None, expected: int, tmp_path: Path, scripted: Callable[..., ScriptedBroker]
) -> None:
    broker = scripted(SILENT, receive_maximum=allowed)
    with running(tmp_path, broker.port) as gateway:
        gateway.put(*range(100))
        eventually(lambda: broker.unanswered >= expected)
        time.sleep(0.4)
        assert broker.unanswered == expected
        assert len(gateway.outbox) == 100


def test_a_broker_that_does_not_want_us_is_not_asked_again_soon(
    tmp_path: Path, scripted: Callable[..., ScriptedBroker]
) -> None:
    broker = scripted(0, connack=0x86)
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


@needs_mosquitto
def test_mosquitto_takes_everything_too(tmp_path: Path, free_port: int) -> None:
    with mosquitto(free_port, tmp_path, "allow_anonymous true", "max_inflight_messages 5"):
        city = City(free_port)
        with running(tmp_path, free_port) as gateway:
            gateway.put(*range(50))
            city.wait(lambda city: len(city.of("/window")) >= 50)
            eventually(lambda: len(gateway.outbox) == 0)
        city.close()


@needs_mosquitto
def test_mosquittos_acl_refusal_keeps_the_row(tmp_path: Path, free_port: int) -> None:
    (tmp_path / "acl").write_text("topic read #\ntopic write stoep/1/made-up/gateway\n")
    (tmp_path / "acl").chmod(0o600)
    with (
        mosquitto(free_port, tmp_path, "allow_anonymous true", f"acl_file {tmp_path / 'acl'}"),
        running(tmp_path, free_port) as gateway,
    ):
        gateway.put(1)
        eventually(lambda: gateway.counters["messages_refused"] >= 1)
        assert len(gateway.outbox) == 1
