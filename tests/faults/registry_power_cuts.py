"""The registry's campaign: its commands recorded, the power cut wherever a file or a name changed."""

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cut_pool
from cut_pool import Found
from gateway_disk import Cut, Disk
from registry_check import State
from registry_record import Recording
from registry_trace import FOLDERS, Began, In, Told

_CHANCES = {Cut.PREFIX, Cut.TORN, Cut.RIPPED, Cut.SOME, Cut.SECTORS}  # come out differently each time
_TIMES = 6
Place = tuple[int, Cut, int]  # before which part, what becomes of what was not synced, the how manieth try
Files = dict[str, bytes]  # by path below the root


class _Disks:
    """The registry's folders up to some part of the recording."""

    def __init__(self) -> None:
        self._disks = {folder: Disk() for folder in FOLDERS}
        self.step = 0
        self.began = self.told = False

    def apply(self, part: In | Began | Told) -> None:
        if isinstance(part, In):
            self._disks[part.folder].apply(part.event)
            return
        self.step, self.began, self.told = part.step, True, isinstance(part, Told)

    def pending(self) -> int:
        return sum(disk.pending() for disk in self._disks.values())

    def after(self, cut: Cut, chance: random.Random) -> tuple[Files, dict[str, int]]:
        """Files and modes as a power cut now may leave them; in a folder that is gone there is nothing."""
        files: Files = {}
        modes: dict[str, int] = {}
        for folder, disk in self._disks.items():
            inner = "/" in folder
            if inner and folder not in files:
                continue
            files |= {f"{folder}/{name}": content for name, content in disk.after(cut, chance).items()}
            modes |= {f"{folder}/{name}": mode for name, mode in disk.modes().items()}
        return files, modes


def places(recording: Recording) -> list[Place]:
    disks = _Disks()
    found: list[Place] = []
    for at, part in enumerate([*recording.parts, None]):
        if disks.began:
            cuts = list(Cut) if disks.pending() else [Cut.KEPT]
            found += [(at, cut, time) for cut in cuts for time in range(_TIMES if cut in _CHANCES else 1)]
        if part is not None:
            disks.apply(part)
    return found


class _Cutter:
    """Goes through a recording once and tries the places it is given."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._tried: dict[object, list[str]] = {}

    def run(self, some: Sequence[Place], folder: Path) -> Iterator[Found]:
        disks = _Disks()
        done = 0
        for at, cut, times in some:
            for part in self._recording.parts[done:at]:
                disks.apply(part)
            done = at
            files, modes = disks.after(cut, random.Random(f"{at} {cut.name} {times}"))
            same = disks.step, disks.told, tuple(sorted(files.items())), tuple(sorted(modes.items()))
            if same not in self._tried:
                self._tried[same] = self._try(folder, disks, files, modes)
            findings = self._tried[same]
            does = self._recording.steps[disks.step].does.value
            where = f"step {disks.step} ({does}), before part {at}, {cut.value}"
            yield Found(1, bool(findings), [f"{where}: {finding}" for finding in findings[:1]])

    def _try(self, folder: Path, disks: _Disks, files: Files, modes: dict[str, int]) -> list[str]:
        with tempfile.TemporaryDirectory(dir=folder) as made:
            root = Path(made).resolve()
            for name in ("etc", "out", "in"):
                (root / name).mkdir()
            for name, content in self._recording.handed.items():
                (root / "in" / name).write_bytes(content)
            for name, content in files.items():
                if name in FOLDERS:
                    (root / name).mkdir()
                    continue
                (root / name).write_bytes(content)
                (root / name).chmod(modes[name])
            return State(root, self._recording, disks.step, modes, told=disks.told).check()


def chosen(recording: Recording, states: int | None, seed: int) -> list[Place]:
    """At most `states` of them, in the order in which they come about; None: all."""
    every = places(recording)
    some = every if states is None else random.Random(seed).sample(every, min(len(every), states))
    return sorted(some, key=lambda place: (place[0], place[1].name, place[2]))


def cut(
    recording: Recording,
    states: int | None = None,
    *,
    seed: int = 1,
    alone: bool = False,
    say: Callable[[str], None] = lambda _line: None,
) -> Found:
    """Tries the states of `recording`; `alone`: in this process, else on all processors."""
    some = chosen(recording, states, seed)
    return cut_pool.alone(_Cutter(recording), some) if alone else cut_pool.spread(_Cutter, recording, some, say)
