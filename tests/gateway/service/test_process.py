"""The service as a process of its own: killed without warning, asked to stop, told that its settings are wrong."""

import random
import signal
import socket
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from gateway_rig import MORNING, City, PlayedNode, PtyBridge, jump, sample, write_clock
from gateway_service import serving
from stoep.wire.messages import Place
from stoep.wire.replies import Answer

SAMPLES = 120
KILLS = 6


def ask(bridge: PtyBridge, node: PlayedNode, frame: bytes, patience: float = 0.3) -> Answer | None:
    counter = node.counter
    bridge.hear(frame)
    try:
        reply = node.open(bridge.sent.get(timeout=patience).frame, counter)
    except Empty:
        return None
    return reply if isinstance(reply, Answer) else None


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_again_and_again_it_counts_every_sample_once(
    seed: int,
    site: Callable[..., Path],
    bridge: PtyBridge,
    node: PlayedNode,
    broker_port: int,
    city: City,
    tmp_path: Path,
) -> None:
    """The node keeps what `durable` does not name; the city's highest revisions must add up to what it took."""
    chance = random.Random(seed)
    write_clock(tmp_path / "clock", utc=MORNING, speed=300)
    began = time.monotonic()
    config = site(port=bridge.port, broker=broker_port, more="[store]\ncommit_seconds = 0.1\n")
    held = [sample(seq, seq * 30) for seq in range(1, SAMPLES + 1)]
    heard = 0
    for run in range(KILLS + 1):
        lives_until = time.monotonic() + (60 if run == KILLS else 0.9 + chance.random())
        with serving(config):
            while time.monotonic() < lives_until and (held or run < KILLS):
                tick = int((time.monotonic() - began) * 300)
                ready = [one for one in held if one.tick <= tick][:4]
                floor = Place(1, held[0].seq if held else SAMPLES + 1)
                back = node.counter + 1 - heard if heard else None
                answer = ask(bridge, node, node.report(*ready, tick=tick, floor=floor, back=back))
                while not bridge.sent.empty():
                    bridge.sent.get()
                if answer is None:
                    heard = 0
                    continue
                heard = node.counter
                held = [one for one in held if one.seq > answer.durable.seq]
                time.sleep(0.05)
            if run < KILLS:
                continue
            jump(tmp_path / "clock", 8 * 3600)
            city.wait(lambda city: counted(city) >= SAMPLES, 10)
    assert counted(city) == SAMPLES
    store = sqlite3.connect(tmp_path / "stoep.db")
    assert store.execute("SELECT count(*) FROM ledger").fetchone() == (0,)
    store.close()


def counted(city: City) -> int:
    highest: dict[str, dict[str, Any]] = {}
    for window in city.of("/window"):
        if window["revision"] > highest.get(window["start"], {"revision": 0})["revision"]:
            highest[window["start"]] = window
    return sum(window["channels"]["temperature"]["count"] for window in highest.values())


def told(notified: socket.socket) -> bytes:
    """What systemd is told next, but for sentences."""
    while (message := notified.recv(300)).startswith(b"STATUS="):
        pass
    return message


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_tells_systemd_and_ends_cleanly_when_asked(
    number: signal.Signals, site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, tmp_path: Path
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(address)
        notified.settimeout(8)
        config = site(port=bridge.port, broker=1, more="[store]\ncommit_seconds = 60\n")
        with serving(config, {"NOTIFY_SOCKET": address}) as process:
            assert told(notified) == b"READY=1"
            bridge.filters.get(timeout=5)
            ask(bridge, node, node.report(sample(1, 5)), 3)
            assert ask(bridge, node, node.report(sample(1, 5)), 3) is not None
            assert told(notified) == b"WATCHDOG=1"
            assert notified.recv(300).startswith(b"STATUS=")
            began = time.monotonic()
            process.send_signal(number)
            assert process.wait(8) == 0
            assert time.monotonic() - began < 5
            assert told(notified) == b"STOPPING=1"
            assert process.stderr is not None
            output = process.stderr.read()
    assert "Traceback" not in output
    assert node.secret.hex() not in output
    store = sqlite3.connect(tmp_path / "stoep.db")
    assert store.execute("SELECT count(*) FROM log").fetchone() == (1,), "the last batch is committed"
    store.close()


def test_wrong_settings_end_it_with_2_and_no_traceback(site: Callable[..., Path]) -> None:
    config = site(more="[stoer]\n")
    with serving(config) as process:
        assert process.wait(8) == 2
        assert process.stderr is not None
        output = process.stderr.read()
    assert output.strip().endswith("stoer: is not a setting; did you mean `store`?")
    assert "Traceback" not in output


def test_a_store_that_cannot_be_used_ends_it_with_1_and_no_traceback(site: Callable[..., Path], tmp_path: Path) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    store = sqlite3.connect(tmp_path / "stoep.db")
    store.execute("PRAGMA user_version = 9999")
    store.close()
    with serving(site()) as process:
        assert process.wait(8) == 1
        assert process.stderr is not None
        output = process.stderr.read()
    assert "schema 9999" in output
    assert "restore a backup" in output
    assert "Traceback" not in output


def test_a_write_that_fails_ends_it_before_anything_more_is_acknowledged(
    site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, tmp_path: Path
) -> None:
    """The file-size limit plays the full disk."""
    import resource

    write_clock(tmp_path / "clock", utc=MORNING)
    config = site(port=bridge.port, broker=1, more="[store]\ncommit_seconds = 0.1\n")
    with serving(config) as process:
        bridge.filters.get(timeout=5)
        ask(bridge, node, node.report(), 3)
        wal = (tmp_path / "stoep.db-wal").stat().st_size
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (wal, wal))
        durable = Place(1, 0)
        for seq in range(1, 100):
            answer = ask(bridge, node, node.report(sample(seq, 5)))
            if answer is not None:
                durable = answer.durable
            if process.poll() is not None:
                break
            time.sleep(0.02)
        assert process.wait(8) == 74
        assert process.stderr is not None
        assert "nothing more is acknowledged" in process.stderr.read()
    assert durable == Place(1, 0)
