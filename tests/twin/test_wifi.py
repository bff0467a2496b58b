"""A whole lamppost on Wi-Fi: real firmware, an access point, a real broker, the gateway's own link and stages."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock, mosquitto
from stoep.health import Counters
from stoep.links import broker as broker_link
from stoep.links.base import Link, Received
from stoep.links.broker import BrokerLink, LocalBroker
from stoep.registry import accounts
from stoep.resources import firmware_dir, hardware_dir
from stoep.wire.light import Lamp, Light, Plan, Share
from stoep_twin.access import AccessPoint
from stoep_twin.air import Air, Radio
from stoep_twin.boards import Board
from stoep_twin.clockwork import Clockwork
from stoep_twin.console import Line
from stoep_twin.nursery import Nursery
from stoep_twin.surroundings import Surroundings
from stoep_twin.wiring import Wiring
from stoep_twin.world.place import Place

START = 1_780_293_600
SPEED = 20.0
SITE = 6
GATEWAY = "street"
GROUP_FRAME = bytes.fromhex("8343a1010aa30444")  # a reply begins so, too, but a bridge hears none
ALONE = Light(1, Plan(600, 40_000, 1000, 300, 20_000, 30_000, 20_000, 30_000))
GROUP = Light(
    2,
    Plan(600, 40_000, 1000, 300, 20_000, 30_000, 20_000, 30_000),
    Share(7, bytes(16), 0, (Lamp(bytes.fromhex("c0ffee01"), 0), Lamp(bytes.fromhex("c0ffee02"), 250))),
)


@dataclass
class Street:
    """What a test sees."""

    board: Board
    access_point: AccessPoint
    broker: "Cabinet"
    bridge: "Bridge"
    lines: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def until(self, condition: Callable[[str], bool], seconds: float = 20.0, since: int = 0) -> int:
        """The place of the first line from `since` on of which `condition` is true, once it was said."""
        async with asyncio.timeout(seconds):
            while True:
                for place in range(since, len(self.lines)):
                    if condition(self.lines[place]):
                        return place + 1
                assert not self.faults, self.faults
                await asyncio.sleep(0.01)

    async def answered(self, seconds: float = 20.0) -> None:
        """Wait for a reply to a report that is not made yet."""
        await self.until(lambda line: line.startswith("reply counter="), seconds, len(self.lines))


class Cabinet:
    """Local broker and gateway."""

    def __init__(self, folder: Path, port: int, node: PlayedNode, light: Light) -> None:
        self._folder, self._port, self._node = folder, port, node
        self._here = ExitStack()
        self._lock = threading.Lock()
        self.chain = Chain(folder / "stoep.db", TurnedClock(), node, "lamppost", lambda _kid, _utc: light)
        self.heard: list[Received] = []
        broker = LocalBroker("127.0.0.1", port, "gateway", username=GATEWAY, password="of the gateway")
        self.link = BrokerLink(broker, self._handle, TurnedClock(), Counters())

    def answer(self, frame: bytes) -> bytes | None:
        with self._lock:
            reply = self.chain.say(frame)
            self.chain.commit()
            return reply

    def _handle(self, link: Link, received: Received) -> None:
        self.heard.append(received)
        reply = self.answer(received.frame)
        if reply is not None:
            link.send(received.mac, reply)

    def speak(self) -> None:
        """Say to the lamppost what it did not ask for."""
        with self._lock:
            said = self.chain.intake.unasked(self._node.kid)
        if said is not None:
            self.link.send(self._node.kid, said.reply.frame)

    def reason(self) -> object:
        """Why settings were refused, as the city is told."""
        _, document = self.chain.native.state(self.chain.identity, None, self.chain.met.heard, None)
        return json.loads(document)["health"]["node"]["settings"]["reason"]

    def come(self) -> None:
        passwords = self._folder / "passwords"
        nodes = accounts.of_nodes([self.chain.met.entry])
        passwords.write_text(accounts.passwords([(GATEWAY, "of the gateway"), *nodes]))
        passwords.chmod(0o600)
        self._here.enter_context(mosquitto(self._port, self._folder, f"password_file {passwords}"))

    def go(self) -> None:
        self._here.close()


class Bridge:
    """A bridge on the site's channel, with the same gateway behind it."""

    def __init__(self, air: Air, cabinet: Cabinet) -> None:
        self.heard = 0
        self.of_the_group: list[bytes] = []
        self._air, self._cabinet = air, cabinet
        self._radio = Radio(b"\x24\x0a\xc4\x10\x00\x00", 0.0, True, self._hear, listening=True, channel=SITE)
        air.join(self._radio)

    def _hear(self, sender: bytes, _rssi: int, frame: bytes) -> None:
        if frame.startswith(GROUP_FRAME):
            self.of_the_group.append(frame)
            return
        self.heard += 1
        reply = self._cabinet.answer(frame)
        if reply is not None:
            self._air.transmit(self._radio, sender, reply, lambda _heard: None)


