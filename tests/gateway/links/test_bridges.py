"""Several bridges beside each other: found by their adapters, named when they are of no use."""

import logging
import os
import time
import tty
from collections.abc import Callable, Iterator
from typing import Self

import pytest
from serial.tools.list_ports_common import ListPortInfo

from gateway_rig import PlayedNode, PtyBridge, TurnedClock, eventually
from stoep.health import Counters
from stoep.links import bridge as bridge_module
from stoep.links import port as port_module
from stoep.links import usb, watch
from stoep.links.bridge import BridgeLink
from stoep.links.bridges import make_bridges
from stoep.settings import BridgeSettings

CP2102 = (0x10C4, 0xEA60)
FTDI = (0x0403, 0x6001)
MOUSE = (0x046D, 0xC077)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge_module, "_FIRST_DELAY", 0.01)
    monkeypatch.setattr(bridge_module, "_LONGEST_DELAY", 0.1)
    monkeypatch.setattr(bridge_module, "_PROBE", 1.5)  # a hello a second


class Plugged:
    """What is plugged into the Pi's USB ports, as the system lists it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ports: list[ListPortInfo] = []
        self.opened: list[str] = []
        monkeypatch.setattr(usb.list_ports, "comports", lambda: list(self.ports))
        really = port_module.open_port

        def open_port(port: str) -> object:
            self.opened.append(port)
            return really(port)

        monkeypatch.setattr(bridge_module, "open_port", open_port)

    def plug(self, device: str, ids: tuple[int, int] = CP2102, serial: str | None = None) -> None:
        port = ListPortInfo(device)
        port.vid, port.pid, port.serial_number = *ids, serial
        self.ports.append(port)


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> Plugged:
    return Plugged(monkeypatch)


@pytest.fixture
def silent() -> Iterator[str]:
    """The port of something that is no bridge."""
    master, slave = os.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


Start = Callable[..., list[BridgeLink]]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[BridgeLink] = []

    def make(*tables: BridgeSettings) -> list[BridgeLink]:
        made = make_bridges(tables, lambda *_: None, TurnedClock(), Counters())
        running.extend(made)
        for link in made:
            link.start()
        return made

    yield make
    for link in running:
        link.stop()


# -- found by USB identity ---------------------------------------------------------------------------------------------


def test_the_only_adapter_of_a_board_is_found(plugged: Plugged, bridge: PtyBridge, silent: str, start: Start) -> None:
    plugged.plug(silent, MOUSE)
    plugged.plug(bridge.port)
    (link,) = start(BridgeSettings(port="auto"))
    eventually(link.alive)
    assert (link.name, link.status()["port"]) == ("auto", bridge.port)
    assert silent not in plugged.opened, "what is no board's adapter is left alone"


def test_among_several_adapters_the_one_is_taken_on_which_a_bridge_says_hello(
    plugged: Plugged, bridge: PtyBridge, silent: str, start: Start
) -> None:
    plugged.plug(silent)
    plugged.plug(bridge.port, FTDI)
    (link,) = start(BridgeSettings(port="auto"))
    eventually(link.alive)
    assert link.status()["port"] == bridge.port


@pytest.mark.parametrize(
    "table",
    [BridgeSettings(usb="0403:6001"), BridgeSettings(serial="A7"), BridgeSettings(usb="0403:6001", serial="A7")],
)
def test_an_adapter_is_known_by_its_ids_and_its_serial_number(
    table: BridgeSettings, plugged: Plugged, bridge: PtyBridge, silent: str, start: Start
) -> None:
    plugged.plug(silent, serial="B8")
    plugged.plug(bridge.port, FTDI, "A7")
    (link,) = start(table)
    eventually(link.alive)
    assert plugged.opened == [bridge.port]


def test_a_port_that_another_table_names_is_never_opened(plugged: Plugged, bridge: PtyBridge, start: Start) -> None:
    plugged.plug(bridge.port)
    _named, found = start(BridgeSettings(port=bridge.port), BridgeSettings(port="auto"))
    eventually(lambda: found.problem is not None)
    time.sleep(0.3)
    assert plugged.opened == [bridge.port], "once, by the table that names it"
    assert "is another bridge's: plug one in, or remove a [[bridge]]" in str(found.status()["problem"])


def test_two_that_are_looked_for_take_a_port_each(plugged: Plugged, bridge: PtyBridge, start: Start) -> None:
    with PtyBridge() as second:
        plugged.plug(bridge.port)
        plugged.plug(second.port)
        links = start(BridgeSettings(port="auto"), BridgeSettings(port="auto"))
        eventually(lambda: all(link.alive() for link in links))
        assert [link.name for link in links] == ["auto", "auto (2)"]
        assert {link.status()["port"] for link in links} == {bridge.port, second.port}
        for link in links:
            link.stop()


@pytest.mark.slow
def test_a_bridge_that_moves_to_another_port_is_found_again(plugged: Plugged, start: Start) -> None:
    with PtyBridge() as first:
        plugged.plug(first.port)
        (link,) = start(BridgeSettings(port="auto"))
        eventually(link.alive)
        plugged.ports.clear()
    eventually(lambda: link.state is bridge_module.State.CLOSED)
    eventually(lambda: "no such USB adapter is there: plug" in str(link.status().get("problem")))
    with PtyBridge() as second:
        plugged.plug(second.port)
        eventually(link.alive)
        assert link.status()["port"] == second.port
        link.stop()


def test_the_boards_that_people_use_are_known(plugged: Plugged) -> None:
    for ids in (CP2102, FTDI, (0x1A86, 0x7523), (0x1A86, 0x55D4), (0x303A, 0x1001), (0x0403, 0x6015)):
        plugged.plug(f"/dev/{ids[1]:04x}", ids)
    plugged.plug("/dev/mouse", MOUSE)
    plugged.plug("/dev/ttyS0", CP2102)
    plugged.ports[-1].vid = None  # a port of the board itself has no identity
    assert len(usb.matching(usb.Identity())) == 6


def test_an_adapter_that_cannot_be_made_quick_is_used_as_it_is(
    bridge: PtyBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pty refuses the ioctl, as adapters other than FTDI's may."""
    asked: list[bool] = []
    really = port_module._Port.set_low_latency_mode

    def ask(self: port_module._Port, on: bool) -> None:
        asked.append(on)
        really(self, on)

    monkeypatch.setattr(port_module._Port, "set_low_latency_mode", ask)
    monkeypatch.setattr(port_module.os, "ttyname", lambda _descriptor: "/dev/ttyUSB0")
    port_module.open_port(bridge.port).close()
    assert asked == [True]


