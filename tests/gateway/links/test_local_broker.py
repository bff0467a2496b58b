"""The local broker in particular: accounts, what they may do, and who says too much."""

import queue
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway_rig import MORNING, PlayedNode, TurnedClock, eventually, sample, write_clock
from gateway_service import in_service
from node_at_broker import NodeAtBroker, guarded, with_lamppost
from stoep.cli import broker_files, build
from stoep.health import Counters
from stoep.links import broker as module
from stoep.links import rates as rates_module
from stoep.links.base import Link, Received
from stoep.links.broker import BrokerLink, LocalBroker
from stoep.registry import accounts
from stoep.service.service import Service


@pytest.fixture
def street(site: Callable[..., Path], free_port: int) -> Path:
    return with_lamppost(site, free_port)


@contextmanager
def linked(port: int, password: str) -> Iterator[tuple[BrokerLink, "queue.Queue[Received]", Counters]]:
    heard: queue.Queue[Received] = queue.Queue()
    counters = Counters()

    def handle(_link: Link, received: Received) -> None:
        heard.put(received)

    broker = LocalBroker("127.0.0.1", port, "stoep-gateway", username="street", password=password)
    link = BrokerLink(broker, handle, TurnedClock(), counters)
    link.start()
    try:
        yield link, heard, counters
    finally:
        link.stop()


def test_a_node_has_its_own_two_topics_and_no_others(street: Path, node: PlayedNode, free_port: int) -> None:
    other = PlayedNode(name="lamppost-2", kid=bytes.fromhex("c0ffee02"))
    with guarded(street, free_port), linked(free_port, "of the gateway") as (link, heard, counters):
        eventually(link.alive)
        lamppost = NodeAtBroker(free_port, node)
        lamppost.say(other.seal(b"\x80"), f"stoep/up/{other.kid.hex()}")
        lamppost.say(b"to itself", f"stoep/down/{node.kid.hex()}")
        sealed = node.seal(b"\x80")
        lamppost.say(sealed)
        assert heard.get(timeout=3).frame == sealed
        link.send(other.kid, b"not for it")
        link.send(node.kid, b"for it")
        assert lamppost.down.get(timeout=3) == b"for it"
        assert lamppost.down.empty()
        lamppost.close()
        curious = NodeAtBroker(free_port, node, hears="stoep/#")
        link.send(other.kid, b"not for it")
        link.send(node.kid, b"for it")
        assert curious.down.get(timeout=3) == b"for it", "of all it asked for it is told what is its own"
        curious.close()
        assert counters["broker_garbage"] == 0


def test_a_stranger_is_refused(street: Path, node: PlayedNode, free_port: int) -> None:
    with guarded(street, free_port):
        wrong = NodeAtBroker(free_port, node, "guessed")
        assert wrong.refused
        wrong.close()


def test_the_files_are_only_their_owners_and_say_no_secret(street: Path, node: PlayedNode) -> None:
    broker_files.write(street, street.parent / "broker")
    written = street.parent / "broker" / "passwords"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    text = written.read_text()
    assert [line.partition(":")[0] for line in text.splitlines()] == ["street", node.kid.hex()]
    assert node.secret.hex() not in text
    assert accounts.password(node.secret) not in text


