"""The package on a Debian that boots: installed, served, killed, hung, upgraded, its power cut, removed, purged.

    unshare --mount --net --propagation private python tests/deb/deb_check.py [--suite SUITE] [--only PHASE …]

Needs root and debootstrap. There is no network but a loopback, so nothing can be fetched. The frames are
sealed by the nodes of a street behind a bridge on a pty, which is the machine's /dev/ttyUSB0; the city's broker is a
mosquitto; whatever the street took must be at the city in the end, once and right. Writes build/deb/check-SUITE.json.
"""

import argparse
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path += [str(ROOT / "tests" / "gateway"), str(ROOT / "tests" / "faults")]

import deb_cuts  # noqa: E402
import deb_hang  # noqa: E402
from deb_machine import BUILD, SUITES, UNIT, Machine  # noqa: E402
from deb_town import Service, Town  # noqa: E402

from stoep import __version__  # noqa: E402

BEFORE, NOW = "0.0.9", __version__  # the one before is these sources under a lower number
KILLS = 10
BACK_SECONDS = 5.0
HUNG_SECONDS = 60 + 60 + 15  # until a stage counts as hung, the watchdog, the end
EXPOSURE = 1.5
UPGRADE_SECONDS = 600
_STAGES = {"journal": 1, "uplink": 4}  # the how many-eth thread it is
_IDENTITY = re.compile(r"^(Uid|Groups|CapEff|CapBnd|NoNewPrivs|Seccomp):\s*(.*)$", re.MULTILINE)
# What purging may leave: what others write, the folder for everybody's credentials, a group that is not only ours.
_OTHERS = re.compile(
    r"^(\.outside|(etc|var)/\.updated$|etc/credstore$|var/(log|cache|lib/(dpkg|apt|systemd|mosquitto)|tmp)|tmp|root|run"
    r"|etc/(passwd|group|g?shadow|subuid|subgid)-?$|etc/.*cache|etc/\.pwd|etc/\.#)"
)
Figures = dict[str, Any]


def package(version: str) -> Path:
    made = BUILD / "check" / f"stoep-gateway_{version}_amd64.deb"
    command = [sys.executable, str(ROOT / "gateway/debian/package.py"), "--architecture", "amd64", "--version", version]
    command += ["--quick", "--to", str(made.parent)]
    if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:
        raise SystemExit("error: the package cannot be built")
    return made


