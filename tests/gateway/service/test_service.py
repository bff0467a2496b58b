"""The whole service in one process: a frame in at the bridge's port, a reply out of it, a window at the city."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway_rig import MORNING, City, PlayedNode, PtyBridge, sample, write_clock
from gateway_service import Running, ask
from stoep.wire.light import Lamp, Light
from stoep.wire.messages import Alarm, Health, Place
from stoep.wire.replies import Answer, Challenge


def test_a_reading_goes_from_the_bridge_to_the_city(
    site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, broker_port: int, city: City, tmp_path: Path
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING + 600, speed=240)
    running = Running(site(port=bridge.port, broker=broker_port))
    try:
        allowed = bridge.filters.get(timeout=5)
        assert allowed.kids == (node.kid,)

        assert isinstance(ask(bridge, node, node.report(sample(1, 5))), Challenge)
        first = ask(bridge, node, node.report(sample(1, 5)))
        assert first == Answer(Place(1, 0), [(1, 1, 1)], [], first.utc)
        time.sleep(1.5)  # six virtual minutes, and a commit
        second = ask(bridge, node, node.report(tick=370, floor=Place(1, 1), back=1))
        assert isinstance(second, Answer)
        assert second.durable == Place(1, 1)

        window = city.wait(lambda city: city.of("/window"))[0]
        assert window["node"] == "bin-1"
        assert window["start"] == "2026-06-01T06:00:00Z"
        temperature = window["channels"]["temperature"]
        assert temperature == {
            "unit": "°C",
            "count": 1,
            "min": 18.53,
            "mean": 18.53,
            "max": 18.53,
            "last": 18.53,
            "rejected": 0,
            "quality": {"flag": 1, "reason": "in range"},
            "time_quality": "synced",
            "expected": 1,
        }
        assert window["channels"]["battery_voltage"]["last"] == 3.8
        state = city.wait(lambda city: [s for s in city.of("/state") if s["last_window"]])[0]
        assert state["last_window"]["start"] == window["start"]
        online = city.wait(lambda city: city.of("/gateway"))[-1]
        assert online["status"] == "online"
        assert online["bridges"][0]["alive"] is True
    finally:
        took = running.stop()
    assert took < 5
    assert city.wait(lambda city: city.of("/gateway")[-1]["status"] == "offline")
    store = sqlite3.connect(tmp_path / "stoep.db")
    assert store.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
    assert store.execute("SELECT count(*) FROM log").fetchone() == (0,)
    store.close()


@pytest.mark.slow
def test_the_city_gets_what_it_asked_for_and_nothing_else(
    site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, broker_port: int, city: City, tmp_path: Path
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING + 600, speed=240)
    config = site(port=bridge.port, broker=broker_port)
    config.write_text(config.read_text().replace("tls = false", 'tls = false\nforward = ["event", "sample"]'))
    running = Running(config)
    try:
        bridge.filters.get(timeout=5)
        ask(bridge, node, node.report(sample(1, 5)))
        ask(bridge, node, node.report(sample(1, 5), alarms=(Alarm(1, 1, 1, 5, True, 91),)))
        time.sleep(0.3)
        ask(bridge, node, node.report(tick=75, back=1, floor=Place(1, 2)))
        (said,) = city.wait(lambda city: city.of("/sample"))
        assert (said["node"], said["epoch"], said["seq"]) == ("bin-1", 1, 1)
        city.wait(lambda city: [g for g in city.of("/gateway") if g.get("counters", {}).get("windows_published")])
    finally:
        running.stop()
    assert {topic.rsplit("/", 1)[1] for topic, _, _ in city.messages} == {"sample", "event", "gateway"}
    online = next(content for content in city.of("/gateway") if content["status"] == "online")
    assert online["uplink"]["connected"] is True


def test_an_alarm_is_on_disk_before_it_is_acknowledged_and_overtakes_everything(
    site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, broker_port: int, city: City, tmp_path: Path
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    running = Running(site(port=bridge.port, broker=broker_port, more="[store]\ncommit_seconds = 60\n"))
    try:
        bridge.filters.get(timeout=5)
        ask(bridge, node, node.report(sample(1, 5)))
        answer = ask(bridge, node, node.report(alarms=(Alarm(1, 1, 1, 9, True, 91),)))
        assert isinstance(answer, Answer)
        assert answer.alarms == [(1, 1)]
        event = city.wait(lambda city: city.of("/event"))[0]
        assert (event["alarm"], event["raised"], event["value"], event["unit"]) == ("full", True, 91, "%")
    finally:
        running.stop()


@pytest.mark.slow
def test_what_a_node_says_of_itself_stays_in_its_state_and_its_crash_is_told(
    site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, broker_port: int, city: City, tmp_path: Path
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    running = Running(site(port=bridge.port, broker=broker_port))
    try:
        bridge.filters.get(timeout=5)
        ask(bridge, node, node.report(sample(1, 5)))
        crashed = Alarm(1, 1, 7, 9, True, 1, b"0.1.0 measuring: OSError: \xff")
        ask(bridge, node, node.report(alarms=(crashed,)))
        said = Health(96, 1, 2, 300, 12, 4096, 7, 0xC0DE, 0xDEADBEEF, 0xC0FFEE, 1, (0, 3, 0, 0, 0, 0, 700, 0))
        ask(bridge, node, node.report(health=said, tick=12))
        ask(bridge, node, node.report(sample(1, 13)))
        event = city.wait(lambda city: city.of("/event"))[0]
        assert (event["alarm"], event["traceback"]) == ("crashed", "0.1.0 measuring: OSError: \ufffd")
        state = city.wait(lambda city: [s for s in city.of("/state") if s["health"]["tick"] == 13])[0]
        health = state["health"]["node"]
        assert health.pop("failed_readings")["range"] == 3
        assert health == {
            "wakes": 96,
            "watchdog_resets": 1,
            "crashes": 2,
            "frames_sent": 300,
            "frames_unanswered": 12,
            "heap_free_least": 4096,
            "ring_used_percent": 7,
            "light": "0000c0de",
            "settings": {
                "version": "deadbeef",
                "refused": "00c0ffee",
                "reason": "interval cannot be so on this node",
            },
        }
        ask(bridge, node, node.report(sample(1, 3, epoch=2), epoch=2))
        state = city.wait(lambda city: [s for s in city.of("/state") if s["health"]["epoch"] == 2])[0]
        assert state["health"]["node"] is None  # another life, of which it has said nothing yet
    finally:
        running.stop()


@pytest.mark.slow
def test_a_lamppost_is_told_tonight_and_its_group_and_a_retired_neighbour_is_gone_from_it(
    site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, tmp_path: Path
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    config = site(port=bridge.port, broker=1)
    place = 'latitude = 50.85\nlongitude = 4.35\ntimezone = "Europe/Brussels"\n'
    config.write_text(config.read_text().replace("[[bridge]]", place + "[[bridge]]") + "[lighting]\ndim = 20\n")
    kids = [node.kid, b"\x1a\x3b\x00\x02", b"\x1a\x3b\x00\x03"]

    def street(lamps: int) -> None:
        posts = [f'[[node]]\nkid = "{kid.hex()}"\nname = "post-{n}"\nkind = "lamppost"\n' for n, kid in enumerate(kids)]
        group = ", ".join(f'{{ node = "post-{n}", metres = {25 * n} }}' for n in range(lamps))
        nodes = "".join(posts[:lamps]) + f'[[group]]\nname = "street"\nlamps = [{group}]\n'
        (tmp_path / "nodes.toml").write_text(nodes)

    street(3)
    others = "".join(f'{kid.hex()} = "{kid.hex() * 8}"\n' for kid in kids[1:])
    secrets = f'{node.kid.hex()} = "{node.secret.hex()}"\n{others}'
    (tmp_path / "secrets.toml").write_text(f'[secrets]\n{secrets}[groups]\nstreet = "{"cd" * 32}"\n')
    running = Running(config)

    def told() -> Light:
        unlit = Health(1, 0, 0, 1, 0, 9000, 3, 0, 0x04D44C65, 0, 0, (0,) * 8)
        answer = ask(bridge, node, node.report(tick=10, health=unlit))
        assert isinstance(answer, Answer)
        assert answer.light is not None
        return answer.light

    try:
        bridge.filters.get(timeout=5)
        ask(bridge, node, node.report())
        light = told()
        assert (light.plan.base, light.plan.dim) == (1000, 518)
        assert 14 * 3600 < light.plan.dusk < 15 * 3600  # of a first of June, at six in the morning UTC
        assert light.group is not None
        assert (light.group.own, light.group.lamps) == (0, tuple(Lamp(kid, 250 * n) for n, kid in enumerate(kids)))
        street(2)
        bridge.filters.get(timeout=9)
        left = told()
        assert left.group is not None
        assert left.group.lamps == light.group.lamps[:2]
        assert left.group.secret != light.group.secret
    finally:
        running.stop()


@pytest.mark.parametrize("noise", [b"\x00", b"\xff" * 700, b"\x01\x02\x03\x00"])
def test_garbage_on_the_line_costs_no_more_than_itself(
    noise: bytes, site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, tmp_path: Path
) -> None:
    import os

    write_clock(tmp_path / "clock", utc=MORNING)
    running = Running(site(port=bridge.port, broker=1))
    try:
        bridge.filters.get(timeout=5)
        os.write(bridge._master, noise + b"\x00")
        bridge.hello()
        assert isinstance(ask(bridge, node, node.report(sample(1, 5))), Challenge)
    finally:
        running.stop()
