"""The machine's power cut at random instants of an upgrade, of a migration, of a first installation.

What must be true after each, once it has booted again and without anybody's hand: an upgrade leaves a service of the
old or of the new release, whole, that answers its nodes; a migration leaves a store of the old or the new schema, with
everything in it, that the service migrates. A first installation has nobody to serve yet: there the rest of the machine
must boot, and the same command again must end in a service.
"""

import contextlib
import random
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from deb_machine import UNIT, Machine
from deb_town import Town

ROOT = Path(__file__).resolve().parents[2]
CUTS = 20
_STORE = "var/lib/stoep/stoep.db"
_SERVES = re.compile(r"stoep (\S+) serves")
_TABLES = ("identity", "window", "alarm", "ledger")  # of which nothing goes within minutes


class Cuts:
    """`debs`: two releases, of which now one and now the other takes the other's place."""

    def __init__(self, machine: Machine, town: Town, debs: Sequence[str], seed: int) -> None:
        self._machine = machine
        self._town = town
        self._debs = list(debs)
        self._chance = random.Random(f"cuts {seed}")
        self._took = 30.0  # seconds that dpkg needs
        self.wrong: list[str] = []

    def run(self, count: int) -> dict[str, Any]:
        return {"upgrade": self._upgrades(count), "migration": self._migrations(count)}

    def _upgrades(self, count: int) -> dict[str, int]:
        """dpkg at work for a random part of what it takes undisturbed, and half a second more."""
        machine, town = self._machine, self._town
        took = self._undisturbed()
        service = town.ready(machine)
        found = {"cuts": 0, "old": 0, "new": 0, "dpkg_unfinished": 0}
        for _ in range(count):
            before = self._version()
            dpkg = machine.start("dpkg", "-i", self._debs[0])
            end = time.monotonic() + self._chance.random() * (took + 0.5)
            while time.monotonic() < end and town.step(machine, service):
                pass
            time.sleep(max(0.0, end - time.monotonic()))
            machine.cut()
            dpkg.wait()
            town.set_clock(machine)
            machine.boot()
            service = town.ready(machine)
            town.live(machine, service, 0.5)
            after = self._version()
            serves = _SERVES.findall(machine.run("journalctl", "-u", UNIT, "-b"))
            if serves[-1:] != [after]:
                self.wrong.append(f"after a cut {serves} serves, and stoep is {after}")
            found["cuts"] += 1
            found["old" if after == before else "new"] += 1
            if machine.run("dpkg", "--audit", check=False):
                found["dpkg_unfinished"] += 1
                # What apt asks for, whenever somebody comes by.
                machine.run("dpkg", "--configure", "-a", check=False)
                service = town.ready(machine)
            if after != before:
                self._debs.reverse()
        return found

    def installations(self, count: int) -> dict[str, int]:
        """The first one, on a machine that has never had the package or has purged it."""
        machine, deb = self._machine, self._debs[0]
        found = {"cuts": 0, "dpkg_unfinished": 0, "booted_degraded": 0}
        for _ in range(count):
            machine.run("dpkg", "--purge", "stoep-gateway", check=False)
            machine.run("sync")
            dpkg = machine.start("dpkg", "-i", deb)
            time.sleep(self._chance.random() * self._took)
            machine.cut()
            dpkg.wait()
            machine.boot()
            found["cuts"] += 1
            found["booted_degraded"] += machine.run("systemctl", "is-system-running", check=False) != "running"
            found["dpkg_unfinished"] += bool(machine.run("dpkg", "--audit", check=False))
            machine.run("dpkg", "--configure", "-a", check=False)
            machine.run("apt-get", "install", "-y", "--reinstall", "--allow-downgrades", "--no-install-recommends", deb)
            if not machine.run("stoep", "--version", check=False).startswith("stoep "):
                self.wrong.append("an installation that was cut could not be done again")
            if machine.show("ActiveState", "mosquitto.service") != "active":
                self.wrong.append("mosquitto does not serve after an installation that was cut and done again")
        return found

    def _undisturbed(self) -> float:
        began = time.monotonic()
        self._machine.run("dpkg", "-i", self._debs[0])
        self._debs.reverse()
        self._took = time.monotonic() - began
        return self._took

    def _version(self) -> str:
        return self._machine.run("stoep", "--version").split()[1]

    def _migrations(self, count: int) -> dict[str, int]:
        """An older store met at a start, the power cut within a tenth of a second of the first byte that is written."""
        machine = self._machine
        newest = max(int(file.stem) for file in (ROOT / "gateway/stoep/store/schema").glob("*.sql"))
        older = ROOT / "tests/gateway/store/databases/0001.db"
        wanted = contents(older)
        found = {"cuts": 0, "found_old": 0, "found_between": 0, "found_new": 0}
        machine.run("systemctl", "stop", UNIT)
        with put_aside(machine):
            for _ in range(count):
                put(machine, older)
                machine.run("sync", "-f", "/var/lib/stoep")
                before = _looks(machine)
                starting = machine.start("systemctl", "start", UNIT)
                until = time.monotonic() + 20
                while _looks(machine) == before and time.monotonic() < until:
                    time.sleep(0.001)
                time.sleep(self._chance.random() * 0.1)
                machine.cut()
                starting.wait()
                schema, intact = state(machine)
                if intact != "ok":
                    self.wrong.append(f"a migration that was cut left a store that is {intact}")
                self._town.set_clock(machine)
                found["cuts"] += 1
                found["found_old" if schema == 1 else "found_new" if schema == newest else "found_between"] += 1
                machine.boot()
                machine.run("systemctl", "stop", UNIT)
                if (after := state(machine)) != (newest, "ok"):
                    self.wrong.append(f"the start after a cut left a store that is {after}")
                has = contents(machine.root / _STORE)
                if any(has[table] < count for table, count in wanted.items()):
                    self.wrong.append(f"a migration that was cut left {has} of {wanted}")
        machine.run("systemctl", "start", UNIT)
        return found


