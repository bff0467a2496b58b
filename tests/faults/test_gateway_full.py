"""A slice of gateway_full.py, and the whole service on a small disk: full, killed while it is full, freed again."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty

import gateway_trace
import pytest

from gateway_rig import MORNING, City, PlayedNode, PtyBridge, embedded, sample, write_clock
from stoep.resources import firmware_dir
from stoep.wire.frame import ForgedError
from stoep.wire.messages import Place
from stoep.wire.replies import Answer

ROOMS = ("0", "4", "12", "36", "100", "300")  # KiB; `gateway_full.py` without arguments tries every page up to 400
PRIVATE = ("unshare", "-m")
FOLDER = Path(__file__).parent


def may_mount() -> bool:
    """Whether we may have a small disk of our own."""
    if os.geteuid() or shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return False
    tried = subprocess.run([*PRIVATE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return tried.returncode == 0


needs_a_disk = pytest.mark.skipif(not may_mount(), reason="a small disk of its own needs root, unshare and nsenter")


@pytest.mark.slow
@needs_a_disk
def test_nothing_acknowledged_is_missing_whichever_step_of_growth_finds_no_room(
    figure: Callable[[str], None],
) -> None:
    run = [*PRIVATE, sys.executable, str(FOLDER / "gateway_full.py"), *ROOMS]
    done = subprocess.run(run, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(case["full"] > 0 for case in cases if case["disk"] == 12), "without a full disk it says nothing"
    figure(f"full disk: {len(cases)} disks filled, nothing acknowledged missing, every one recovered by itself")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, list[str], Path]]:
    """A disk of 12 MiB: its folder, what goes before a command that is to see it, and where we see it."""
    folder = tmp_path / "small"
    folder.mkdir()
    script = f"mount -t tmpfs -o size=12m none {folder} && echo mounted && exec sleep 300"
    holder = subprocess.Popen([*PRIVATE, "sh", "-c", script], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "mounted\n"
        yield folder, ["nsenter", "-m", "-t", str(holder.pid)], Path(f"/proc/{holder.pid}/root{folder}")
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def start(config: Path, *before: str) -> "subprocess.Popen[str]":
    paths = [str(firmware_dir().parent / "gateway"), str(firmware_dir())]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [*before, sys.executable, "-m", "stoep", "gateway", "--config", str(config)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)


def write_site(folder: Path, node: PlayedNode, *, port: str, broker: int, store: Path) -> Path:
    (folder / "nodes.toml").write_text(f'[[node]]\nkid = "{node.kid.hex()}"\nname = "{node.name}"\nkind = "bin"\n')
    keys = folder / "secrets.toml"
    keys.write_text(f'[secrets]\n{node.kid.hex()} = "{node.secret.hex()}"\n')
    keys.chmod(0o600)
    config = folder / "gateway.toml"
    config.write_text(
        f'[site]\nname = "grote-markt"\n[[bridge]]\nport = "{port}"\n[mqtt]\nhost = "127.0.0.1"\nport = {broker}\n'
        f'tls = false\n[clock]\nsource = "twin"\nfile = "clock"\n[store]\npath = "{store}"\ncommit_seconds = 0.05\n'
    )
    return config


def said(bridge: PtyBridge, node: PlayedNode, seq: int | None = None, tries: int = 40) -> Answer:
    """The answer to a report with the sample `seq`, said until it comes."""
    for _ in range(tries):
        bridge.hear(node.report(*([] if seq is None else [sample(seq, 5)])))
        with contextlib.suppress(Empty):
            while True:
                try:
                    reply = node.open(bridge.sent.get(timeout=1.0).frame)
                except ForgedError:  # to an earlier one
                    continue
                if isinstance(reply, Answer):
                    return reply
                break
    raise AssertionError("not answered")


def durable(bridge: PtyBridge, node: PlayedNode, seq: int, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while said(bridge, node, seq).durable < Place(1, seq):
        assert time.monotonic() < until, "it does not take anything"
        time.sleep(0.1)


@pytest.mark.slow
@needs_a_disk
def test_on_a_full_disk_it_tells_the_city_acknowledges_nothing_and_goes_on_by_itself(
    disk: tuple[Path, list[str], Path], tmp_path: Path, free_port: int
) -> None:
    folder, inside, seen = disk
    node = PlayedNode()
    write_clock(tmp_path / "clock", utc=MORNING)
    with PtyBridge() as bridge, embedded(free_port, tmp_path) as broker:
        city = City(broker)
        config = write_site(tmp_path, node, port=bridge.port, broker=broker, store=folder / "stoep.db")
        process = start(config, *inside)
        try:
            filler = seen / "filler"
            bridge.filters.get(timeout=10)
            durable(bridge, node, 1)
            fill(filler, seen)
            for seq in range(2, 400):
                last = said(bridge, node, seq).durable
                if last < Place(1, seq - 20):
                    break
            problem = city.wait(lambda city: [m["store_problem"] for m in city.of("/gateway") if "store_problem" in m])
            assert "make room on that disk" in problem[-1]
            taken = said(bridge, node, 400).durable
            assert taken == last, "durable stands still"
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert process.stderr is not None
            process.stderr.close()
            process = start(config, *inside)
            time.sleep(1)
            assert process.poll() in {None, 75}
            if process.poll() is None:
                assert said(bridge, node).durable == taken
            filler.unlink()
            if process.poll() is not None:  # as systemd would
                process = start(config, *inside)
            pid = process.pid
            durable(bridge, node, taken.seq + 1)
            assert process.poll() is None
            assert process.pid == pid
            city.wait(lambda city: "store_problem" not in city.of("/gateway")[-1])
        finally:
            process.kill()
            process.wait()
            assert process.stderr is not None
            process.stderr.close()
            city.close()


def fill(filler: Path, folder: Path) -> None:
    """The gateway writes at the same time, and may have the last of the room."""
    with filler.open("wb", buffering=0) as opened, contextlib.suppress(OSError):
        while (left := os.statvfs(folder)).f_bavail:
            opened.write(bytes(left.f_bavail * left.f_frsize))
    assert not os.statvfs(folder).f_bavail


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason=gateway_trace.REMEDY)
def test_a_failed_fsync_ends_it_before_another_acknowledgement(tmp_path: Path) -> None:
    node = PlayedNode()
    write_clock(tmp_path / "clock", utc=MORNING)
    with PtyBridge() as bridge:
        config = write_site(tmp_path, node, port=bridge.port, broker=1, store=tmp_path / "stoep.db")
        process = start(config)
        bridge.filters.get(timeout=10)
        durable(bridge, node, 1)
        fails = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-p", str(process.pid)]
        tracing = subprocess.Popen(
            [*fails, "-e", "inject=fsync,fdatasync:error=EIO"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            last = Place(1, 1)
            for seq in range(2, 200):
                try:
                    last = max(last, said(bridge, node, seq, 2).durable)
                except AssertionError:
                    break
                if process.poll() is not None:
                    break
                time.sleep(0.05)
            assert process.wait(10) == 74
            assert process.stderr is not None
            assert "nothing more is acknowledged" in process.stderr.read()
        finally:
            process.kill()
            process.wait()
            tracing.kill()
            tracing.wait()
            if process.stderr is not None:
                process.stderr.close()
        process = start(config)
        try:
            bridge.filters.get(timeout=10)
            assert said(bridge, node).durable >= last, "what was acknowledged is there"
        finally:
            process.kill()
            process.wait()
            assert process.stderr is not None
            process.stderr.close()