@contextlib.asynccontextmanager
async def street(
    folder: Path, port: int, *, light: Light = ALONE, channel: int = SITE, link: int = 1, account: bool = True
) -> AsyncIterator[Street]:
    """A lamppost that was commissioned for Wi-Fi and talks by `link`."""
    clock = Clockwork(folder / "clock", START * 1_000_000, SPEED)
    nursery = Nursery()
    nursery.open(folder / "nursery.log")
    node = PlayedNode(name="lamppost-1")
    access_point = AccessPoint("nieuwstraat", "open sesame", channel)
    cabinet = Cabinet(folder, port, node, light)
    air = Air(0.0, 1)
    played: Street

    def said(_board: str, line: Line) -> None:
        played.lines.append(line.text)

    def fault(text: str) -> None:
        played.faults.append(text)

    around = Surroundings(clock, nursery, air, firmware_dir(), said, fault, access_point=access_point)
    wiring = Wiring(hardware_dir() / "lamppost.toml", Place(1, 1, START), lambda: clock.utc_us() / 1e6, SPEED, 1)
    radio = Radio(b"\x24\x0a\xc4\x10\x00\x01", 10.0, False, lambda *_: None)
    board = Board("lamppost-1", folder / "board", radio.mac, 0, wiring, radio, around)
    played = Street(board, access_point, cabinet, Bridge(air, cabinet))
    wifi = account and {"network": "nieuwstraat", "key": "open sesame", "host": "127.0.0.1", "port": port}
    cabinet.come()
    cabinet.link.start()
    life = None
    try:
        async with board.hands:
            await board.run_script(
                "from node import commission, settings\n"
                f"commission.write('lamppost', {SITE}, {node.kid!r}, {node.secret!r}, {wifi!r})\n"
                f"settings.store(interval=60, link={link})\n"
            )
        life = asyncio.create_task(board.live())
        yield played
    finally:
        if life is not None:
            life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await life
        nursery.close()
        board.close()
        clock.close()
        await asyncio.to_thread(cabinet.link.stop)
        cabinet.go()
        cabinet.chain.database.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_link, "_LONGEST_DELAY", 0.3)


@pytest.mark.slow
def test_a_lamppost_reports_by_wifi_from_its_first_wake_on(tmp_path: Path, free_port: int) -> None:
    async def play() -> None:
        async with street(tmp_path, free_port) as played:
            await played.until(lambda line: line.startswith("light version="))
            await played.answered()
            await played.answered()
            assert f"wifi joined channel={SITE}" in played.lines
            assert not [line for line in played.lines if line.startswith(("silent", "settings", "failed"))]
            assert {received.rssi for received in played.broker.heard} == {None}

    asyncio.run(play())


@pytest.mark.slow
@pytest.mark.parametrize("what", ["broker", "access point"])
def test_what_goes_away_comes_back_and_nothing_is_lost(what: str, tmp_path: Path, free_port: int) -> None:
    async def play() -> None:
        async with street(tmp_path, free_port) as played:
            await played.answered()
            gone = played.broker if what == "broker" else played.access_point
            await asyncio.to_thread(gone.go)
            since = len(played.lines)
            await played.until(lambda line: line.startswith("wifi again_ms="), 20, since)
            await played.until(lambda line: line.startswith("silent"), 20, since)
            await asyncio.to_thread(gone.come)
            await played.answered(40)
            since = len(played.lines)
            await played.until(
                lambda line: line.startswith("held") and line.endswith(("count=0", "count=1")), 40, since
            )
            assert played.board.starts == 1, "it never restarted"

    asyncio.run(play())


