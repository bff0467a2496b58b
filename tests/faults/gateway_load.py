"""A street that keeps the real gateway busy while strace writes down what it does: what the power cuts are tried on.

The clock stands still while a node speaks and is turned between rounds, so that the time at which a sample was taken is
known to the second, by the gateway too.
"""

import hashlib
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty

import gateway_trace
from gateway_disk import Disk
from gateway_trace import Event

from gateway_rig import MORNING, City, PlayedNode, PtyBridge, embedded, write_clock
from stoep.resources import firmware_dir
from stoep.uplink.dialects.native import timestamp
from stoep.wire.frame import ForgedError
from stoep.wire.messages import Alarm, Lost, Place, Sample
from stoep.wire.replies import Answer, Challenge

SITE = "grote-markt"
NODES = 6
UNTIL_KILLED = 600  # a quick machine puts more of them into one commit: far more than any needs up to the kill
ROUNDS = (UNTIL_KILLED, 170, 30)  # of the first run, of a long one, in which the WAL begins anew, of a third
_BEGIN = MORNING + 7  # never a round at a window's border
_ROUND = 45  # virtual seconds
_LAYOUT = 1
_PER_FRAME = 5
_FULL = 1  # why a node gives up samples
_COMMANDS = 4  # the city wants something of one of the nodes in every so many rounds
_PATIENCE = 1.0  # real seconds for a reply; a killed gateway is noticed earlier
_TRIES = 20
_SABOTAGE = Path(__file__).parent / "gateway_sabotage.py"


def values(kid: bytes, epoch: int, seq: int) -> tuple[int, ...]:
    """The readings of a sample, of a calm day: sums tell which samples were added up. A few are out of range."""
    mixed = hashlib.sha256(kid + struct.pack(">II", epoch, seq)).digest()
    a, b, c, d, e, f = (int.from_bytes(mixed[at : at + 4], "big") for at in range(0, 24, 4))
    celsius = 9000 if a % 64 == 0 else 1400 + a % 250
    return celsius, 4000 + b % 2000, c % 140, 600 + d % 38, e % 101, f % 280


def turn(clock: Path, seconds: int) -> None:
    """Turns a clock that stands forward; what was on it stays where it was."""
    fields = list(struct.unpack("<8Q", clock.read_bytes()))
    fields[2] += seconds * 1_000_000
    with clock.open("r+b") as opened:
        opened.write(struct.pack("<8Q", *fields))


@dataclass
class Recording:
    """What was seen: `began` says when (Unix seconds) which epoch of a node did."""

    events: list[Event]
    secrets: dict[bytes, bytes]
    began: dict[tuple[bytes, int], float]
    files: dict[str, str]  # the settings, without the bridge's and the broker's port