@contextlib.contextmanager
def put_aside(machine: Machine) -> Iterator[None]:
    """The street's own store, while the service is stopped."""
    kept = machine.root / "var/lib/stoep.kept"
    place = machine.root / "var/lib/stoep"
    shutil.copytree(place, kept, ignore=shutil.ignore_patterns("*.status"))
    try:
        yield
    finally:
        machine.run("systemctl", "stop", UNIT)
        _replace(machine, {file.name: file.read_bytes() for file in kept.iterdir() if file.is_file()})
        shutil.rmtree(kept)


def _looks(machine: Machine) -> list[tuple[str, int, int]]:
    found = []
    for file in sorted((machine.root / _STORE).parent.iterdir()):
        with contextlib.suppress(OSError):
            found.append((file.name, file.stat().st_size, file.stat().st_mtime_ns))
    return found


def put(machine: Machine, store: Path) -> None:
    _replace(machine, {"stoep.db": store.read_bytes()})


def _replace(machine: Machine, files: dict[str, bytes]) -> None:
    place = machine.root / "var/lib/stoep"
    owner = place.stat()
    for file in place.iterdir():
        file.unlink()
    for name, content in files.items():
        (place / name).write_bytes(content)
        shutil.chown(place / name, owner.st_uid, owner.st_gid)
        (place / name).chmod(0o600)


def state(machine: Machine) -> tuple[int, str]:
    """Schema and integrity of a copy of the store."""
    with contextlib.closing(_copy(machine.root / _STORE)) as database:
        (schema,) = database.execute("PRAGMA user_version").fetchone()
        (intact,) = database.execute("PRAGMA integrity_check").fetchone()
        return schema, intact


def contents(store: Path) -> dict[str, int]:
    """How many rows there are of what must not be lost."""
    with contextlib.closing(_copy(store)) as database:
        return {
            table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 -- our own names
            for table in _TABLES
        }


def _copy(store: Path) -> sqlite3.Connection:
    """In memory: looking at a store must not change it."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for file in store.parent.glob(f"{store.name}*"):
            if not file.is_socket():
                shutil.copy(file, folder)
        memory = sqlite3.connect(":memory:")
        with contextlib.closing(sqlite3.connect(Path(folder, store.name))) as opened:
            opened.backup(memory)
        return memory
