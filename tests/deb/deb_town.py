"""What stands around the gateway's machine: a street of nodes behind a bridge, the city's broker, a judge."""

import contextlib
import os
import random
import shutil
import time
from pathlib import Path
from typing import Self

import load_oracle
from deb_machine import UNIT, Machine
from load_city import CityBroker, Collector
from load_gateway import Speaker, free_port, turn_to, wait_until_it_speaks, write_site
from load_nodes import Taken, off_border, street

from gateway_rig import MORNING, PtyBridge, write_clock

NODES = 12
DIALOUT = 20
_STEP = 20  # virtual seconds
_READY = 60.0
_STORE = """\
username = "grote-markt"
password_file = "password"
[store]
path = "/var/lib/stoep/stoep.db"
commit_seconds = 0.05
[local_broker]
username = "street"
password_file = "broker-password"
accounts = "/var/lib/stoep-broker"
"""


class Service:
    """The unit inside the machine, as a process out here."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.pid = self._found()

    def _found(self) -> int:
        until = time.monotonic() + _READY
        while time.monotonic() < until:
            if pid := self._machine.service():
                return pid
            time.sleep(0.02)
        raise AssertionError("the service has no process")

    def lives(self) -> bool:
        with contextlib.suppress(OSError):
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        return False

    def kill(self) -> None:
        self._machine.run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", UNIT)


class Town:
    """One street through everything that becomes of its gateway; whatever it takes must be at the city in the end."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self._folder = folder
        self._seed = seed
        self._chance = random.Random(f"deb {seed}")
        self.nodes = street(NODES, seed)
        self.taken: list[Taken] = []
        self._now = MORNING
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.bridge = self._stack.enter_context(PtyBridge())
        os.chown(self.bridge.port, 0, DIALOUT)
        Path(self.bridge.port).chmod(0o660)
        self._broker = self._stack.enter_context(CityBroker(self._folder, free_port()))
        self.city = self._stack.enter_context(contextlib.closing(Collector(self._broker.port)))
        self.speaker = Speaker(self.bridge, self.nodes, 0.02)
        for node in self.nodes:
            node.boot(MORNING, drift=0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def settle(self, machine: Machine) -> None:
        """Writes what a person writes: settings, registry, secrets."""
        etc, site = machine.root / "etc", machine.site
        self.set_clock(machine)
        config = write_site(site, self.nodes, "/dev/ttyUSB0", self._broker.port, _STORE)
        text = config.read_text()
        # The account belongs to [mqtt], the clock's table comes after it.
        table, rest = text.split("[clock]\n", 1)
        clock, more = rest.split("username", 1)
        config.write_text(f"{table}username{more}[clock]\n{clock}")
        (etc / "credstore").mkdir(mode=0o700, exist_ok=True)
        for name in ("password", "broker-password"):
            file = etc / "credstore" / f"stoep-gateway.{name}"
            file.write_text("not-a-secret\n")
            file.chmod(0o600)
        for file in site.iterdir():
            shutil.chown(file, *self._owner(site))

    def ready(self, machine: Machine) -> Service:
        """The service as soon as it speaks to its bridge, which begins anew: so it has something to say to it."""
        self.bridge.boot += 1
        self.bridge.consumed = 0
        until = time.monotonic() + _READY
        while True:
            service = Service(machine)
            try:
                wait_until_it_speaks(self.bridge, service)
            except AssertionError:
                if time.monotonic() > until:
                    raise
            else:
                return service

    def live(self, machine: Machine, service: Service, seconds: float) -> None:
        """The street goes on for so long, or until the service is gone."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.step(machine, service):
            pass

    def step(self, machine: Machine, service: Service) -> bool:
        self._turn(machine)
        awake = [node for node in self.nodes if self._chance.random() < 0.5]
        for node in awake:
            self.taken.append(node.take(off_border(self._now - 1)))
        return self.speaker.speak(awake, self._now, service, rounds=2)

    def empty(self, machine: Machine, service: Service) -> list[str]:
        """Everything the nodes still hold is said, everything is published; what of it is wrong at the city."""
        until = time.monotonic() + _READY
        while (holding := [node for node in self.nodes if node.held]) and time.monotonic() < until:
            self._turn(machine)
            self.speaker.speak(holding, self._now, service)
            time.sleep(0.05)
        self._now += 8 * 3600
        turn_to(self._clock(machine), self._now)
        wanted = load_oracle.windows(self.taken)
        wrong = self.city.until_right(lambda: self._ours(self.city.mismatches(wanted)), 30.0)
        return wrong + self.city.conflicts

    def _ours(self, mismatches: list[str]) -> list[str]:
        """The older releases' stores have windows of a node that is not of this street."""
        return [one for one in mismatches if any(node.kid.hex() in one for node in self.nodes)]

    def set_clock(self, machine: Machine) -> None:
        """What a time server does after a power cut: the file had the time of the disk's last write."""
        write_clock(self._clock(machine), utc=MORNING, speed=0)
        turn_to(self._clock(machine), self._now)

    @property
    def readings(self) -> int:
        return sum(value is not None for taken in self.taken for value in taken.readings.values())

    def _turn(self, machine: Machine) -> None:
        self._now += _STEP
        turn_to(self._clock(machine), self._now)

    def _clock(self, machine: Machine) -> Path:
        return machine.site / "clock"

    @staticmethod
    def _owner(site: Path) -> tuple[int, int]:
        known = site.stat()
        return known.st_uid, known.st_gid
