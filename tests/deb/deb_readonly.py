"""A read-only root with the store on a partition of its own, put on by the very commands of gateway/README.md.

    unshare --mount --net --propagation private python tests/deb/deb_readonly.py [--suite SUITE] [--seed N]

`make deb` and deb_machine.py come first. What must be true: the machine boots with nothing failed, the gateway serves
its street, mosquitto has the accounts of the registry, and both go on after edits of the registry, a power cut and a
reboot, without a byte of the root's disk written; the same under an overlay in memory. Without the partition the
gateway does not start. The package can be upgraded and purged. Whatever the street took must be at the city, once and
right. Writes build/deb/readonly.json.
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

import paho.mqtt.client as mqtt

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path += [str(ROOT / "tests" / "gateway"), str(ROOT / "tests" / "faults")]

from deb_card import CardMachine, Root  # noqa: E402
from deb_check import BEFORE, NOW, Figures, package  # noqa: E402
from deb_machine import BUILD, SUITES, UNIT  # noqa: E402
from deb_town import Town  # noqa: E402

from stoep.registry import accounts  # noqa: E402

_CONFIG = "/etc/stoep/gateway.toml"
_STAYS, _GOES = "c0000099", "c0000098"  # two lampposts that are never heard
_MOUNTS = {
    "/etc/stoep": "ext4",
    "/var/lib/stoep": "ext4",
    "/var/lib/stoep-broker": "ext4",
    "/var/lib/systemd": "ext4",
    "/var/lib/mosquitto": "tmpfs",
    "/var/log": "tmpfs",
}
_HARDENED = {"nosuid", "nodev", "noexec"}
_PATIENCE = 30.0
# What a person does at the keyboard, and what makes the partition that is here already.
_BY_HAND = re.compile(r"mkfs|LABEL=stoep|sudoedit|reboot")


def commands() -> list[str]:
    """Those of the README, as root."""
    text = (ROOT / "gateway/README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"\*\*A root that nobody writes\.\*\*.*?\n\n((?:    [^\n]*\n)+)", text, re.DOTALL)
    return [line.strip().replace("sudo ", "") for line in block.splitlines() if not _BY_HAND.search(line)]


def _let_in() -> set[str]:
    """Whom the machine's mosquitto lets in: its network is ours."""
    return {kid for kid in (_STAYS, _GOES) if _lets_in(kid)}


def _lets_in(kid: str) -> bool:
    codes: list[mqtt.ReasonCode] = []
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(kid, accounts.password(bytes.fromhex(_secret(kid))))
    client.on_connect = lambda _client, _data, _flags, code, _properties: codes.append(code)
    try:
        client.connect("127.0.0.1", 1883)
    except OSError:
        return False
    until = time.monotonic() + _PATIENCE
    while not codes and time.monotonic() < until:
        client.loop(0.1)
    client.disconnect()
    return bool(codes) and not codes[0].is_failure


def _secret(kid: str) -> str:
    return kid * 8


