"""What 500 nodes that report each minute cost the gateway: bytes to the disk, memory, processor; and what quiet costs.

    python tests/bench/load.py [--nodes N] [--seconds N] [--idle N] [--interval N]

In real time, over a whole window and its end: nothing is scaled up, and the bytes are counted to the end of the
process, for SQLite owes the database what is in its WAL. Processor time is the process's own, so that other work on the
machine does not count. The gateway runs compiled, as its package installs it. Prints and writes build/load.json; the
status is 1 when a figure is too high.
"""

import argparse
import compileall
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / room) for room in ("gateway", "faults")]

from load_gateway import Gateway, Speaker, free_port, wait_until_it_speaks, write_site  # noqa: E402
from load_nodes import LoadNode, street  # noqa: E402

from gateway_rig import MORNING, PtyBridge, mosquitto, write_clock  # noqa: E402

RESULT = ROOT / "build" / "load.json"
NODES, SECONDS, IDLE = 500, 900, 60
INTERVAL = 60  # seconds between two reports of a node
BYTES_PER_READING, RESIDENT_MIB, BUSY_PERCENT, IDLE_PERCENT = 100, 64, 5, 1
_TOLD = 990  # seconds of the clock after which the city has the first window: it ends at 900 and waits 60
_SAY_EACH = 2  # reports of each node a line tells how far it is
_MIB = 1024  # KiB


class Spent(NamedTuple):
    """What a process has used since its start, of the machine's own accounts (proc(5))."""

    at: float
    processor: float  # seconds
    written: int  # bytes that went to the disk

    @classmethod
    def of(cls, pid: int) -> "Spent":
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(times[11]) + int(times[12])
        return cls(time.monotonic(), ticks / os.sysconf("SC_CLK_TCK"), written(pid))


def written(pid: int) -> int:
    """Bytes that the process has sent to the disk, also one that ended and was not waited for."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


def resident(pid: int) -> dict[str, float]:
    """MiB: now and at most."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: round(int(lines[key].split()[0]) / _MIB, 1) for name, key in (("now", "VmRSS"), ("most", "VmHWM"))}


def file_system(folder: Path) -> str:
    """The kind of the one that `folder` is on: a tmpfs would count no byte."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    there = [(mount[1], mount[2]) for mount in mounts if folder.is_relative_to(mount[1])]
    return max(there, key=lambda mount: len(mount[0]))[1]


def report(
    nodes: list[LoadNode], speaker: Speaker, gateway: Gateway, seconds: float, interval: float, began: float
) -> tuple[int, int]:
    """(samples, readings) of that time; `began` is the real time at which the virtual clock showed MORNING."""
    start = time.monotonic()
    samples = readings = 0
    for number in range(int(seconds * len(nodes) / interval)):
        wait = start + number * interval / len(nodes) - time.monotonic()
        time.sleep(max(0.0, wait))
        node = nodes[number % len(nodes)]
        utc = MORNING + time.monotonic() - began
        taken = node.take(utc)
        samples += 1
        readings += sum(value is not None for value in taken.readings.values())
        if not speaker.speak([node], utc, gateway, rounds=2):
            sys.exit("error: the gateway ended")
        if number % (_SAY_EACH * len(nodes)) == 0:
            print(f"  {time.monotonic() - start:.0f} of {seconds:.0f} s, {readings} readings", flush=True)
    return samples, readings


def measure(count: int, seconds: int, idle: int, interval: int, folder: Path) -> dict[str, Any]:
    """The figures of one run; the store is in `folder`."""
    compileall.compile_dir(ROOT / "gateway" / "stoep", quiet=1)
    nodes = street(count, 1)
    with (
        PtyBridge() as bridge,
        mosquitto(free_port(), folder, "allow_anonymous true") as port,
        (folder / "log").open("w") as log,
    ):
        config = write_site(folder, nodes, bridge.port, port)
        began = time.monotonic()
        write_clock(folder / "clock", utc=MORNING)
        gateway = Gateway(config, log)
        try:
            wait_until_it_speaks(bridge, gateway)
            print(f"{count} nodes report once, then {idle} s of quiet, then {seconds} s of load…", flush=True)
            speaker = Speaker(bridge, nodes)
            for node in nodes:
                node.boot(MORNING, drift=0.0)
                node.take(MORNING + time.monotonic() - began)
                speaker.speak([node], MORNING + time.monotonic() - began, gateway)
            time.sleep(5)
            quiet = Spent.of(gateway.pid)
            time.sleep(idle)
            begin = Spent.of(gateway.pid)
            samples, readings = report(nodes, speaker, gateway, seconds, interval, began)
            end = Spent.of(gateway.pid)
            time.sleep(max(0.0, began + _TOLD - time.monotonic()))  # what 500 windows take while they are told
            memory = resident(gateway.pid)
            gateway.ask_to_stop()
            in_all = written(gateway.pid)
            status = gateway.stop()
        finally:
            gateway.kill()
    latencies = sorted(speaker.latencies)
    return {
        "nodes": count,
        "samples": samples,
        "readings": readings,
        "interval": interval,
        "seconds": round(end.at - begin.at, 1),
        "unanswered": speaker.unanswered,
        "bytes_per_reading": round((in_all - begin.written) / readings, 1),
        "resident_mib": memory["now"],
        "resident_most_mib": memory["most"],
        "busy_percent": round(100 * (end.processor - begin.processor) / (end.at - begin.at), 2),
        "idle_percent": round(100 * (begin.processor - quiet.processor) / (begin.at - quiet.at), 2),
        "reply_ms_p50": round(1000 * latencies[len(latencies) // 2], 1),
        "reply_ms_p99": round(1000 * latencies[len(latencies) * 99 // 100], 1),
        "file_system": file_system(folder),
        "status": status,
    }


def too_high(figures: dict[str, Any]) -> list[str]:
    """Which of the figures break their promise."""
    most = {
        "bytes_per_reading": BYTES_PER_READING,
        "resident_most_mib": RESIDENT_MIB,
        "busy_percent": BUSY_PERCENT,
        "idle_percent": IDLE_PERCENT,
        "unanswered": 0,
        "status": 0,
    }
    return [
        f"{name} is {figures[name]}, at most {limit} was promised"
        for name, limit in most.items()
        if figures[name] > limit
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="What a large street costs the gateway.")
    parser.add_argument("--nodes", type=int, default=NODES, help=f"that report ({NODES})")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"of load ({SECONDS}: a whole window)")
    parser.add_argument("--idle", type=int, default=IDLE, help=f"seconds of quiet ({IDLE})")
    parser.add_argument("--interval", type=int, default=INTERVAL, help=f"seconds between a node's reports ({INTERVAL})")
    options = parser.parse_args()
    RESULT.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="load-", dir=RESULT.parent) as folder:
        figures = measure(options.nodes, options.seconds, options.idle, options.interval, Path(folder))
    figures["too_high"] = too_high(figures)
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))
    return 1 if figures["too_high"] else 0


if __name__ == "__main__":
    sys.exit(main())
