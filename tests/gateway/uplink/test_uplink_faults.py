"""A broker that refuses, falls silent or hangs up: nothing is lost, the rest is served, what happened can be seen."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway_rig import City, eventually, mosquitto, mosquitto_process
from scripted_broker import DROP, SILENT, Publish, ScriptedBroker
from stoep.uplink import pace, refusals
from stoep.uplink import publisher as module
from stoep.uplink.refusals import Refusals
from uplink_rig import needs_mosquitto, running

QUOTA, NOT_AUTHORISED, BAD_PAYLOAD = 0x97, 0x87, 0x99


def window(number: int) -> str:
    return f"stoep/1/made-up/bin-{number}/window"


def only(number: int, answer: int) -> Callable[[Publish], int]:
    """Takes all but what is on the topic of `number`."""
    return lambda publish: answer if publish.topic == window(number) else 0


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_DELAY", 0.1)
    monkeypatch.setattr(module, "_LONGEST_DELAY", 0.3)
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(module, "_FAREWELL_SECONDS", 0.3)


@needs_mosquitto
def test_where_the_account_may_not_write_rows_are_kept_and_not_tried_one_by_one(tmp_path: Path, free_port: int) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite stoep/1/made-up/bin-1/#\ntopic readwrite stoep/1/made-up/gateway\n")
    acl.chmod(0o600)
    with (
        mosquitto(free_port, tmp_path, "allow_anonymous true", f"acl_file {acl}", "max_inflight_messages 1"),
        running(tmp_path, free_port) as gateway,
    ):
        for age in range(50):
            gateway.put(2, age=age)
        gateway.put(1)
        eventually(lambda: len(gateway.outbox) == 50)
        time.sleep(0.3)
        assert gateway.counters["messages_refused"] == 3
        why = gateway.publisher.status()["refused"][window(2)]
        assert why == "Not authorized, 0x87; let the account write there"


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("answer", [NOT_AUTHORISED, BAD_PAYLOAD, SILENT, DROP])
def test_a_message_that_is_never_taken_is_in_nobodys_way_even_one_at_a_time(
    answer: int, tmp_path: Path, scripted: Callable[..., ScriptedBroker]
) -> None:
    broker = scripted(only(1, answer), receive_maximum=1)
    with running(tmp_path, broker.port, keepalive=1) as gateway:
        gateway.put(1, urgent=True)
        gateway.put(*range(2, 40))
        eventually(lambda: len(gateway.outbox) == 1, 12)
        assert window(1) in gateway.publisher.status()["refused"]


@pytest.mark.usefixtures("impatient")
def test_others_of_the_same_topic_go_by_a_message_that_is_never_taken(
    tmp_path: Path, scripted: Callable[..., ScriptedBroker]
) -> None:
    first = b'{"number":1}'
    broker = scripted(lambda publish: NOT_AUTHORISED if publish.payload == first else 0, receive_maximum=1)
    with running(tmp_path, broker.port) as gateway:
        gateway.put(1, age=100)
        with gateway.database.transaction() as sql:
            for number in range(20):
                gateway.outbox.put(sql, f"other {number}", window(1), b"{}")
        gateway.outbox.waiting.set()
        eventually(lambda: len(gateway.outbox) == 1)


def test_a_message_too_large_for_the_broker_is_kept_told_and_does_not_end_the_connection(
    tmp_path: Path, scripted: Callable[..., ScriptedBroker]
) -> None:
    broker = scripted(largest=200)
    with running(tmp_path, broker.port) as gateway:
        with gateway.database.transaction() as sql:
            gateway.outbox.put(sql, "large", window(1), bytes(200), urgent=True)
        gateway.put(2, 3)
        eventually(lambda: len(gateway.outbox) == 1)
        assert gateway.publisher.status()["refused"] == {window(1): "larger than it takes"}
    assert (broker.connections, len(broker.of(1))) == (1, 2)


@pytest.mark.slow
def test_when_the_quota_is_exceeded_the_gateway_slows_down_and_loses_nothing(
    tmp_path: Path, scripted: Callable[..., ScriptedBroker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_FIRST_PAUSE", 0.2)
    broker = scripted(QUOTA)
    with running(tmp_path, broker.port) as gateway:
        gateway.put(*range(60))
        eventually(lambda: len(broker.got) > 0)
        time.sleep(1.5)  # pauses of 0.2, 0.4, 0.8: four handfuls, each half of the one before
        assert len(broker.got) <= 20 + 10 + 5 + 2
        assert "quota" in gateway.publisher.status()["slowed"]
        broker.answer = 0
        eventually(lambda: len(gateway.outbox) == 0, 10)
        assert "slowed" not in gateway.publisher.status()


@pytest.mark.usefixtures("impatient")
def test_a_broker_that_accepts_and_never_answers_is_left_and_named(
    tmp_path: Path, scripted: Callable[..., ScriptedBroker]
) -> None:
    broker = scripted(silent=True)
    with running(tmp_path, broker.port) as gateway:
        gateway.put(1)
        eventually(lambda: broker.connections >= 2)
        assert "does not answer" in gateway.publisher.status()["problem"]
        broker.silent = False
        eventually(lambda: len(gateway.outbox) == 0)
        assert gateway.publisher.status() == {"connected": True}


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_a_broker_that_confirms_nothing_is_left_and_gets_one_message_at_a_time(
    tmp_path: Path, scripted: Callable[..., ScriptedBroker]
) -> None:
    broker = scripted(SILENT)
    with running(tmp_path, broker.port, keepalive=1) as gateway:
        gateway.put(*range(50))
        eventually(lambda: broker.connections >= 2)
        assert gateway.publisher.problem is None or "does not confirm a message in 2 s" in gateway.publisher.problem
        eventually(lambda: len(broker.of(2)) == 1)
        time.sleep(0.2)
        assert (len(broker.of(1)), len(broker.of(2))) == (20, 1)
        broker.answer = 0
        eventually(lambda: len(gateway.outbox) == 0)
    assert {publish.topic for publish in broker.got if not publish.retain} == {window(n) for n in range(50)}


@needs_mosquitto
@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("busy", [False, True])
def test_a_half_open_connection_is_noticed_within_one_and_a_half_keepalives(
    busy: bool, tmp_path: Path, free_port: int, figure: Callable[[str], None]
) -> None:
    keepalive = 2
    with mosquitto_process(free_port, tmp_path, "allow_anonymous true") as broker:
        city = City(free_port)
        with running(tmp_path, free_port, keepalive=keepalive) as gateway:
            gateway.put(1)
            eventually(lambda: len(gateway.outbox) == 0)
            broker.send_signal(signal.SIGSTOP)
            began = time.monotonic()
            if busy:
                gateway.put(*range(2, 30))
            eventually(lambda: not gateway.publisher.connected, 10)
            took = time.monotonic() - began
            figure(
                f"a half-open connection, {'busy' if busy else 'idle'}: noticed after {took / keepalive:.2f} keepalives"
            )
            assert took < 1.5 * keepalive + 0.5
            if not busy:
                gateway.put(*range(2, 30))
            broker.send_signal(signal.SIGCONT)
            eventually(lambda: len(gateway.outbox) == 0)
            city.wait(lambda city: {said["number"] for said in city.of("/window")} == set(range(1, 30)))
        city.close()


def test_reconnects_are_spread_and_ever_rarer(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    spread: list[tuple[float, float]] = []
    monkeypatch.setattr(
        module.Publisher, "_wait", lambda _self, stop, seconds: waits.append(seconds) or stop.wait(0.01)
    )
    monkeypatch.setattr(module.random, "uniform", lambda low, high: spread.append((low, high)) or 0.75)
    with running(tmp_path, free_port):
        eventually(lambda: len(waits) >= 9)
    assert set(spread) == {(0.5, 1.0)}
    assert waits[:9] == [0.75 * min(2.0**n, 60) for n in range(9)]


def test_a_held_message_is_tried_ever_more_rarely_and_forgotten_when_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(refusals, "real", lambda: now)
    released: list[float] = []
    holds = Refusals(lambda: released.append(now))
    for pause in (30, 60, 120, 240, 480, 960, 1920, 3600, 3600):
        holds.refused(1, "t", BAD_PAYLOAD)
        assert holds.holds(1, "t")
        assert not holds.holds(2, "t"), "another of the same topic"
        now += pause - 1
        holds.turn()
        assert holds.holds(1, "t")
        now += 1
        holds.turn()
        assert not holds.holds(1, "t")
    assert len(released) == 9
    holds.accepted(1, "t")
    assert holds.status() == {}
    holds.refused(1, "t", BAD_PAYLOAD)
    now += 30
    assert not holds.holds(1, "t")


def test_what_is_remembered_of_refusals_is_bounded() -> None:
    holds = Refusals(lambda: None)
    for number in range(5000):
        holds.refused(number, f"topic {number}", NOT_AUTHORISED)
    assert len(holds._rows) == len(holds._in_a_row) == len(holds._reasons) == 1000
    assert len(holds.status()) == 5