@dataclass
class Walker:
    """One node of the street: takes samples, keeps what is not durable, gives some up, boots cold now and then."""

    node: PlayedNode
    chance: random.Random
    began: dict[tuple[bytes, int], float]
    epoch: int = 1
    seq: int = 0
    alarms: int = 0
    heard: int = 0  # the last counter that was answered, 0 after a cold boot
    held: list[Sample] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    raised: list[Alarm] = field(default_factory=list)

    def boot(self, now: float) -> None:
        self.began[self.node.kid, self.epoch] = now - 20
        self.seq = self.heard = 0

    def tick(self, now: float) -> int:
        return int(now - self.began[self.node.kid, self.epoch])

    def live(self, now: float) -> None:
        """What happens to the node in a round."""
        for _ in range(self.chance.choice((0, 1, 1, 2, 3))):
            self._take(self.tick(now) - self.chance.randrange(5))
        dice = self.chance.random()
        if dice < 0.06:  # the ring was full
            several = self.chance.randrange(1, 4)
            self.lost.append(Lost(self.epoch, self.seq + 1, self.seq + several, _FULL))
            self.seq += several
        elif dice < 0.09 and self.held:  # declared lost, but the gateway may have it
            gone = self.held.pop(self.chance.randrange(len(self.held)))
            self.lost.append(Lost(gone.epoch, gone.seq, gone.seq, _FULL))
        elif dice < 0.11 and self.heard:  # gone without a word; before the first contact nobody would miss it
            self.seq += 1
            self._take(self.tick(now))
        elif dice < 0.12 and self.epoch < 3 and self.tick(now) > 600:
            self.epoch += 1
            self.boot(now)
            self._take(self.tick(now))
        if self.chance.random() < 0.12:
            self.alarms += 1
            raised = self.alarms % 2 == 1
            self.raised.append(Alarm(self.epoch, self.alarms, 1, self.tick(now), raised, 90 if raised else 3))

    def _take(self, tick: int) -> None:
        self.seq += 1
        found = values(self.node.kid, self.epoch, self.seq)
        self.held.append(Sample(self.epoch, self.seq, _LAYOUT, tick, found))

    def report(self, now: float) -> bytes:
        owed = [(s.epoch, s.seq) for s in self.held] + [(lost.epoch, lost.first) for lost in self.lost]
        return self.node.report(
            *self.held[:_PER_FRAME],
            tick=self.tick(now),
            epoch=self.epoch,
            floor=Place(*min(owed, default=(self.epoch, self.seq + 1))),
            back=self.node.counter + 1 - self.heard if self.heard else None,
            lost=tuple(self.lost[:3]),
            alarms=tuple(self.raised[:2]),
        )

    def answered(self, reply: Answer | Challenge) -> bool:
        """What the gateway has on its disk need not be kept; False: say it again."""
        if isinstance(reply, Challenge):
            self.heard = 0
            return False
        self.heard = self.node.counter
        self.held = [s for s in self.held if (s.epoch, s.seq) > reply.durable]
        self.lost = [lost for lost in self.lost if (lost.epoch, lost.last) > reply.durable]
        self.raised = [alarm for alarm in self.raised if (alarm.epoch, alarm.number) not in reply.alarms]
        return True