class Check:
    """One machine through its life; each phase adds its figures."""

    def __init__(self, machine: Machine, town: Town, debs: dict[str, Path]) -> None:
        self._machine = machine
        self._town = town
        self._debs = debs
        self.figures: Figures = {}
        self.wrong: list[str] = []

    def install(self) -> None:
        """Offline, the release before this one."""
        machine = self._machine
        self._fresh = self._files()
        self.figures["boot_seconds"] = round(machine.boot(), 1)
        for deb in self._debs.values():
            shutil.copy(deb, machine.root / "root" / deb.name)
        began = time.monotonic()
        machine.run("apt-get", "install", "-y", "--no-install-recommends", f"/root/{self._debs[BEFORE].name}")
        self.figures["install_seconds"] = round(time.monotonic() - began, 1)
        self._expect(machine.run("stoep", "--version") == f"stoep {BEFORE}", "stoep is not on the path")
        self._expect(machine.show("ActiveState", "mosquitto.service") == "active", "mosquitto does not serve")
        self._expect(machine.show("ActiveState") == "inactive", "a gateway that nobody told anything was started")

    def serve(self) -> None:
        """Under its unit, from the pty to the broker."""
        machine, town = self._machine, self._town
        town.settle(machine)
        machine.run("stoep", "check-config", "--config", "/etc/stoep/gateway.toml", check=False)
        machine.run("systemctl", "start", UNIT)
        service = town.ready(machine)
        known = dict(_IDENTITY.findall(Path(f"/proc/{service.pid}/status").read_text()))
        uid = machine.run("id", "-u", "stoep")
        groups = {machine.run("getent", "group", name).split(":")[2] for name in ("dialout", "i2c")}
        self._expect(known["Uid"].split() == [uid] * 4, f"runs as {known['Uid']}")
        self._expect(groups <= set(known["Groups"].split()), f"has the groups {known['Groups']}")
        self._expect(int(known["CapEff"], 16) == int(known["CapBnd"], 16) == 0, "has capabilities")
        self._expect((known["NoNewPrivs"], known["Seccomp"]) == ("1", "2"), "is not confined")
        for unit, name in ((UNIT, "exposure"), ("stoep-clock.service", "exposure_clock")):
            said = machine.run("systemd-analyze", "security", unit, "--no-pager").splitlines()[-1]
            self.figures[name] = float(said.split(":")[1].split()[0])
        self._expect(self.figures["exposure"] <= EXPOSURE, "is too exposed")
        town.live(machine, service, 10)
        self._expect(town.speaker.replies > 0, "nobody was answered")
        failed = machine.run("systemctl", "list-units", "--failed", "--plain", "--no-legend")
        self._expect(not failed, f"has failed: {failed}")

    def kill(self) -> None:
        """SIGKILL under load."""
        machine, town = self._machine, self._town
        back = []
        for _ in range(KILLS):
            service = Service(machine)
            town.live(machine, service, 0.7)
            began = time.monotonic()
            service.kill()
            town.ready(machine)
            back.append(time.monotonic() - began)
        median = sorted(back)[len(back) // 2]
        self.figures["back_after_kill_seconds"] = {"median": round(median, 1), "most": round(max(back), 1)}
        self._expect(max(back) <= BACK_SECONDS, f"back only after {max(back):.1f} s")

    def hang(self) -> None:
        """A stage stands still; all else goes on."""
        machine, town = self._machine, self._town
        found = {}
        for stage, place in _STAGES.items():
            service = Service(machine)
            town.live(machine, service, 1)
            began = time.monotonic()
            thread = deb_hang.threads(service.pid)[place]
            deb_hang.stop(thread)
            said = ""
            while service.lives() and time.monotonic() - began < HUNG_SECONDS:
                said = machine.show("StatusText") or said
                time.sleep(1)
            took = time.monotonic() - began
            self._expect(not service.lives(), f"{stage} hung, and nobody did anything")
            deb_hang.let_go(thread)
            self._expect(f"no progress in {stage}" in said, f"{stage} hung, and the unit said {said!r}")
            town.ready(machine)
            found[stage] = round(took)
            timeouts = machine.run("journalctl", "-u", UNIT, "-b").count("Watchdog timeout")
            self._expect(timeouts == len(found), f"{len(found)} stages hung, and the watchdog bit {timeouts} times")
        self.figures["hung_stage_restarted_after_seconds"] = found

    def upgrade(self) -> None:
        """From the release before, while the street reports."""
        machine, town = self._machine, self._town
        service = Service(machine)
        began = time.monotonic()
        dpkg = machine.start("dpkg", "-i", f"/root/{self._debs[NOW].name}")
        while town.step(machine, service) or service.lives():
            if dpkg.poll() not in {None, 0} or time.monotonic() - began > UPGRADE_SECONDS:
                raise SystemExit(f"error: the upgrade did not restart the service; dpkg ended with {dpkg.poll()}")
        gone = time.monotonic()
        service = town.ready(machine)
        self.figures["upgrade_without_service_seconds"] = round(time.monotonic() - gone, 1)
        dpkg.wait()
        self.figures["upgrade_seconds"] = round(time.monotonic() - began, 1)
        self._expect(dpkg.returncode == 0, "dpkg failed")
        self._expect(machine.run("stoep", "--version") == f"stoep {NOW}", "stoep is not the new one")
        serves = re.findall(r"stoep (\S+) serves", machine.run("journalctl", "-u", UNIT, "-b"))
        self._expect(serves[-1] == NOW, f"{serves[-1]} serves")
        releases = sorted(place.name for place in (machine.root / "usr/lib/stoep").iterdir())
        self._expect(len(releases) == 2, f"there is {releases}")
        town.live(machine, service, 3)
        self._verify("after kills, hangs and the upgrade", service)

    def migrate(self) -> None:
        """The stores of older releases, met at a start."""
        machine = self._machine
        newest = max(int(file.stem) for file in (ROOT / "gateway/stoep/store/schema").glob("*.sql"))
        older = sorted((ROOT / "tests/gateway/store/databases").glob("*.db"))
        machine.run("systemctl", "stop", UNIT)
        with deb_cuts.put_aside(machine):
            for store in older:
                deb_cuts.put(machine, store)
                machine.run("systemctl", "start", UNIT)
                machine.run("systemctl", "stop", UNIT)
                state = deb_cuts.state(machine)
                self._expect(state == (newest, "ok"), f"{store.name} became {state}")
        self.figures["schemas_migrated"] = [int(store.stem) for store in older]
        machine.run("systemctl", "start", UNIT)
        self._town.ready(machine)

    def cuts(self, count: int, seed: int) -> None:
        """The power of upgrades, migrations, installations; the disk as an ext4 whose log was not flushed has it."""
        campaign = self._campaign(seed)
        self.figures["cuts"] = campaign.run(count)
        self.wrong += campaign.wrong
        self._verify("after all power cuts", self._town.ready(self._machine))

    def first(self, count: int, seed: int) -> None:
        """The power of a first installation."""
        campaign = self._campaign(seed)
        self.figures["cuts_of_first_installation"] = campaign.installations(count)
        self.wrong += campaign.wrong

    def _campaign(self, seed: int) -> deb_cuts.Cuts:
        debs = [f"/root/{deb.name}" for deb in self._debs.values()]
        return deb_cuts.Cuts(self._machine, self._town, debs, seed)

    def remove(self) -> None:
        """Data stay; back again, it goes on; purged, nothing stays."""
        machine, town = self._machine, self._town
        machine.run("dpkg", "-i", f"/root/{self._debs[NOW].name}")
        machine.run("apt-get", "remove", "-y", "stoep-gateway")
        kept = [name for name in ("var/lib/stoep/stoep.db", "etc/stoep/secrets.toml") if (machine.root / name).exists()]
        self._expect(len(kept) == 2, f"of the data only {kept} stayed")
        self._expect(not (machine.root / "usr/lib/stoep").exists(), "/usr/lib/stoep stayed")
        self._expect(machine.service() == 0, "the service goes on without its package")
        machine.run("dpkg", "-i", f"/root/{self._debs[NOW].name}")
        machine.run("systemctl", "start", UNIT)
        service = town.ready(machine)
        town.live(machine, service, 2)
        self._verify("after removal and return", service)
        machine.run("apt-get", "purge", "-y", "stoep-gateway")
        left = sorted(self._files() - self._fresh)
        accounts = {name: (machine.root / "etc" / name).read_text().splitlines() for name in ("passwd", "group")}
        users = [name for name, lines in accounts.items() if any(line.startswith("stoep:") for line in lines)]
        self._expect(not left and not users, f"purged, and left: {left[:9]} {users}")
        self._expect(machine.show("ActiveState", "mosquitto.service") == "active", "mosquitto does not serve any more")
        self.figures["left_by_purge"] = len(left)

    def _verify(self, when: str, service: Service) -> None:
        wrong = self._town.empty(self._machine, service)
        self.wrong += [f"{when}: {one}" for one in wrong[:5]]
        self.figures["readings"], self.figures["readings_wrong"] = self._town.readings, len(wrong)

    def _files(self) -> set[str]:
        root = self._machine.root
        command = ["find", str(root), "-xdev", "-mindepth", "1", "-printf", "%P\\n"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        return {name for name in listed if not _OTHERS.match(name)}

    def _expect(self, fine: bool, otherwise: str) -> None:
        if not fine:
            self.wrong.append(otherwise)


def main() -> int:
    parser = argparse.ArgumentParser(description="Try the package on a Debian that boots.")
    parser.add_argument("--cuts", type=int, default=deb_cuts.CUTS, help=f"power cuts of each kind ({deb_cuts.CUTS})")
    parser.add_argument("--suite", choices=SUITES, default=SUITES[0])
    parser.add_argument("--only", nargs="+", help="only these phases")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    debs = {version: package(version) for version in (BEFORE, NOW)}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="check-", dir=BUILD)))
        town = stack.enter_context(Town(folder, options.seed))
        machine = stack.enter_context(Machine(folder, town.bridge.port, options.suite))
        check = Check(machine, town, debs)
        phases: list[tuple[str, Callable[[], None]]] = [
            *(("install", check.install), ("serve", check.serve), ("kill", check.kill), ("hang", check.hang)),
            *(("upgrade", check.upgrade), ("migrate", check.migrate)),
            *(("cuts", lambda: check.cuts(options.cuts, options.seed)), ("remove", check.remove)),
            ("first", lambda: check.first(max(1, options.cuts // 2), options.seed)),
        ]
        for phase, run in phases:
            if options.only is None or phase in options.only:
                before, began = dict(check.figures), time.monotonic()
                run()
                new = {key: value for key, value in check.figures.items() if before.get(key) != value}
                print(f"== {options.suite}: {phase} ({time.monotonic() - began:.0f} s): {json.dumps(new)}", flush=True)
        machine.power_off()
    (BUILD / f"check-{options.suite}.json").write_text(json.dumps(check.figures, indent=1) + "\n")
    for one in check.wrong:
        print(f"wrong: {one}")
    return 1 if check.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
