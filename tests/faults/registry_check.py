"""What a power cut left of the registry is opened by the product's own code, and every promise is looked for.

First the files as they are: they are whole, private, and say what held before the command or what holds after it. Then
life goes on: the gateway brings the broker's accounts up to date, and the command that was cut off is given again.
"""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from registry_record import Recording, fill
from registry_site import GATEWAY, PASSWORD, Does, Node, Site, Step
from typer.testing import CliRunner

from stoep.cli import build
from stoep.errors import SettingsError
from stoep.registry import accounts, enrol, handover, registry

_FINDINGS = 5  # of one state are enough
_APP = build()
_OPEN_TO_ALL = {"gateway.toml", "nodes.toml", ".nodes.toml.new", "broker"}
_OTHERS = 0o077


class State:
    """One outcome of a cut in, or before, the step `number`, which had said that it was done or had not (`told`)."""

    def __init__(self, root: Path, recording: Recording, number: int, modes: Mapping[str, int], *, told: bool) -> None:
        self._root = root
        self._etc = root / "etc"
        self._files = enrol.Files(self._etc / "nodes.toml", self._etc / "secrets.toml")
        self._recording = recording
        self._number = number
        self._step = recording.steps[number]
        self._modes = modes
        self._told = told
        self.findings: list[str] = []

    def check(self) -> list[str]:
        """What is wrong with it."""
        try:
            self._private()
            known = self._registry(told=self._told)
            self._key()
            self._exported()
            self._accounts(known)
            if not self.findings and not self._told:
                self._again()
        except (SettingsError, OSError, UnicodeDecodeError) as error:  # a file that the product refuses, or none
            self._find(str(error))
        return self.findings

    def _find(self, finding: str) -> None:
        if len(self.findings) < _FINDINGS:
            self.findings.append(finding)

    def _private(self) -> None:
        for path, mode in self._modes.items():
            if mode & _OTHERS and Path(path).name not in _OPEN_TO_ALL:
                self._find(f"{path} may be read by others (mode {mode:04o})")

    def _registry(self, *, told: bool) -> registry.Known:
        """As the gateway reads it when it starts. Raises SettingsError."""
        read = registry.Registry(self._files.nodes, self._files.secrets)
        known = registry.Known(read.entries, read.groups)
        step, there = self._step, _site(known)
        if told and there != step.after:
            self._find(f"{step.does.value} said that it was done: {_difference(step.after, there)}")
        if not told and there not in step.between():
            self._find(f"neither what was before {step.does.value} nor after: {_difference(step.before, there)}")
        texts = [file.read_text(encoding="utf-8") for file in (self._files.nodes, self._files.secrets)]
        for remark in step.remarks:
            if not any(remark in text for text in texts):
                self._find(f"the remark {remark!r} is gone")
        if told:
            self._gone(step)
        elif there == step.after and step.name in enrol.orphans(self._files, known):
            listed = CliRunner().invoke(_APP, ["registry", "list", "--config", str(self._etc / "gateway.toml")])
            if f"{step.name} is no node but has a secret" not in listed.output:
                self._find(f"nobody says that the secret of {step.name} is still there")
        return known

    def _gone(self, step: Step) -> None:
        """Neither the secrets of who was retired nor anything half done is left."""
        for file in (file for file in self._etc.rglob("*") if file.is_file()):
            content = file.read_text(encoding="utf-8", errors="replace")
            if any(secret in content for secret in step.gone):
                self._find(f"{step.name} is retired, and its secret is in {file.name}")
        if "retired" in self._files.nodes.read_text(encoding="utf-8"):
            self._find("a node is still marked as retired")

    def _key(self) -> None:
        """Whoever heard the recipient may have sealed for it."""
        if self._number == 0 and not self._told:
            return
        key = self._etc / "handover.key"
        if not key.exists() or str(handover.load_key(key).to_public()) != self._recording.recipient:
            self._find("the key whose recipient was told is gone")

    def _exported(self) -> None:
        for number, step in enumerate(self._recording.steps[: self._number + 1]):
            told = number < self._number or self._told
            if step.does is Does.EXPORT:
                self._sealed(step, told=told)

    def _sealed(self, step: Step, *, told: bool) -> None:
        file = self._root / "out" / "moved.age"
        if not file.exists():
            if told:
                self._find("what was exported is not there")
            return
        try:
            handed = handover.open_with_key(file, self._etc / "handover.key")
        except SettingsError as error:
            self._find(f"what was exported cannot be opened: {error}")
            return
        if [node.secret for node in handed.nodes] != [step.before.nodes[step.name].secret]:
            self._find("what was exported is another node")

    def _accounts(self, known: registry.Known) -> None:
        """The broker's files are old or new; the gateway, which always looks when it starts, makes them right."""
        step, folder = self._step, self._etc / "broker"
        allowed = [step.accounts_after] if self._told else [step.accounts_before, step.accounts_after]
        if not any(_holds(folder, wanted) for wanted in allowed):
            self._find(
                "the broker's accounts are neither old nor new" if not self._told else "the accounts are not new"
            )
        keeper = accounts.Keeper(folder, (GATEWAY, PASSWORD))
        keeper.keep(known.nodes.values())
        if keeper.problem is not None or not _holds(folder, _site(known).accounts()):
            self._find(f"the gateway does not bring the broker's accounts up to date: {keeper.problem}")

    # The command that was cut off is given again.

    def _again(self) -> None:
        step = self._step
        there = _site(registry.load(self._files.nodes, self._files.secrets))
        retired = step.does is Does.RETIRE and there == step.after
        said = CliRunner().invoke(_APP, fill(step.words, self._root, self._recording.recipient))
        done = retired or (step.does is Does.EXPORT and "is there already" in said.output)
        if said.exit_code and not done:
            self._find(f"the same {step.does.value} again: {said.output.strip()}")
        known = self._registry(told=True)
        if enrol.orphans(self._files, known):
            self._find(f"secrets without a node are left after the same {step.does.value}")
        if step.does is Does.ACCOUNTS and not _holds(self._etc / "broker", step.accounts_after):
            self._find("the same broker-files again does not write the accounts")


