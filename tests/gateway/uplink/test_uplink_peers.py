"""What other gateways get wrong between buffer and broker; each test is named after the one it learned from."""

import signal
import subprocess
import sys
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
from stoep.uplink.connection import Broker
from uplink_rig import GATEWAY, SET, Running, needs_mosquitto, running

BURST = 5000
_KILLED = """
import os, signal, sys
from pathlib import Path
from stoep.store.database import Database
from stoep.store.outbox import Outbox
outbox = Outbox(database := Database(Path(sys.argv[1])))
with database.transaction() as sql:
    for number in range(int(sys.argv[2])):
        outbox.put(sql, f"key {number}", f"topic/{number}", b"%d" % number)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_DELAY", 0.3)
    monkeypatch.setattr(module, "_FAREWELL_SECONDS", 0.3)


def test_thingsboard_a_burst_of_thousands_and_then_a_kill_leaves_every_row(tmp_path: Path) -> None:
    file = tmp_path / "stoep.db"
    done = subprocess.run([sys.executable, "-c", _KILLED, str(file), str(BURST)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    outbox = Outbox(database := Database(file, fail))
    assert {int(message.payload) for message in outbox.next(BURST + 1, ())} == set(range(BURST))
    database.close()


@pytest.mark.slow
def test_thingsboard_the_store_outlives_reconnects_and_the_uplink_recovers_each_time(
    tmp_path: Path, scripted: Callable[..., ScriptedBroker]
) -> None:
    broker = scripted()
    with running(tmp_path, broker.port) as gateway:
        for number in range(5):
            eventually(lambda: gateway.publisher.connected)
            broker.hang_up()
            gateway.put(number)
            eventually(lambda: len(gateway.outbox) == 0)
    assert {publish.topic for publish in broker.got if not publish.retain} == {
        f"stoep/1/made-up/bin-{number}/window" for number in range(5)
    }


def test_telegraf_nothing_is_called_delivered_while_the_broker_is_down(
    tmp_path: Path, free_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with running(tmp_path, free_port) as gateway:
        gateway.put(1, 2, 3)
        eventually(lambda: gateway.counters["uplink_failures"] >= 2)
        assert gateway.counters["messages_delivered"] == 0
        assert gateway.publisher.status()["connected"] is False
        said = caplog.text.lower()
        assert "cannot be reached" in said
        assert not [word for word in ("deliver", "wrote", "connected to", "published", "sent") if word in said]
        with embedded(free_port, tmp_path):
            eventually(lambda: len(gateway.outbox) == 0)
            assert gateway.counters["messages_delivered"] == 3


def test_zigbee2mqtt_what_is_published_while_offline_is_kept_retained_messages_too(
    tmp_path: Path, free_port: int
) -> None:
    with running(tmp_path, free_port) as gateway:
        eventually(lambda: gateway.publisher.problem is not None)
        gateway.put(1)
        gateway.retained.put(GATEWAY, b'{"status":"online"}')
        with embedded(free_port, tmp_path):
            eventually(lambda: len(gateway.outbox) == 0)
            city = City(free_port)
            city.wait(lambda city: city.of("/gateway") == [{"status": "online"}])
            city.close()


@pytest.mark.slow
@needs_mosquitto
def test_mosquitto_bridge_no_count_of_waiting_messages_drops_the_rest(tmp_path: Path, free_port: int) -> None:
    with mosquitto(free_port, tmp_path, "allow_anonymous true", "max_queued_messages 0"):
        city = City(free_port)  # before the gateway: what it says to nobody, the broker keeps for nobody
        with running(tmp_path, free_port) as gateway:
            gateway.put(*range(3000))
            city.wait(lambda city: len({said["number"] for said in city.of("/window")}) == 3000, 20)
        city.close()


@needs_mosquitto
def test_mosquitto_bridge_a_message_is_acknowledged_only_when_it_was_handled(tmp_path: Path, free_port: int) -> None:

    def broken(_topic: str, _payload: bytes, _retained: bool) -> None:
        raise RuntimeError("the disk is on fire")

    heard: list[tuple[str, bytes, bool]] = []
    with mosquitto(free_port, tmp_path, "allow_anonymous true"):
        city = City(free_port)
        broker = Broker("127.0.0.1", free_port, "test-gateway", 30, tls=False)
        gateway = Running(tmp_path, broker, listen=broken)
        topic = SET.replace("+", "bin-1")
        eventually(lambda: city.publish(topic, b'{"base":50}') or gateway.failure is not None)
        assert str(gateway.failure) == "the disk is on fire"
        gateway.stop()
        with running(tmp_path, free_port, listen=lambda *message: heard.append(message)):
            eventually(lambda: (topic, b'{"base":50}', False) in heard)
            time.sleep(0.3)
        count = len(heard)
        with running(tmp_path, free_port, listen=lambda *message: heard.append(message)) as gateway:
            eventually(lambda: gateway.publisher.connected)
            time.sleep(0.3)
        assert len(heard) == count, "what was handled does not come again"
        city.close()


def test_azure_edgehub_an_outage_however_long_outlives_no_message(
    tmp_path: Path, scripted: Callable[..., ScriptedBroker]
) -> None:
    broker = scripted()
    with running(tmp_path, broker.port) as gateway:
        gateway.put(1, age=400 * 86_400)
        gateway.put(2)
        eventually(lambda: len(gateway.outbox) == 0)
    assert [publish.properties for publish in broker.of(1)] == [b"", b""], "no message expiry interval either"


@pytest.mark.slow
def test_paho_hundreds_of_unconfirmed_messages_do_not_go_out_at_once_after_a_reconnect(
    tmp_path: Path, scripted: Callable[..., ScriptedBroker]
) -> None:
    broker = scripted(lambda publish: 0 if len(broker.of(publish.connection)) <= 5 else SILENT)
    with running(tmp_path, broker.port) as gateway:
        gateway.put(*range(500))
        for connection in (1, 2, 3):
            eventually(lambda connection=connection: broker.connections == connection and broker.unanswered == 20)
            time.sleep(0.2)
            assert broker.unanswered == 20
            broker.hang_up()
        broker.answer = 0
        eventually(lambda: len(gateway.outbox) == 0)
    assert broker.most_unanswered == 20
    assert len({publish.topic for publish in broker.got if not publish.retain}) == 500


@pytest.mark.parametrize("reason", [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])
def test_paho_an_error_in_a_puback_is_not_published(
    reason: int, tmp_path: Path, scripted: Callable[..., ScriptedBroker]
) -> None:
    broker = scripted(reason)
    with running(tmp_path, broker.port) as gateway:
        gateway.put(1)
        eventually(lambda: gateway.counters["messages_refused"] >= 1)
    assert gateway.counters["messages_delivered"] == 0
    outbox = Outbox(database := Database(tmp_path / "stoep.db", fail))
    assert len(outbox) == 1
    database.close()
