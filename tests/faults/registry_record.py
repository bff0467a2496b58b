"""One recording: the real commands edit the registry of a site below strace, in folders of their own."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import gateway_trace
import pyrage
import registry_trace
from gateway_disk import Disk
from gateway_trace import FAST, Made, Synced, Wrote
from registry_site import Step, Town
from registry_trace import FOLDERS, In, Part

from stoep.resources import firmware_dir

_ZYGOTE = Path(__file__).parent / "registry_zygote.py"
_WIDE, _OWN = 0o644, 0o600
_OPEN_TO_ALL = ("nodes.toml", "gateway.toml")


@dataclass
class Recording:
    """`parts`: what happened, from the files of the beginning on; `handed`: the hand-overs by file name."""

    parts: list[Part]
    steps: list[Step]
    handed: dict[str, bytes]
    recipient: str


def fill(words: tuple[str, ...], root: Path, recipient: str) -> list[str]:
    return [word.format(root=root, recipient=recipient) for word in words]


class _Commands:
    """The zygote below strace."""

    def __init__(self, root: Path, sabotage: str) -> None:
        self.trace = root / "trace"
        paths = [str(firmware_dir().parent / "gateway"), str(firmware_dir())]
        self._process = subprocess.Popen(
            [
                *gateway_trace.command(self.trace, *FAST, calls=registry_trace.CALLS),
                *(sys.executable, str(_ZYGOTE), sabotage),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )

    def run(self, words: list[str], said: Path) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._process.stdin.write(json.dumps({"words": words, "said": str(said)}) + "\n")
        self._process.stdin.flush()
        status = self._process.stdout.readline().strip()
        if status != "0":
            self._process.stdin.close()
            raise AssertionError(f"{words} ended with {status or 'nothing'}: {self._process.stderr.read()}")

    def end(self) -> None:
        self._process.communicate(timeout=20)


def record(*, more: int = 0, brief: bool = False, seed: int = 1, sabotage: str = "none") -> Recording:
    """Each sort of edit once, and `more` at random; `brief`: nodes come and go, nothing else."""
    town = Town(seed)
    steps = town.few() if brief else town.all(more)
    with tempfile.TemporaryDirectory() as made:
        return _record(Path(made).resolve(), town, steps, sabotage)


def _record(root: Path, town: Town, steps: list[Step], sabotage: str) -> Recording:
    for folder in ("etc", "out", "in", "said"):
        (root / folder).mkdir()
    parts: list[Part] = []
    for name, text in town.files().items():
        mode = _WIDE if name in _OPEN_TO_ALL else _OWN
        (root / "etc" / name).write_text(text, encoding="utf-8")
        (root / "etc" / name).chmod(mode)
        parts += [In("etc", event) for event in (Made(name, mode), Wrote(name, 0, text.encode()), Synced(name))]
    parts.append(In("etc", Synced("")))
    existing = {root / "etc" / name for name in town.files()}
    handed: dict[str, bytes] = {}
    recipient = ""
    commands = _Commands(root, sabotage)
    try:
        for number, step in enumerate(steps):
            if step.handed is not None:
                sealed = pyrage.encrypt(step.handed, [pyrage.x25519.Recipient.from_str(recipient)])
                handed[f"{number}.age"] = bytes(sealed)
                (root / "in" / f"{number}.age").write_bytes(sealed)
            said = root / "said" / str(number)
            commands.run(fill(step.words, root, recipient), said)
            recipient = recipient or said.read_text().strip()  # the first command says it
    finally:
        commands.end()
    parts += registry_trace.read(commands.trace, root, existing)
    _told_all(root, parts)
    return Recording(parts, steps, handed, recipient)


def _told_all(root: Path, parts: list[Part]) -> None:
    """The disk's model has come to what is really there."""
    disks = {folder: Disk() for folder in FOLDERS}
    for part in parts:
        if isinstance(part, In):
            disks[part.folder].apply(part.event)
    for folder, disk in disks.items():
        files = list((root / folder).glob("*"))
        there = {file.name: file.read_bytes() if file.is_file() else b"" for file in files}
        assert disk.now() == there, "the trace does not tell everything that was written"
        assert all(file.stat().st_mode & 0o777 & ~disk.modes()[file.name] == 0 for file in files)