def _site(known: registry.Known) -> Site:
    nodes = {
        kid.hex(): Node(
            entry.name,
            entry.kind,
            entry.secret.hex(),
            None if entry.old is None else entry.old.hex(),
            entry.made_at,
            entry.place,
        )
        for kid, entry in known.nodes.items()
    }
    groups = {
        group.name: (group.secret.hex(), tuple(lamp.kid.hex() for lamp in group.lamps))
        for group in known.groups.values()
    }
    return Site(nodes, groups)


def _difference(wanted: Site, there: Site) -> str:
    """Without secrets."""
    said = []
    for what, ours, theirs in (("node", wanted.nodes, there.nodes), ("group", wanted.groups, there.groups)):
        for name in sorted({*ours, *theirs}):
            if ours.get(name) != theirs.get(name):  # type: ignore[attr-defined]
                now = "is missing" if name not in theirs else "is there" if name not in ours else "is another"
                said.append(f"{what} {name} {now}")
    return ", ".join(said[:3])


def _holds(folder: Path, wanted: Mapping[str, str] | None) -> bool:
    """Whether the broker's files are those of the gateway and of these nodes; None: there are none of nodes."""
    file = folder / "passwords"
    if wanted is None or not file.exists():
        return wanted is None and not file.exists()
    passwords = {kid: accounts.password(bytes.fromhex(secret)) for kid, secret in wanted.items()}
    passwords[GATEWAY] = PASSWORD
    lines = file.read_text(encoding="utf-8").splitlines()
    acl = (folder / "acl").read_text(encoding="utf-8")
    return (
        {line.partition(":")[0] for line in lines} == set(passwords)
        and all(_opens(line, passwords[line.partition(":")[0]]) for line in lines)
        and acl.endswith("pattern read stoep/down/%u\n")
    )


def _opens(line: str, password: str) -> bool:
    """As mosquitto looks at it: name:$7$rounds$salt$hash."""
    try:
        _, kind, rounds, salt, known = line.split("$")
        made = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), int(rounds))
        return kind == "7" and made == base64.b64decode(known)
    except ValueError:
        return False
