"""The city sets an interval: a bin lives by it from its next report on, a lamppost at once."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from stoep.uplink.dialects.native import timestamp
from stoep_twin.street import Options, Street
from stoep_twin.world.fill import EMPTY_MM, FULL_MM

INTERVAL, SPEED = 1800, 240.0  # a report each 7.5 seconds of ours
BASE = f"settings = {{ interval = {INTERVAL}, empty_mm = {EMPTY_MM}, full_mm = {FULL_MM} }}\n"


class _City:
    """What the nodes of a street say of their settings, what came of the commands, and a way to give some."""

    def __init__(self, street: Street) -> None:
        self.street = street
        self.versions: dict[str, str] = {}
        self.results: dict[tuple[str, str], float] = {}  # (node, result) → when
        heard = street._heard

        def listen(topic: str, message: Any) -> None:
            node = topic.split("/", maxsplit=1)[0]
            if topic.endswith("/state") and message["health"] and message["health"]["node"]:
                self.versions[node] = message["health"]["node"]["settings"]["version"]
            if topic.endswith("/set/result"):
                self.results.setdefault((node, message["result"]), time.monotonic())
            heard(topic, message)

        street._heard = listen  # type: ignore[method-assign]

    def sets(self, node: str, **settings: int) -> None:
        address = self.street.broker.address
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.connect(address.host, address.port)
        client.loop_start()
        expires = timestamp(self.street.clock.utc_us() / 1e6 + 6 * 3600)
        said = json.dumps({"id": f"{node}-1", "expires": expires, "settings": settings})
        client.publish(f"stoep/1/{self.street.site}/{node}/set", said, qos=1).wait_for_publish(5)
        client.disconnect()
        client.loop_stop()

    def said(self, node: str) -> str:
        return (self.street.directory / "boards" / node / "console.log").read_text()


@pytest.mark.slow
def test_a_set_reaches_a_bin_with_its_report_and_a_lamppost_at_once(tmp_path: Path) -> None:
    options = Options(bins=1, lampposts=1, speed=SPEED, interval=INTERVAL, loss=0.0, directory=tmp_path)
    street = Street(options)
    city = _City(street)

    async def until(true: Any) -> None:
        async with asyncio.timeout(40):
            while not true():
                street.check()
                await asyncio.sleep(0.02)

    async def live() -> None:
        async with street.running():
            nodes = tmp_path / "nodes.toml"
            named = nodes.read_text().replace('kind = "bin"\n', f'kind = "bin"\n{BASE}')
            nodes.write_text(named.replace('kind = "lamppost"\n', f'kind = "lamppost"\n{BASE}'))
            await until(lambda: len(set(city.versions.values())) == 1 and len(city.versions) == 2)
            reports = city.said("lamppost-1").count("send counter")
            await until(lambda: city.said("lamppost-1").count("send counter") > reports)
            began = time.monotonic()
            for node in ("bin-1", "lamppost-1"):
                await asyncio.to_thread(city.sets, node, interval=300)
            await until(lambda: ("lamppost-1", "applied") in city.results)
            assert time.monotonic() - began < INTERVAL / SPEED / 2  # long before it would have reported by itself
            await until(lambda: ("bin-1", "applied") in city.results)
            for node in ("bin-1", "lamppost-1"):
                assert [result for who, result in city.results if who == node] == ["accepted", "applied"]
                assert city.said(node).count("settings taken") <= 2  # the registry's, and the city's once
            await until(lambda: city.said("lamppost-1").count("send counter") > reports + 6)
            assert time.monotonic() - began < 20

    asyncio.run(live())