# -- of no use ---------------------------------------------------------------------------------------------------------


class Watched:
    def __init__(self, clock: TurnedClock, *bridges: PtyBridge) -> None:
        self.clock = clock
        self.links = make_bridges(
            [BridgeSettings(port=one.port) for one in bridges], lambda *_: None, clock, Counters()
        )
        self.watch = watch.Watch(self.links, clock)

    def __enter__(self) -> Self:
        for link in self.links:
            link.start()
        eventually(lambda: all(link.alive() for link in self.links))
        return self

    def __exit__(self, *_: object) -> None:
        for link in self.links:
            link.stop()


def test_a_dead_bridge_is_named_within_a_minute(
    clock: TurnedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert watch.DEAD + bridge_module._SILENT <= 45, "and what is told every two seconds leaves in time"
    monkeypatch.setattr(watch, "DEAD", 0.5)
    monkeypatch.setattr(bridge_module, "_SILENT", 0.2)
    caplog.set_level(logging.INFO)
    with PtyBridge() as first, Watched(clock, first) as watched:
        link = watched.links[0]
        clock.now += 77
        first._stop.set()  # the board hangs, its adapter does not
        first._thread.join(2)
        eventually(lambda: not link.alive())
        clock.now += 1000
        until = time.monotonic() + 3
        while "is dead since" not in caplog.text and time.monotonic() < until:
            watched.watch.look()
            time.sleep(0.02)
        assert caplog.text.count("no bridge says hello: is it flashed") == 1
        status = link.status()
        assert "no bridge says hello: is it flashed, is it the right port?" in str(status["problem"])
        assert str(status["silent_since"]).startswith("2026-06-01T06:0")
        assert link.status() == status, "it is no news again"
        first.hello()
        eventually(link.alive)
        watched.watch.look()
        assert "is back" in caplog.text
        assert not {"problem", "silent_since"} & set(link.status())


def test_a_bridge_that_hears_nobody_while_another_does_is_named(
    clock: TurnedClock, bridge: PtyBridge, node: PlayedNode
) -> None:
    with PtyBridge() as deaf, Watched(clock, bridge, deaf) as watched:
        good, bad = watched.links
        watched.watch.look()
        for _ in range(watch._ENOUGH):
            bridge.hear(node.seal(b"\x80"))
        eventually(lambda: good.frames == watch._ENOUGH)
        watched.watch.look()
        assert bad.flaw is None, "an hour has not gone by"
        clock.now += watch.DEAF
        watched.watch.look()
        assert "hears no node while another bridge does: look at its antenna" in str(bad.status()["problem"])
        assert bad.alive()
        assert "problem" not in good.status()
        deaf.hear(node.seal(b"\x80"))
        eventually(lambda: bad.frames == 1)
        watched.watch.look()
        assert "problem" not in bad.status()


def test_where_no_bridge_hears_anybody_none_is_to_blame(clock: TurnedClock, bridge: PtyBridge) -> None:
    with PtyBridge() as other, Watched(clock, bridge, other) as watched:
        watched.watch.look()
        clock.now += 10 * watch.DEAF
        watched.watch.look()
        assert [link.flaw for link in watched.links] == [None, None]


def test_bridges_on_different_radio_channels_are_named(
    clock: TurnedClock, bridge: PtyBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PtyBridge() as other, Watched(clock, bridge, other) as watched:
        link = watched.links[1]
        assert link._hello is not None
        monkeypatch.setattr(BridgeLink, "channel", property(lambda self: 11 if self is link else 6))
        watched.watch.look()
        assert "listens on radio channel 11" in str(link.status()["problem"])
        assert "on 11: a site has one" in str(watched.links[0].status()["problem"])
