"""The gateway killed a thousand times under load, and whether it kept everything that it had acknowledged.

    python tests/faults/load_kills.py [--kills N] [--seed N]

Each time the service is killed (SIGKILL) at a random instant between its first instruction and half a second of full
load, or two seconds of a load that leaves it time to tell the city, and started again on what is left; now and then by
its command, mostly by a fork of a process that has imported everything, which is the same code half a second sooner.
Nodes forget what a reply calls durable, so one sample that was acknowledged and lost makes a window wrong; alarms are
raised all the time. Writes build/kills.json.

SIGKILL proves that the process may die at any instant; that the power may, `make power-cuts` does.
"""

import argparse
import contextlib
import json
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.append(str(ROOT / "tests" / "gateway"))

import load_oracle  # noqa: E402
from load_city import QUIET, CityBroker, Collector  # noqa: E402
from load_gateway import (  # noqa: E402
    Gateway,
    Process,
    Speaker,
    environment,
    free_port,
    turn_to,
    wait_until_it_speaks,
    write_site,
)
from load_nodes import Taken, off_border, street  # noqa: E402

from gateway_rig import MORNING, PtyBridge, write_clock  # noqa: E402
from stoep_twin import leash  # noqa: E402

RESULT = ROOT / "build" / "kills.json"
KILLS = 1000
NODES = 6
_ALARM = 0.03  # of the wakes
_LOSS = 0.02
_EARLY = 0.2  # of the lives end before the gateway serves
_EARLY_SECONDS = 0.15
_BY_COMMAND = 40  # each so many-th start is one by the command itself
_PATIENCE = 60.0
_EMPTYING = 20  # virtual seconds between two wakes at the end
_STORE = "[store]\ncommit_seconds = 0.02\n"


class Pace(NamedTuple):
    """How a street lives while one gateway does."""

    most: float  # real seconds, from the first exchange to the kill
    rest: float  # real seconds between two wakes
    step: int  # virtual seconds between two wakes


# Without a rest a reply is always on its way. But a new process reads a day of its street before it tells of windows.
_PACES = (Pace(0.5, 0.0, 30), Pace(2.0, 0.15, 120))


class Forked:
    """A start of the gateway by the zygote; as `Gateway`."""

    def __init__(self, zygote: "subprocess.Popen[str]", config: Path) -> None:
        assert zygote.stdin is not None
        assert zygote.stdout is not None
        self._out = zygote.stdout
        zygote.stdin.write(f"{config}\n")
        zygote.stdin.flush()
        self.pid = int(self._out.readline())
        self._status: int | None = None

    def lives(self) -> bool:
        if self._status is None and select.select([self._out], [], [], 0)[0]:
            self._status = int(self._out.readline())
        return self._status is None

    def kill(self) -> None:
        if self.lives():
            os.kill(self.pid, signal.SIGKILL)
            self._status = int(self._out.readline())


class Zygote:
    def __init__(self, log: IO[str], sabotage: str | None) -> None:
        script = str(Path(__file__).with_name("load_zygote.py"))
        command = leash.command([sys.executable, script, *([sabotage] if sabotage else [])])
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, env=environment(), text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def start(self, config: Path) -> Forked:
        return Forked(self._process, config)


