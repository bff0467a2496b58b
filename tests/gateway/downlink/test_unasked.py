"""A node that always listens hears at once what it is to know: bound to its last report, until it answers."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from typer.testing import CliRunner

from gateway_chain import Chain
from gateway_rig import MORNING, City, PlayedNode, PtyBridge, TurnedClock, mosquitto, write_clock
from gateway_service import in_service
from stoep.cli import build
from stoep.downlink import prompt
from stoep.downlink.prompt import Prompt
from stoep.errors import MalformedError
from stoep.uplink.dialects.native import timestamp
from stoep.wire.light import Light, Plan
from stoep.wire.messages import Health
from stoep.wire.replies import Answer, version_of

TONIGHT = Plan(36_000, 68_000, 1000, 300, 40_000, 65_000, 40_000, 65_000)
BASE = {1: 900}


def health(settings_: dict[int, int], light: int = 0) -> Health:
    return Health(1, 0, 0, 1, 0, 9000, 3, light, version_of(settings_), 0, 0, (0,) * 8)


@pytest.fixture
def lamp(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    """Of a lamppost that has a light of its own only once a test gives it one."""
    chain = Chain(tmp_path / "lamp.db", clock, node, "lamppost", lambda *_: None, BASE)
    chain.ask(tick=10, health=health(BASE))
    return chain


def wants(chain: Chain, id_: str, **values: int | None) -> None:
    expires = timestamp(chain.clock.utc() + 600)
    said = {"id": id_, "expires": expires, "settings": values}
    chain.commands.take("stoep/1/grote-markt/bin-1/set", json.dumps(said).encode(), False)


def speak(chain: Chain) -> Answer | None:
    said = chain.intake.unasked(chain.node.kid)
    if said is None:
        return None
    answer = chain.node.open(said.reply.frame)  # bound to the last counter, or this raises
    assert isinstance(answer, Answer)
    return answer


def test_a_command_is_said_as_a_reply_to_the_last_report(lamp: Chain) -> None:
    assert speak(lamp) is None
    wants(lamp, "a", interval=60)
    answer = speak(lamp)
    assert answer is not None
    assert answer.settings == {1: 60}
    said = lamp.intake.unasked(lamp.node.kid)
    assert said is not None
    assert (said.via, said.reply.via) == ("bridge", ("bridge",))
    with pytest.raises(MalformedError):
        lamp.node.open(said.reply.frame, lamp.node.counter - 1)
    lamp.ask(tick=20, health=health({1: 60}))
    assert speak(lamp) is None


def test_each_time_under_a_higher_counter(lamp: Chain) -> None:
    wants(lamp, "a", interval=60)
    counters = []
    for _ in range(3):
        said = lamp.intake.unasked(lamp.node.kid)
        assert said is not None
        frame = said.reply.frame
        counters.append(int.from_bytes(frame[14 : 14 + frame[13] - 0x40], "big"))
    assert counters == sorted(set(counters))


def test_what_has_expired_since_it_was_first_said_is_not_said_again(lamp: Chain, clock: TurnedClock) -> None:
    wants(lamp, "a", interval=60)
    assert speak(lamp) is not None
    clock.now += 601
    assert speak(lamp) is None


def test_nobody_is_spoken_to_who_was_not_heard_since_the_start(lamp: Chain) -> None:
    wants(lamp, "a", interval=60)
    lamp.crash()
    assert lamp.intake.unasked(lamp.node.kid) is None
    assert lamp.intake.unasked(b"none") is None


def test_another_light_is_said_in_the_time_of_the_last_report(
    tmp_path: Path, clock: TurnedClock, node: PlayedNode
) -> None:
    wanted = [Light(7, TONIGHT)]
    chain = Chain(
        tmp_path / "lamp.db",
        clock,
        node,
        "lamppost",
        lambda _kid, utc: replace(wanted[0], plan=TONIGHT.since(round(utc - MORNING))),
    )
    clock.now = 1060.0
    chain.ask(tick=60, health=health({}, light=7))
    assert speak(chain) is None
    clock.now = 1300.0
    wanted[0] = Light(8, TONIGHT)
    answer = speak(chain)
    assert answer is not None
    assert answer.light == Light(8, TONIGHT.since(60))


def test_it_is_said_a_few_times_and_then_left_to_the_next_report(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(prompt, "real", lambda: now[0])
    said: list[tuple[float, bytes]] = []
    answered = {b"lamp", b"deaf"}

    def speak(kid: bytes) -> bool:
        said.append((now[0], kid))
        return kid not in answered

    lamps = Prompt(speak)
    lamps.set_awake([b"lamp", b"deaf"])
    lamps.turn()
    said.clear()
    answered.clear()
    lamps.want(b"bin1")  # which sleeps
    lamps.want(b"lamp")
    lamps.want(b"deaf")
    for _ in range(80):
        lamps.turn()
        now[0] += 1.0
        if now[0] == 104.0:
            answered.add(b"lamp")
    assert [at - 100 for at, kid in said if kid == b"deaf"] == [0, 2, 5, 12, 30]
    assert [at - 100 for at, kid in said if kid == b"lamp"] == [0, 2, 5]
    said.clear()
    lamps.want(b"deaf")
    lamps.turn()
    assert [kid for _, kid in said] == [b"deaf"]


def test_after_the_registry_has_changed_every_lamp_is_asked_for() -> None:
    """So that the neighbours of a retired lamp have another key at once."""
    said: list[bytes] = []
    lamps = Prompt(lambda kid: bool(said.append(kid)))
    lamps.set_awake([b"lam1", b"lam2"])
    lamps.turn()
    lamps.set_awake([b"lam2"])
    lamps.turn()
    lamps.turn()
    assert sorted(said) == [b"lam1", b"lam2", b"lam2"]


def test_a_whole_town_of_lamps_is_not_spoken_to_in_one_breath() -> None:
    said: list[bytes] = []
    lamps = Prompt(lambda kid: bool(said.append(kid)))
    town = [number.to_bytes(4, "big") for number in range(50)]
    lamps.set_awake(town)
    lamps.turn()
    assert len(said) == 20
    for _ in range(3):
        lamps.turn()
    assert sorted(said) == town


# -- the whole service, with mosquitto ---------------------------------------------------------------------------------


@pytest.fixture
def served(site: Callable[..., Path], bridge: PtyBridge, free_port: int, tmp_path: Path) -> Iterator[Path]:
    """A gateway with one lamppost that runs, and its gateway.toml."""
    write_clock(tmp_path / "clock", utc=MORNING)
    config = site(port=bridge.port, broker=free_port)
    nodes = tmp_path / "nodes.toml"
    nodes.write_text(nodes.read_text().replace('"bin"', '"lamppost"') + "settings = { interval = 900 }\n")
    with mosquitto(free_port, tmp_path, "allow_anonymous true"), in_service(config):
        yield config


@contextlib.contextmanager
def town_hall(port: int) -> Iterator[Callable[..., None]]:
    """Publishes commands as a city does."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()

    def publish(id_: str, *, retain: bool = False, **values: int | None) -> None:
        said = {"id": id_, "by": "desk 7", "expires": timestamp(MORNING + 600), "settings": values}
        client.publish("stoep/1/grote-markt/bin-1/set", json.dumps(said), qos=1, retain=retain).wait_for_publish(5)

    yield publish
    client.disconnect()
    client.loop_stop()


