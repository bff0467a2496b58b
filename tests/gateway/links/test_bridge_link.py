"""The link to a bridge: patient with ports that come and go, silent until it may speak, never later than useful."""

import os
import queue
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

import gateway_rig
from gateway_rig import PtyBridge, TurnedClock
from stoep.health import Counters
from stoep.links import bridge as module
from stoep.links.base import Link, Received
from stoep.links.bridge import BridgeLink
from stoep.wire import serial as line

MAC = b"\x0a" * 6
eventually = partial(gateway_rig.eventually, seconds=5.0)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_DELAY", 0.3)


class Played:
    def __init__(self, port: str) -> None:
        self.heard: queue.Queue[Received] = queue.Queue()
        self.counters = Counters()
        self.link = BridgeLink(port, self._handle, TurnedClock(), self.counters)

    def _handle(self, _link: Link, received: Received) -> None:
        self.heard.put(received)


@pytest.fixture
def play() -> Iterator[Callable[[str], Played]]:
    made: list[Played] = []

    def make(port: str) -> Played:
        made.append(Played(port))
        made[-1].link.start()
        return made[-1]

    yield make
    for played in made:
        played.link.stop()


def test_frames_come_with_who_and_how_loud(bridge: PtyBridge, play: Callable[[str], Played]) -> None:
    played = play(bridge.port)
    eventually(played.link.alive)
    bridge.hear(b"a frame", MAC, -47)
    received = played.heard.get(timeout=2)
    assert (received.mac, received.frame, received.rssi, received.at) == (MAC, b"a frame", -47, 1000.0)


def test_nothing_is_sent_before_the_bridge_says_hello(play: Callable[[str], Played]) -> None:
    silent = PtyBridge()  # not entered: nobody speaks
    played = play(silent.port)
    eventually(lambda: played.link.state is module.State.WAITING)
    played.link.allow([b"abcd"])
    played.link.send(MAC, b"reply")
    time.sleep(0.3)
    os.set_blocking(silent._master, False)
    with pytest.raises(BlockingIOError):
        os.read(silent._master, 100)
    status = played.link.status()
    assert "no bridge says hello" in str(status["problem"])
    played.link.stop()
    os.close(silent._master)
    os.close(silent._slave)


@pytest.mark.slow
def test_the_filter_is_pushed_at_each_boot_and_when_the_registry_changes(
    bridge: PtyBridge, play: Callable[[str], Played]
) -> None:
    played = play(bridge.port)
    played.link.allow([b"bbbb", b"aaaa"])
    assert bridge.filters.get(timeout=3).kids == (b"aaaa", b"bbbb")
    played.link.allow([b"cccc"])
    assert bridge.filters.get(timeout=3).kids == (b"cccc",)
    bridge.boot ^= 1
    assert bridge.filters.get(timeout=3).kids == (b"cccc",)
    with pytest.raises(queue.Empty):
        bridge.filters.get(timeout=1.2)


def test_the_filter_is_pushed_again_when_the_bridge_could_not_read_the_line(
    bridge: PtyBridge, play: Callable[[str], Played]
) -> None:
    played = play(bridge.port)
    played.link.allow([b"aaaa"])
    assert bridge.filters.get(timeout=3).kids == (b"aaaa",)
    garbled = line.Hello(bridge.boot, bridge.consumed, bridge.WINDOW, b"\x02" * 6, 6, (0, 0, 0, 0, 1, 0), "0.1.0")
    os.write(bridge._master, line.frame(garbled.to_bytes()))
    assert bridge.filters.get(timeout=3).kids == (b"aaaa",), "what it could not read may have been the filter"


@pytest.mark.slow
def test_a_filter_longer_than_the_ring_goes_in_pieces_as_they_are_consumed(
    bridge: PtyBridge, play: Callable[[str], Played]
) -> None:
    played = play(bridge.port)
    kids = [number.to_bytes(4, "big") for number in range(150)]
    played.link.allow(kids)
    found: list[bytes] = []
    for part in range(4):
        message = bridge.filters.get(timeout=3)
        assert (message.part, message.parts) == (part, 4)
        found += message.kids
    assert found == kids
    assert bridge.most_in_one_go <= PtyBridge.WINDOW


def test_a_street_that_never_pauses_does_not_keep_the_filter_away(bridge: PtyBridge) -> None:
    def answer(link: Link, received: Received) -> None:
        for _ in range(2):  # more than the bridge has room for: some always wait
            link.send(received.mac, bytes(150))

    link = BridgeLink(bridge.port, answer, TurnedClock(), Counters())
    link.start()
    try:
        eventually(link.alive)

        def while_heard(condition: Callable[[], bool]) -> bool:
            bridge.hear(b"a frame", MAC)
            return condition()

        eventually(lambda: while_heard(lambda: bridge.sent.qsize() > 2))
        link.allow([number.to_bytes(4, "big") for number in range(line.FILTER_KIDS)])
        eventually(lambda: while_heard(lambda: not bridge.filters.empty()))
    finally:
        link.stop()