class Campaign:
    """A street that goes on whatever happens to its gateway."""

    def __init__(self, folder: Path, seed: int, sabotage: str | None) -> None:
        self._folder = folder
        self._sabotage = sabotage
        self._chance = random.Random(f"kills {seed}")
        self._nodes = street(NODES, seed)
        self._taken: list[Taken] = []
        self._now = MORNING
        self._kills = self._early = self._told = 0
        for node in self._nodes:
            node.boot(MORNING, drift=0.05)

    def run(self, kills: int, say: Callable[[str], None]) -> dict[str, Any]:
        began = time.monotonic()
        with PtyBridge() as bridge, (self._folder / "log").open("w") as log, contextlib.ExitStack() as stack:
            broker = stack.enter_context(CityBroker(self._folder, free_port()))
            city = stack.enter_context(contextlib.closing(Collector(broker.port)))
            zygote = stack.enter_context(Zygote(log, self._sabotage))
            write_clock(self._folder / "clock", utc=MORNING, speed=0)
            config = write_site(self._folder, self._nodes, bridge.port, broker.port, _STORE)
            speaker = Speaker(bridge, self._nodes, _LOSS)
            said = time.monotonic()
            while self._kills < kills:
                by_command = self._kills % _BY_COMMAND == _BY_COMMAND - 1
                self._life(bridge, speaker, Gateway(config, log) if by_command else zygote.start(config))
                if time.monotonic() - said > 15:
                    said = time.monotonic()
                    say(f"  {self._kills} kills, {len(self._taken)} samples, {speaker.frames} frames")
            self._told = len(city.highest)
            last = Gateway(config, log)
            stack.callback(last.kill)
            wait_until_it_speaks(bridge, last)
            self._empty(speaker, last)
            mismatches = self._wait(city)
            assert last.stop() == 0
        return self._figures(city, speaker, mismatches, time.monotonic() - began)

    def _life(self, bridge: PtyBridge, speaker: Speaker, gateway: Process) -> None:
        """From a start to a kill, at an instant that nobody chose."""
        self._kills += 1
        if self._chance.random() < _EARLY:
            self._early += 1
            time.sleep(self._chance.random() * _EARLY_SECONDS)
            gateway.kill()
            return
        wait_until_it_speaks(bridge, gateway)
        pace = self._chance.choice(_PACES)
        killer = threading.Timer(self._chance.random() * pace.most, os.kill, (gateway.pid, signal.SIGKILL))
        killer.start()
        while gateway.lives() and self._step(speaker, gateway, pace.step):
            time.sleep(pace.rest)
        killer.join()
        gateway.kill()

    def _step(self, speaker: Speaker, gateway: Process, seconds: int) -> bool:
        self._now += seconds
        turn_to(self._folder / "clock", self._now)
        awake = [node for node in self._nodes if self._chance.random() < 0.5]
        for node in awake:
            self._taken.append(node.take(off_border(self._now - 1)))
            if self._chance.random() < _ALARM:
                node.alarm(self._now)
        return speaker.speak(awake, self._now, gateway, rounds=2)

    def _empty(self, speaker: Speaker, gateway: Process) -> None:
        """The nodes say what they still hold."""
        until = time.monotonic() + _PATIENCE
        while (holding := [n for n in self._nodes if n.held or n.raised]) and time.monotonic() < until:
            self._now += _EMPTYING
            turn_to(self._folder / "clock", self._now)
            speaker.speak(holding, self._now, gateway)
            time.sleep(0.02)

    def _wait(self, city: Collector) -> list[str]:
        wanted = load_oracle.windows(self._taken)
        turn_to(self._folder / "clock", self._now + 8 * 3600)
        quiet = QUIET if self._sabotage is None else 2.0
        return city.until_right(lambda: city.mismatches(wanted) + self._unheard(city), quiet)

    def _unheard(self, city: Collector) -> list[str]:
        alarms = {(node.kid.hex(), *key) for node in self._nodes for key in node.alarms}
        return [f"alarm {alarm} is not there" for alarm in sorted(alarms ^ city.events)]

    def _figures(self, city: Collector, speaker: Speaker, mismatches: list[str], seconds: float) -> dict[str, Any]:
        store = sqlite3.connect(self._folder / "stoep.db")
        ((lost,),) = store.execute("SELECT count(*) FROM ledger")
        ((outbox,),) = store.execute("SELECT count(*) FROM outbox")
        store.close()
        return {
            "kills": self._kills,
            "before_it_served": self._early,
            "samples": len(self._taken),
            "alarms": sum(len(node.alarms) for node in self._nodes),
            "frames": speaker.frames,
            "windows": len(city.highest),
            "before_the_last_start": self._told,
            "messages": city.messages,
            "said_again": city.again,
            "mismatches": len(mismatches),
            "conflicts": len(city.conflicts),
            "taken_back": sum(node.taken_back for node in self._nodes),
            "still_held": sum(len(node.held) + len(node.raised) for node in self._nodes),
            "in_the_ledger": lost,
            "in_the_outbox": outbox,
            "seconds": round(seconds, 1),
            "findings": (mismatches + city.conflicts)[:20],
        }


def good(figures: dict[str, Any]) -> bool:
    """Whether everything was kept."""
    bad = ("mismatches", "conflicts", "taken_back", "still_held", "in_the_ledger", "in_the_outbox")
    return not any(figures[name] for name in bad)


def under_load(figures: dict[str, Any]) -> bool:
    """Whether the kills came while there was something to break: windows were told all the time."""
    return bool(3 * figures["before_the_last_start"] > figures["windows"])


def run(
    folder: Path,
    kills: int = KILLS,
    *,
    seed: int = 1,
    sabotage: str | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> dict[str, Any]:
    """The figures of so many kills; the gateway's files are in `folder`. `sabotage`: see gateway_sabotage.py."""
    return Campaign(folder, seed, sabotage).run(kills, say)


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill the gateway under load, and look for what it had acknowledged.")
    parser.add_argument("--kills", type=int, default=KILLS, help=f"SIGKILLs ({KILLS})")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    RESULT.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kills-", dir=RESULT.parent) as folder:
        figures = run(Path(folder), options.kills, seed=options.seed, say=lambda line: print(line, flush=True))
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))
    return 0 if good(figures) and under_load(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