def results(city: City) -> list[tuple[str, str]]:
    """Each once, however often QoS 1 brought it."""
    return list(dict.fromkeys((one["id"], one["result"]) for one in city.of("/set/result")))


@pytest.mark.slow
def test_the_city_sets_and_a_lamppost_hears_it_at_once(
    served: Path, bridge: PtyBridge, node: PlayedNode, free_port: int
) -> None:
    bridge.filters.get(timeout=5)
    city = City(free_port)
    city.wait(lambda city: city.of("/gateway"))
    with town_hall(free_port) as publish:
        for said in (None, health(BASE)):
            bridge.hear(node.report(tick=10, health=said))
            node.open(bridge.sent.get(timeout=3).frame)
        publish("a", interval=60)
        for _ in range(2):  # it does not answer at first
            sent = bridge.sent.get(timeout=4)
            answer = node.open(sent.frame)
            assert isinstance(answer, Answer)
            assert (sent.mac, answer.settings) == (b"\x0a" * 6, {1: 60})
        bridge.hear(node.report(tick=13, health=health({1: 60})))
        answer = node.open(bridge.sent.get(timeout=3).frame)
        assert isinstance(answer, Answer)
        assert answer.settings is None
        city.wait(lambda city: ("a", "applied") in results(city))
        publish("b", interval=4)
        publish("c", retain=True, interval=70)  # to whoever is subscribed already it comes as any other
        city.wait(lambda city: len(results(city)) == 4)
    assert results(city) == [("a", "accepted"), ("a", "applied"), ("b", "refused"), ("c", "accepted")]
    city.close()

    shown = CliRunner().invoke(build(), ["commands", "--config", str(served), "--json"])  # beside the gateway
    assert shown.exit_code == 0, shown.output
    listed = {one["id"]: one for one in json.loads(shown.output)}
    assert [step["result"] for step in listed["a"]["steps"]] == ["accepted", "sent", "applied"]
    assert listed["b"]["steps"][0]["reason"] == "settings.interval = 4 is not a whole number from 5 to 86400, or null"
    table = CliRunner().invoke(build(), ["commands", "--config", str(served)], env={"COLUMNS": "200"})
    assert "desk 7" in table.output
    assert "interval = 60" in table.output


def test_a_store_that_is_not_there_is_said(site: Callable[..., Path]) -> None:
    shown = CliRunner().invoke(build(), ["commands", "--config", str(site())])
    assert shown.exit_code == 1
    assert "there is no store" in shown.output
