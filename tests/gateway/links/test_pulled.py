"""A bridge that is pulled and put back, at every byte of a conversation: it begins anew, nothing of before is left."""

import contextlib
import os
import queue
import select
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway_rig import TurnedClock, eventually
from stoep.health import Counters
from stoep.links import bridge as bridge_module
from stoep.links.base import Link, Received
from stoep.links.bridge import BridgeLink
from stoep.wire import serial as line


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge_module, "_FIRST_DELAY", 0.01)
    monkeypatch.setattr(bridge_module, "_LONGEST_DELAY", 0.1)


class Pulled:
    """A port's name behind which ptys come and go; `link` is at work on it."""

    def __init__(self, folder: Path) -> None:
        self._name = folder / "ttyUSB0"
        self._ends: tuple[int, int] | None = None
        self.heard: queue.Queue[Received] = queue.Queue()
        self.counters = Counters()
        self.link = BridgeLink(str(self._name), self._handle, TurnedClock(), self.counters)
        self.link.start()

    def _handle(self, link: Link, received: Received) -> None:
        self.heard.put(received)
        link.send(received.mac, b"reply to " + received.frame)

    def plug(self) -> int:
        master, slave = os.openpty()
        tty.setraw(slave)
        self._ends = master, slave
        self._name.symlink_to(os.ttyname(slave))
        eventually(lambda: self.link.state is bridge_module.State.WAITING)
        return master

    def pull(self) -> None:
        if self._ends is not None:
            self._name.unlink()
            for end in self._ends:
                os.close(end)
            self._ends = None
            eventually(lambda: self.link.state is bridge_module.State.CLOSED)

    def close(self) -> None:
        self.link.stop()
        self.pull()


@pytest.fixture
def pulled(tmp_path: Path) -> Iterator[Pulled]:
    made = Pulled(tmp_path)
    yield made
    made.close()


def hello(boot: int, consumed: int = 0) -> bytes:
    return line.frame(line.Hello(boot, consumed, 240, b"\x02" * 6, 6, (0,) * 6, "0.1.0").to_bytes())


def heard(number: int) -> bytes:
    return line.frame(line.HeardFrame(0, b"\x0a" * 6, -50, b"frame %d" % number).to_bytes())


def read_for(master: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        assert select.select([master], [], [], 2)[0], data
        data += os.read(master, size - len(data))
    return data


def reply_to(number: int) -> bytes:
    return line.frame(line.Send(b"\x0a" * 6, b"reply to frame %d" % number).to_bytes())


@pytest.mark.slow
def test_a_bridge_pulled_at_any_byte_of_what_it_says_begins_anew(pulled: Pulled) -> None:
    said = hello(1) + heard(1) + heard(2) + hello(1, 30)
    begins = {b"frame 1": len(hello(1)), b"frame 2": len(hello(1) + heard(1))}
    whole_after = [len(hello(1) + heard(1)), len(hello(1) + heard(1) + heard(2))]
    for cut in range(len(said) + 1):
        master = pulled.plug()
        os.write(master, said[:cut])
        expected = sum(cut >= end for end in whole_after)
        got = [pulled.heard.get(timeout=2).frame for _ in range(expected)]
        assert got == [b"frame 1", b"frame 2"][:expected]
        pulled.pull()
        assert pulled.heard.empty(), "half a frame is none"
        master = pulled.plug()
        os.write(master, said[cut:])  # the other half, out of another time: a piece of a frame, then whole ones
        os.write(master, b"\x00" + hello(2) + heard(3))
        whole = [frame for frame, begin in begins.items() if cut <= begin]
        assert [pulled.heard.get(timeout=2).frame for _ in [*whole, 3]] == [*whole, b"frame 3"], "no two halves are one"
        answered = b""
        while reply_to(3) not in answered:
            answered += read_for(master, 1)
        pulled.pull()


@pytest.mark.slow
def test_a_bridge_pulled_at_any_byte_of_what_it_is_told_is_told_only_what_is_still_timely(pulled: Pulled) -> None:
    for cut in range(len(reply_to(1)) + 1):
        master = pulled.plug()
        os.write(master, hello(1) + heard(1))
        assert pulled.heard.get(timeout=2).frame == b"frame 1"
        told = read_for(master, cut)
        assert told == (b"\x00" + reply_to(1))[:cut], "END first: whatever was under way is ended"
        pulled.pull()
        master = pulled.plug()
        os.write(master, heard(2) + hello(2) + heard(3))
        assert [pulled.heard.get(timeout=2).frame for _ in range(2)] == [b"frame 2", b"frame 3"]
        fresh = b"\x00" + reply_to(3)  # what came before the hello grants no credit, and its reply is too late after it
        assert read_for(master, len(fresh)) == fresh, "not a byte of the reply that was cut"
        pulled.pull()
    assert pulled.counters["serial_garbage"] == 0


def test_a_port_full_of_noise_is_no_bridge(pulled: Pulled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge_module, "_SILENT", 0.3)
    master = pulled.plug()
    os.write(master, hello(1))
    eventually(pulled.link.alive)
    until = time.monotonic() + 0.6
    while time.monotonic() < until:
        with contextlib.suppress(BlockingIOError):
            os.write(master, b"\x55noise\x00")
        time.sleep(0.005)
    assert pulled.link.state is bridge_module.State.WAITING
    assert "no bridge says hello" in str(pulled.link.status()["problem"])
