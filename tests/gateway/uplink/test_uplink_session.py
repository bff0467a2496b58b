"""Our session at the city's broker: what is sent to us while we are away waits there, and comes once we are back."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway_rig import City, eventually, mosquitto
from scripted_broker import SILENT, ScriptedBroker
from stoep.uplink import publisher as module
from uplink_rig import SET, needs_mosquitto, running

TOPIC = SET.replace("+", "lamppost-1")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_DELAY", 0.3)
    monkeypatch.setattr(module, "_FAREWELL_SECONDS", 0.3)


class Heard:
    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []

    def __call__(self, topic: str, payload: bytes, _retained: bool) -> None:
        self.messages.append((topic, payload))

    def numbers(self) -> list[int]:
        return [int(payload) for _, payload in self.messages]


@needs_mosquitto
def test_what_the_city_sends_while_we_are_away_comes_when_we_are_back(tmp_path: Path, free_port: int) -> None:
    with mosquitto(free_port, tmp_path, "allow_anonymous true"):
        city = City(free_port)
        first, second = Heard(), Heard()
        with running(tmp_path, free_port, listen=first):
            eventually(lambda: city.publish(TOPIC, b"0") or first.messages != [])
            time.sleep(0.2)
        for number in range(1, 51):
            city.publish(TOPIC, b"%d" % number)
        with running(tmp_path, free_port, listen=second):
            eventually(lambda: len(second.messages) >= 50)
            time.sleep(0.2)
        assert set(second.messages) == {(TOPIC, b"%d" % number) for number in range(1, 51)}
        assert second.numbers() == sorted(second.numbers())
        city.close()


@needs_mosquitto
def test_messages_go_both_ways_and_through_a_lost_connection(tmp_path: Path, free_port: int) -> None:
    heard = Heard()
    with running(tmp_path, free_port, listen=heard) as gateway:
        for _ in range(2):
            with mosquitto(free_port, tmp_path, "allow_anonymous true"):
                eventually(lambda: gateway.publisher.connected)
                city = City(free_port)
                heard.messages.clear()
                eventually(lambda: city.publish(TOPIC, b"7") or heard.messages != [])  # noqa: B023
                gateway.put(1)
                eventually(lambda: len(gateway.outbox) == 0)
                city.close()
            eventually(lambda: not gateway.publisher.connected)


@needs_mosquitto
def test_a_retained_message_is_not_told_again_at_each_reconnect(tmp_path: Path, free_port: int) -> None:
    with mosquitto(free_port, tmp_path, "allow_anonymous true"):
        city = City(free_port)
        city.publish(TOPIC, b"1", retain=True)
        city.close()
        heard = Heard()
        for _ in range(3):
            with running(tmp_path, free_port, listen=heard) as gateway:
                eventually(lambda: heard.messages != [])
                gateway.put(1)
                eventually(lambda: len(gateway.outbox) == 0)
        assert heard.numbers() == [1]


def test_not_being_let_hear_the_city_is_told_and_hinders_nothing_else(
    tmp_path: Path, scripted: Callable[..., ScriptedBroker]
) -> None:
    broker = scripted(suback=0x87)
    with running(tmp_path, broker.port, listen=Heard()) as gateway:
        gateway.put(1)
        eventually(lambda: len(gateway.outbox) == 0)
        eventually(lambda: "deaf" in gateway.publisher.status())
        assert "let the account read there" in gateway.publisher.status()["deaf"]


def test_the_session_is_asked_for_a_week(tmp_path: Path, scripted: Callable[..., ScriptedBroker]) -> None:
    broker = scripted()
    with running(tmp_path, broker.port) as gateway:
        eventually(lambda: gateway.publisher.connected)
    (connect,) = broker.connects
    assert connect[:7] == b"\x00\x04MQTT\x05"
    flags, properties = connect[7], connect[11 : 11 + connect[10]]
    assert flags & 0x02 == 0, "no clean start"
    assert b"\x11" + (7 * 86_400).to_bytes(4, "big") in properties


def test_a_stop_with_all_in_flight_leaves_the_last_will_to_the_broker(
    tmp_path: Path, scripted: Callable[..., ScriptedBroker]
) -> None:
    """With a Receive Maximum of 1 and a message under way, one more would be against the broker's rule."""
    broker = scripted(SILENT, receive_maximum=1)
    with running(tmp_path, broker.port) as gateway:
        gateway.put(1)
        eventually(lambda: len(broker.got) == 1)
    eventually(lambda: broker.goodbyes != [])
    assert broker.goodbyes[0][:1] == b"\x04"
    assert broker.most_unanswered == 1