class Check:
    """One machine; each step adds its figures."""

    def __init__(self, machine: CardMachine, town: Town) -> None:
        self._machine = machine
        self._town = town
        self._sum = ""
        self.figures: Figures = {}
        self.wrong: list[str] = []

    def put_on(self) -> None:
        """The older release, serving on an ordinary root; then moved."""
        machine, town = self._machine, self._town
        machine.boot()
        made = BUILD / f"stoep-gateway_{NOW}_amd64.deb"
        for version, deb in ((BEFORE, package(BEFORE)), (NOW, made)):
            shutil.copy(deb, machine.root / "root" / f"{version}.deb")
        machine.run("apt-get", "install", "-y", "--no-install-recommends", f"/root/{BEFORE}.deb")
        town.settle(machine)
        self._two_more()
        machine.run("systemctl", "start", UNIT)
        town.live(machine, town.ready(machine), 2)
        for command in commands():
            machine.run("sh", "-ec", command)
        self.figures["commands"] = len(commands())

    def read_only(self) -> None:
        machine, town = self._machine, self._town
        self._again(Root.READ_ONLY)
        self._sum = machine.sum_of_root()
        self._expect("Read-only" in machine.run("sh", "-c", "touch /etc/x 2>&1 || true"), "the root can be written")
        for place, kind in _MOUNTS.items():
            found, options = machine.run("findmnt", "-n", "-o", "FSTYPE,OPTIONS", "-T", place).split()
            self._expect(found == kind, f"{place} lies on {found}")
            self._expect(set(options.split(",")) >= _HARDENED, f"{place} is mounted {options}")
        self._expect(self._has("/run/log/journal"), "there is no journal in memory")
        self._expect(not self._has("/var/log/journal"), "the journal is kept")
        self._expect(machine.show("ActiveState", "stoep-clock.service") == "active", "nobody witnesses the clock")
        town.live(machine, town.ready(machine), 5)
        self._edit()
        self._edited("after the edit")

    def cut(self) -> None:
        """The power goes under load, and comes back."""
        machine, town = self._machine, self._town
        town.live(machine, town.ready(machine), 3)
        machine.cut()
        town.set_clock(machine)
        self.figures["boot_after_cut_seconds"] = round(machine.boot(), 1)
        self._sound("after a power cut")

    def reboot(self) -> None:
        self._again(Root.READ_ONLY)
        self._verify("after a reboot")
        self._machine.power_off()
        self.figures["root_unchanged"] = self._machine.sum_of_root() == self._sum
        self._expect(self.figures["root_unchanged"], "the root's disk was written")
        self._machine.boot()

    def in_memory(self) -> None:
        """As under Raspberry Pi OS's overlay; once more, for what it forgets."""
        self._again(Root.IN_MEMORY)
        self._again(Root.IN_MEMORY)
        self._verify("under an overlay in memory")

    def without(self) -> None:
        """The partition is broken."""
        for root in (Root.READ_ONLY, Root.IN_MEMORY):
            self._machine.again(root, plugged=False)
            said = self._machine.show("ActiveState")
            self._expect(said == "inactive", f"root {root.value}, no partition, and the gateway is {said}")
            self._expect(not self._has("/var/lib/stoep/stoep.db"), f"root {root.value}: a store where none is to be")

    def upgrade(self) -> None:
        """The root writable once; at the end no package."""
        machine = self._machine
        self._again(Root.WRITTEN)
        machine.run("dpkg", "-i", f"/root/{NOW}.deb")
        self._expect(machine.run("stoep", "--version") == f"stoep {NOW}", "stoep is not the new one")
        self._again(Root.READ_ONLY)
        self._verify("after an upgrade")
        self._again(Root.WRITTEN)
        machine.run("apt-get", "purge", "-y", "stoep-gateway")
        left = [str(file) for folder in ("etc", "store", "broker") for file in (machine.partition / folder).rglob("*")]
        self.figures["left_by_purge"] = len(left)
        self._expect(not left, f"purged, and left: {left}")

    def _two_more(self) -> None:
        for kid in (_STAYS, _GOES):
            node = f'[[node]]\nkid = "{kid}"\nname = "lamppost-{kid}"\nkind = "lamppost"\n'
            for name, text in (("nodes.toml", node), ("secrets.toml", f'{kid} = "{_secret(kid)}"\n')):
                with (self._machine.site / name).open("a") as file:
                    file.write(text)

    def _edit(self) -> None:
        """One goes and comes back by a hand-over, one goes; mosquitto has to hear of it."""
        run = self._machine.run
        run("sh", "-c", "umask 077; echo correct-horse-battery-staple > /run/words")
        words = ("--passphrase-file", "/run/words", "-c", _CONFIG)
        run("stoep", "registry", "export", "/run/moved.age", _STAYS, *words)
        for kid in (_STAYS, _GOES):
            run("stoep", "registry", "retire", kid, "--yes", "-c", _CONFIG)
        run("stoep", "registry", "import", "/run/moved.age", *words)
        until = time.monotonic() + _PATIENCE
        while _let_in() != {_STAYS} and time.monotonic() < until:
            time.sleep(0.2)

    def _edited(self, when: str) -> None:
        listed = json.loads(self._machine.run("stoep", "registry", "list", "--json", "-c", _CONFIG))
        known = {one["kid"] for one in listed}
        self._expect(known & {_STAYS, _GOES} == {_STAYS}, f"{when} the registry is not as it was edited")
        self._expect(_let_in() == {_STAYS}, f"{when} mosquitto lets in {_let_in()}")

    def _again(self, root: Root) -> None:
        """Booted anew by hand; nothing of it failed."""
        took = self._machine.again(root)
        self.figures.setdefault("boot_seconds", {})[root.value] = round(took, 1)
        if root is not Root.WRITTEN:
            self._sound(f"with its root {root.value}")

    def _sound(self, when: str) -> None:
        """Nothing has failed, and the street is served as before."""
        failed = self._machine.run("systemctl", "list-units", "--failed", "--plain", "--no-legend")
        self._expect(not failed, f"{when}: {failed}")
        self._town.live(self._machine, self._town.ready(self._machine), 2)
        if self._sum:
            self._edited(when)

    def _verify(self, when: str) -> None:
        wrong = self._town.empty(self._machine, self._town.ready(self._machine))
        self.wrong += [f"{when}: {one}" for one in wrong[:5]]
        self.figures["readings"], self.figures["readings_wrong"] = self._town.readings, len(wrong)

    def _has(self, place: str) -> bool:
        return self._machine.run("sh", "-c", f"test -e {place} && echo yes || true") == "yes"

    def _expect(self, fine: bool, otherwise: str) -> None:
        if not fine:
            self.wrong.append(otherwise)


def main() -> int:
    parser = argparse.ArgumentParser(description="Try a read-only root with the store on a partition of its own.")
    parser.add_argument("--suite", choices=SUITES, default=SUITES[0])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="readonly-", dir=BUILD)))
        town = stack.enter_context(Town(folder, options.seed))
        machine = stack.enter_context(CardMachine(folder, town.bridge.port, options.suite))
        check = Check(machine, town)
        steps: list[Callable[[], None]] = [check.put_on, check.read_only, check.cut, check.reboot]
        for step in [*steps, check.in_memory, check.without, check.upgrade]:
            before, began = json.loads(json.dumps(check.figures)), time.monotonic()
            step()
            new = {key: value for key, value in check.figures.items() if before.get(key) != value}
            print(f"== {step.__name__} ({time.monotonic() - began:.0f} s): {json.dumps(new)}", flush=True)
        machine.power_off()
    (BUILD / "readonly.json").write_text(json.dumps(check.figures, indent=1) + "\n")
    for one in check.wrong:
        print(f"wrong: {one}")
    return 1 if check.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