@pytest.mark.slow
def test_a_lamp_that_follows_tells_of_an_access_point_on_another_channel(tmp_path: Path, free_port: int) -> None:
    async def play() -> None:
        async with street(tmp_path, free_port, light=GROUP, channel=11) as played:
            await played.until(lambda line: line.startswith("settings back=") and line.endswith("reason=1002"))
            await played.answered()
            await played.answered()
            heard = played.broker.chain.met.heard
            assert heard is not None
            assert heard.health is not None
            assert heard.health.flaw == 1002
            assert heard.health.refused == heard.health.version, "these were good until now: it stays reachable"
            assert "the access point is on another radio channel" in str(played.broker.reason())

    asyncio.run(play())


@pytest.mark.slow
def test_a_lamp_alone_may_be_on_any_channel(tmp_path: Path, free_port: int) -> None:
    async def play() -> None:
        async with street(tmp_path, free_port, channel=11) as played:
            await played.until(lambda line: line.startswith("light version="))
            await played.answered()
            assert not [line for line in played.lines if line.startswith("settings")]

    asyncio.run(play())


def wish(played: Street) -> None:
    """From now on the gateway wants its lamppost on Wi-Fi."""
    played.broker.chain.wish({1: 60, 9: 1})


@pytest.mark.slow
def test_a_lamppost_on_wifi_hears_at_once_what_it_is_to_know(tmp_path: Path, free_port: int) -> None:
    async def play() -> None:
        async with street(tmp_path, free_port) as played:
            await played.until(lambda line: line.startswith("light version="))
            await played.answered()
            asked = len(played.lines)
            async with asyncio.timeout(20):
                while "unasked settings=2 light=0" not in played.lines:
                    played.broker.chain.wish({1: 1800 + len(played.lines), 9: 1})  # others, if a report brought these
                    played.broker.speak()
                    await asyncio.sleep(0.1)
            await played.until(lambda line: line.startswith("settings taken="), since=asked)
            await played.answered()
            assert played.broker.heard[-1].rssi is None
            assert not [line for line in played.lines if line.startswith("failed")]

    asyncio.run(play())


@pytest.mark.slow
def test_the_gateway_leads_a_lamp_from_the_bridge_to_the_broker(tmp_path: Path, free_port: int) -> None:
    async def play() -> None:
        async with street(tmp_path, free_port, light=GROUP, link=0) as played:
            await played.until(lambda line: line.startswith("light version="))
            assert not played.broker.heard
            wish(played)
            await played.until(lambda line: line.startswith("settings taken="))
            await played.until(lambda line: line.startswith("settings good="))
            by_radio = played.bridge.heard
            await played.answered()
            await played.answered()
            assert played.bridge.heard == by_radio
            assert played.broker.heard
            assert played.board.radio.channel == SITE
            assert played.board.radio.listening, "the group is heard by radio as before"

    asyncio.run(play())


@pytest.mark.slow
@pytest.mark.parametrize("why", ["channel", "account"])
def test_what_cannot_be_is_refused_with_its_reason_and_the_bridge_used_again(
    why: str, tmp_path: Path, free_port: int
) -> None:
    async def play() -> None:
        channel = 11 if why == "channel" else SITE
        async with street(
            tmp_path, free_port, light=GROUP, channel=channel, link=0, account=why != "account"
        ) as played:
            await played.until(lambda line: line.startswith("light version="))
            wish(played)
            await played.until(lambda line: line.startswith("settings taken="))
            await played.until(lambda line: line.startswith("settings back="))
            by_radio, by_broker = played.bridge.heard, len(played.broker.heard)
            await played.answered()
            await played.answered()
            assert played.bridge.heard > by_radio
            assert len(played.broker.heard) == by_broker
            assert played.board.radio.channel == SITE
            told = {"channel": "another radio channel", "account": "without a Wi-Fi network"}
            assert told[why] in str(played.broker.reason())

    asyncio.run(play())