@pytest.mark.slow
def test_there_are_never_more_bytes_on_their_way_than_were_granted(
    bridge: PtyBridge, play: Callable[[str], Played]
) -> None:
    played = play(bridge.port)
    eventually(played.link.alive)
    for number in range(10):
        played.link.send(MAC, bytes([number]) * 90)
    first = [bridge.sent.get(timeout=1), bridge.sent.get(timeout=1)]
    assert [message.frame[0] for message in first] == [0, 1]
    with pytest.raises(queue.Empty):
        bridge.sent.get(timeout=1.5)
    assert bridge.most_in_one_go <= PtyBridge.WINDOW
    assert played.counters["replies_late"] == 8, "a late reply is worth nothing"
    played.link.send(MAC, b"timely")
    assert bridge.sent.get(timeout=1).frame == b"timely"


def test_boot_text_revokes_the_credit(bridge: PtyBridge, play: Callable[[str], Played]) -> None:
    played = play(bridge.port)
    eventually(played.link.alive)
    os.write(bridge._master, b"rst:0x8 (TG1WDT_SYS_RESET)\r\n\x00")
    eventually(lambda: played.link._credit.room() == 0)
    eventually(lambda: played.link._credit.room() > 0)  # the next hello


def test_a_port_that_is_not_there_yet_is_tried_until_it_is(
    tmp_path: Path, bridge: PtyBridge, play: Callable[[str], Played]
) -> None:
    port = tmp_path / "ttyUSB0"
    played = play(str(port))
    eventually(lambda: played.link.problem is not None)
    assert "is missing: plug the bridge in" in str(played.link.status()["problem"])
    port.symlink_to(bridge.port)
    eventually(played.link.alive)
    assert "problem" not in played.link.status()


@pytest.mark.slow
def test_a_bridge_that_is_pulled_and_put_back_goes_on(tmp_path: Path, play: Callable[[str], Played]) -> None:
    port = tmp_path / "ttyUSB0"
    with PtyBridge() as first:
        port.symlink_to(first.port)
        played = play(str(port))
        eventually(played.link.alive)
    eventually(lambda: played.link.state is module.State.CLOSED)
    port.unlink()
    with PtyBridge() as second:
        port.symlink_to(second.port)
        eventually(played.link.alive)
        second.hear(b"again")
        assert played.heard.get(timeout=2).frame == b"again"
        played.link.stop()


def test_a_busy_port_is_named(bridge: PtyBridge, play: Callable[[str], Played]) -> None:
    first = play(bridge.port)
    eventually(first.link.alive)
    second = play(bridge.port)
    eventually(lambda: second.link.problem is not None)
    assert "is busy: stop the other program" in str(second.link.problem)


def test_a_port_that_may_not_be_opened_names_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    import serial

    from stoep.links import port

    def refuse(**_: object) -> None:
        raise serial.SerialException(13, "could not open port /dev/ttyUSB0: Permission denied")

    monkeypatch.setattr(port, "_Port", refuse)
    with pytest.raises(port.PortError, match="add the service's user to the group dialout"):
        port.open_port("/dev/ttyUSB0")


def test_a_port_that_is_pulled_while_it_is_opened_is_only_a_port_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import termios

    from stoep.links import port

    def pulled(**_: object) -> None:
        raise termios.error(5, "Input/output error")  # pyserial lets it through, and it is no OSError

    monkeypatch.setattr(port, "_Port", pulled)
    with pytest.raises(port.PortError, match="check cable and port"):
        port.open_port("/dev/ttyUSB0")


def test_a_bridge_that_falls_silent_counts_as_gone(
    bridge: PtyBridge, play: Callable[[str], Played], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SILENT", 0.4)
    played = play(bridge.port)
    eventually(played.link.alive)
    eventually(lambda: not played.link.alive())
    eventually(played.link.alive)


def test_what_a_gateway_says_is_no_message_for_a_gateway(bridge: PtyBridge, play: Callable[[str], Played]) -> None:
    played = play(bridge.port)
    eventually(played.link.alive)
    os.write(bridge._master, line.frame(line.Send(MAC, b"x").to_bytes()))
    eventually(lambda: played.counters["serial_garbage"] > 0)
    assert played.heard.empty()