def test_without_an_account_there_are_no_files(site: Callable[..., Path], tmp_path: Path) -> None:
    config = site(more="[local_broker]\n")
    done = CliRunner().invoke(build(), ["broker-files", "--config", str(config), "--dir", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "local_broker: names no account" in done.output
    assert not (tmp_path / "out").exists()


def test_a_wrong_password_is_named_and_not_tried_in_haste(street: Path, free_port: int) -> None:
    with guarded(street, free_port), linked(free_port, "wrong") as (link, _, counters):
        eventually(lambda: link.problem is not None)
        assert "check local_broker.username and local_broker.password_file" in str(link.problem)
        threading.Event().wait(1.0)
        assert counters["broker_failures"] == 1


def test_what_was_retained_is_not_heard(street: Path, node: PlayedNode, free_port: int) -> None:
    with guarded(street, free_port):
        lamppost = NodeAtBroker(free_port, node)
        lamppost.say(node.seal(b"\x80"), retain=True)
        with linked(free_port, "of the gateway") as (_, heard, counters):
            eventually(lambda: counters["broker_garbage"] == 1)
            assert heard.empty()
        lamppost.close()


def test_replies_that_nobody_takes_do_not_pile_up(street: Path, node: PlayedNode, free_port: int) -> None:
    with guarded(street, free_port), linked(free_port, "of the gateway") as (link, _, counters):
        eventually(link.alive)
        client = link._client
        assert client is not None
        client.loop = lambda *_: 0  # type: ignore[method-assign,assignment]
        threading.Event().wait(2 * module._TURN)
        for _ in range(200):
            link.send(node.kid, bytes(200))
        eventually(lambda: counters["replies_late"] == 200 - module._MOST_UNDER_WAY)


def test_who_is_retired_is_not_asked_for_any_more(street: Path, node: PlayedNode, free_port: int) -> None:
    with guarded(street, free_port), linked(free_port, "of the gateway") as (link, heard, _):
        link.allow([node.kid])
        eventually(link.alive)
        lamppost = NodeAtBroker(free_port, node)
        lamppost.say(node.seal(b"\x80"))
        heard.get(timeout=3)
        for kids in ([], [node.kid]):
            link.allow(kids)
            threading.Event().wait(3 * module._TURN)
            lamppost.say(node.seal(b"\x80"))
            threading.Event().wait(0.2)
            assert heard.qsize() == len(kids)
        lamppost.close()


def test_a_reply_does_not_wait_until_what_went_before_it_is_acknowledged(
    street: Path, node: PlayedNode, free_port: int
) -> None:
    """Nagle's algorithm and a delayed acknowledgement would take 40 ms of it, at the broker or here."""
    with guarded(street, free_port), linked(free_port, "of the gateway") as (link, _, _counters):
        link._handler = lambda _link, received: link.send(received.mac, b"reply")
        eventually(link.alive)
        lamppost = NodeAtBroker(free_port, node)
        delays = []
        for _ in range(9):
            threading.Event().wait(0.06)  # until the lamppost's own packets are acknowledged
            sealed = node.seal(b"\x80")
            began = time.monotonic()
            lamppost._client.publish(f"stoep/up/{node.kid.hex()}", sealed, 1)
            assert lamppost.down.get(timeout=3) == b"reply"
            delays.append(time.monotonic() - began)
        lamppost.close()
    assert sorted(delays)[4] < 0.03


def test_a_broker_that_shows_a_strangers_certificate_is_not_spoken_to(street: Path, free_port: int) -> None:
    with guarded(street, free_port):
        broker = LocalBroker("127.0.0.1", free_port, "stoep-gateway", tls=True)
        link = BrokerLink(broker, lambda *_: None, TurnedClock(), Counters())
        link.start()
        eventually(lambda: link.problem is not None)
        assert "cannot be reached" in str(link.problem)
        link.stop()


def muted(service: Service) -> object:
    return next(link for link in service._links.values() if link.medium == "broker").status().get("muted")


def settled(service: Service) -> bool:
    before = service._counters["broker_flood"]
    time.sleep(0.5)
    return service._counters["broker_flood"] == before


def add_lamppost(street: Path, node: PlayedNode) -> None:
    nodes, secrets = street.with_name("nodes.toml"), street.with_name("secrets.toml")
    entry = f'[[node]]\nkid = "{node.kid.hex()}"\nname = "{node.name}"\nkind = "lamppost"\n'
    nodes.write_text(nodes.read_text() + entry)
    secrets.write_text(secrets.read_text() + f'{node.kid.hex()} = "{node.secret.hex()}"\n')


FLOOD = """
import sys, time
import paho.mqtt.client as mqtt
name, password = sys.argv[1:3]
port, qos, frame = int(sys.argv[3]), int(sys.argv[4]), bytes.fromhex(sys.argv[5])
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name)
client.username_pw_set(name, password)
client.connect("127.0.0.1", port)
client.loop_start()
said = 0
while True:
    for _ in range(20):
        said += 1
        client.publish("stoep/up/" + name, frame[:-4] + said.to_bytes(4, "big"), qos)
    time.sleep(0.005)
"""


@pytest.mark.slow
@pytest.mark.parametrize("qos", [0, 1])
def test_a_node_that_floods_the_broker_does_not_keep_another_from_its_reply(
    qos: int, street: Path, node: PlayedNode, free_port: int
) -> None:
    """It has a valid account, and says as many frames as it can under its own name: forged ones, dear to refuse."""
    other = PlayedNode(name="lamppost-2", kid=bytes.fromhex("c0ffee02"))
    add_lamppost(street, other)
    write_clock(street.parent / "clock", utc=MORNING)
    account = (node.kid.hex(), accounts.password(node.secret))
    command = [sys.executable, "-c", FLOOD, *account, str(free_port), str(qos), node.seal(bytes(100)).hex()]
    with guarded(street, free_port), in_service(street) as service:
        eventually(lambda: any(link.alive() for link in service._links.values()))
        victim, waits = NodeAtBroker(free_port, other), []
        flood = subprocess.Popen(command)
        try:
            eventually(lambda: muted(service), 15)
            eventually(lambda: settled(service), 15)  # what was on its way has come
            for number in range(30):
                began = time.monotonic()
                victim.say(other.report(sample(number + 1, 5)))
                other.open(victim.down.get(timeout=5))
                waits.append(time.monotonic() - began)
            assert muted(service) == [f"stoep/up/{node.kid.hex()}"], "as the city is told"
        finally:
            flood.kill()
            flood.wait()
            victim.close()
    assert sorted(waits)[20] < 0.5, "so long a node listens"
    assert service._counters["samples_received"] == 29, "the first was challenged"


def test_each_sender_has_a_rate_of_its_own_and_is_muted_when_it_goes_far_beyond(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(rates_module, "real", lambda: now[0])
    rates = rates_module.Rates(50, 100)
    assert [rates.allows("loud") for _ in range(150)].count(True) == 100
    assert rates.allows("quiet")
    assert rates.muted() == frozenset()
    now[0] += 2
    assert [rates.allows("loud") for _ in range(100)].count(True) == 50, "and its excess has worn off"
    for _ in range(50):
        rates.allows("loud")
    assert rates.muted() == {"loud"}
    now[0] += rates_module.MUTE
    assert rates.muted() == frozenset()
    assert rates.allows("loud")
    for number in range(5000):
        rates.allows(f"made up {number}")
    assert len(rates._buckets) == rates_module._SENDERS


def test_who_leaves_the_registry_is_not_listened_to(street: Path, node: PlayedNode, free_port: int) -> None:
    other = PlayedNode(name="lamppost-2", kid=bytes.fromhex("c0ffee02"))
    add_lamppost(street, other)
    with guarded(street, free_port), linked(free_port, "of the gateway") as (link, heard, _):
        eventually(link.alive)
        link.allow([other.kid])
        eventually(lambda: link._listening == {f"stoep/up/{other.kid.hex()}"})
        time.sleep(0.2)
        for one in (node, other):
            lamppost = NodeAtBroker(free_port, one)
            lamppost.say(one.seal(b"\x80"))
            lamppost.close()
        assert heard.get(timeout=3).mac == other.kid
        assert heard.empty()
        link.allow([node.kid, other.kid])
        eventually(lambda: len(link._listening) == 2)
        time.sleep(0.2)
        lamppost = NodeAtBroker(free_port, node)
        lamppost.say(node.seal(b"\x80"))
        lamppost.close()
        assert heard.get(timeout=3).mac == node.kid