class _Run:
    """The gateway below strace, from a start to its end."""

    def __init__(self, folder: Path, number: int, sabotage: str | None, *options: str) -> None:
        self.trace = folder / f"trace-{number}"
        paths = [str(firmware_dir().parent / "gateway"), str(firmware_dir())]
        program = ["-m", "stoep"] if sabotage is None else [str(_SABOTAGE), sabotage]
        with (folder / f"log-{number}").open("w") as log:
            self._process = subprocess.Popen(
                [
                    *gateway_trace.command(self.trace, *options),
                    *(sys.executable, *program, "gateway", "--config", str(folder / "gateway.toml")),
                ],
                stderr=log,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )

    def lives(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """As systemd ends it."""
        if self.lives():
            gateway = int(self.trace.read_text(encoding="ascii").split(maxsplit=1)[0])
            os.kill(gateway, signal.SIGTERM)
        self._process.wait(20)

    def killed(self) -> bool:
        """In one of its syncs: strace ends as what it traced."""
        return self._process.poll() == -signal.SIGKILL


def _settings(port: str, broker: int, nodes: list[PlayedNode]) -> dict[str, str]:
    return {
        "gateway.toml": (
            f'[site]\nname = "{SITE}"\n[[bridge]]\nport = "{port}"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {broker}\ntls = false\n'
            '[store]\ncommit_seconds = 0.02\n[clock]\nsource = "twin"\nfile = "clock"\n'
        ),
        "nodes.toml": "".join(f'[[node]]\nkid = "{n.kid.hex()}"\nname = "{n.name}"\nkind = "bin"\n' for n in nodes),
        "secrets.toml": "[secrets]\n" + "".join(f'{n.kid.hex()} = "{n.secret.hex()}"\n' for n in nodes),
    }


def write_settings(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o600)


class _Street:
    def __init__(self, folder: Path, seed: int) -> None:
        self._clock = folder / "clock"
        self._chance = random.Random(seed)
        self.began: dict[tuple[bytes, int], float] = {}
        self.walkers = []
        self._now = float(_BEGIN)
        self._at = NODES - 1  # who spoke last
        self._commands = 0
        write_clock(self._clock, utc=_BEGIN, speed=0)
        for number in range(1, NODES + 1):
            kid = bytes((0xC0, 0xFF, 0xEE, number))
            secret = hashlib.sha256(b"%d %d" % (seed, number)).digest()
            node = PlayedNode(f"bin-{number}", kid, secret)
            self.walkers.append(Walker(node, random.Random(f"{seed} {number}"), self.began))
            self.walkers[-1].boot(_BEGIN)

    def _turn_clock(self) -> None:
        self._now += _ROUND
        turn(self._clock, _ROUND)

    def _want(self, city: City) -> None:
        """Of a node whose word on it never comes: the command is superseded, or expires."""
        self._commands += 1
        expires = timestamp(self._now + self._chance.randrange(60, 1200))
        told = {"id": f"c{self._commands}", "expires": expires, "settings": {"interval": 300 + self._commands}}
        name = self._chance.choice(self.walkers).node.name
        city.publish(f"stoep/1/{SITE}/{name}/set", json.dumps(told).encode())

    def go(self, bridge: PtyBridge, city: City, run: _Run, rounds: int, *, alarm_first: bool = False) -> None:
        order = self.walkers[self._at :: -1] + self.walkers[: self._at : -1]  # who was answered last speaks first
        for number in range(rounds):
            self._turn_clock()
            if number % _COMMANDS == 0:
                self._want(city)
            for walker in order if number == 0 else self.walkers:
                self._at = self.walkers.index(walker)
                walker.live(self._now)
                if alarm_first and number == 2 and not walker.raised:  # an early checkpoint
                    walker.raised.append(Alarm(walker.epoch, 1000, 1, walker.tick(self._now), True, 95))
                for _ in range(self._chance.choice((0, 1, 1, 1, 2))):  # twice: as a node with a backlog does
                    if not self._speak(bridge, run, walker):
                        return

    def _speak(self, bridge: PtyBridge, run: _Run, walker: Walker) -> bool:
        """False when nobody is there to answer any more."""
        for _ in range(_TRIES):
            while not bridge.sent.empty():
                bridge.sent.get()
            bridge.hear(walker.report(self._now))
            reply = self._reply(bridge, run, walker)
            if reply is not None and walker.answered(reply):
                return True
            if not run.lives():
                return False
        raise AssertionError("the gateway does not answer")

    @staticmethod
    def _reply(bridge: PtyBridge, run: _Run, walker: Walker) -> Answer | Challenge | None:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until and run.lives():
            try:
                return walker.node.open(bridge.sent.get(timeout=0.05).frame)
            except (Empty, ForgedError):  # nothing yet, or the reply to an earlier frame
                continue
        return None


def record(
    folder: Path,
    port: int,
    *,
    seed: int = 1,
    rounds: tuple[int, ...] = ROUNDS,
    sabotage: str | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> Recording:
    """Runs the gateway once for each of `rounds` on one store: the first run is killed in a sync, the others ended.

    A gateway without a safeguard (`sabotage`) may be through with its first run before it has made so many syncs.
    """
    street = _Street(folder, seed)
    nodes = [walker.node for walker in street.walkers]
    events: list[Event] = []
    existing: set[str] = set()
    store = folder / "stoep.db"
    disk = Disk()
    for number, many in enumerate(rounds):
        options = gateway_trace.KILL if number == 0 and len(rounds) > 1 else gateway_trace.FAST
        with PtyBridge() as bridge, embedded(port, folder):
            write_settings(folder, _settings(bridge.port, port, nodes))
            city = City(port)
            run = _Run(folder, number, sabotage, *options)
            try:
                _wait_for_filter(bridge, run, folder / f"log-{number}")
                street.go(bridge, city, run, many, alarm_first=number == 0)
                time.sleep(0.7)  # the broker's last confirmations, and their rows
            finally:
                run.end()
                city.close()
            if options == gateway_trace.KILL:
                assert run.killed() or sabotage is not None, "the first run was to be killed in a sync"
            found = gateway_trace.read(run.trace, store, bridge.port, number, existing)
        events += found
        for event in found:
            disk.apply(event)
        there = {name: (folder / name).read_bytes() for name in existing}
        assert disk.now() == there, "the trace does not tell everything that was written"
        say(f"  run {number + 1} of {len(rounds)}: {len(found)} events")
    files = _settings("/dev/null", 1, nodes)
    return Recording(events, {node.kid: node.secret for node in nodes}, street.began, files)


def _wait_for_filter(bridge: PtyBridge, run: _Run, log: Path) -> None:
    until = time.monotonic() + 20
    while bridge.filters.empty():
        assert run.lives(), f"the gateway does not start:\n{log.read_text()}"
        assert time.monotonic() < until, "the gateway does not speak to its bridge"
        time.sleep(0.02)
