"""The gateway's campaign: one recording, its power cut wherever something was written, in every way a disk allows."""

import random
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cut_pool
import gateway_load
from cut_pool import Found
from gateway_check import State
from gateway_disk import Cut, Disk
from gateway_load import Recording
from gateway_talk import Talk
from gateway_trace import ON_DISK, Started, Synced, Wrote

_RARE = 3  # a third of the states are cuts where more is at stake than the end of the WAL
_START = 60  # writes and syncs: schema, recovery, and the first replies after it
Place = tuple[int, Cut]  # before which event, and what becomes of what was not synced


def places(recording: Recording) -> tuple[list[Place], list[Place]]:
    """Where and how the power can be cut: the rare ones (a start, names, the database itself), and the rest."""
    rare: list[Place] = []
    usual: list[Place] = []
    disk = Disk()
    since = 0  # the start
    for at, event in enumerate(recording.events):
        since = 0 if isinstance(event, Started) else since
        if isinstance(event, ON_DISK):
            since += 1
            special = since <= _START or not isinstance(event, Wrote | Synced) or event.name != "stoep.db-wal"
            cuts = list(Cut) if disk.pending() else [Cut.KEPT]
            (rare if special else usual).extend((at, cut) for cut in cuts)
        disk.apply(event)
    usual.append((len(recording.events), Cut.KEPT))
    return rare, usual


def chosen(recording: Recording, states: int, seed: int) -> list[Place]:
    """At most `states` of them, in the order in which they come about."""
    chance = random.Random(seed)
    rare, usual = places(recording)
    some = chance.sample(rare, min(len(rare), states // _RARE))
    some += chance.sample(usual, min(len(usual), states - len(some)))
    return sorted(some, key=lambda place: (place[0], place[1].name))


class _Cutter:
    """Goes through a recording once and tries the places it is given."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._talk = Talk(recording.events, recording.secrets)

    def _utc(self, cut: int) -> float:
        spoken = [said for said in self._talk.spoken if said.at < cut]
        began = self._recording.began
        return max((began[kid, uplink.epoch] + uplink.tick for _, kid, uplink in spoken), default=0.0)

    def run(self, some: Sequence[Place], folder: Path) -> Iterator[Found]:
        disk = Disk()
        at = 0
        for cut, how in some:
            for event in self._recording.events[at:cut]:
                disk.apply(event)
            at = cut
            files = disk.after(how, random.Random(f"{cut} {how.name}"))
            findings = self._try(folder, cut, files)
            where = f"before event {cut}{self._next(cut)}, {how.value}"
            yield Found(1, bool(findings), [f"{where}: {finding}" for finding in findings[:1]])

    def _next(self, cut: int) -> str:
        if cut == len(self._recording.events):
            return " (the end)"
        event = self._recording.events[cut]
        return f" ({type(event).__name__.lower()} {getattr(event, 'name', '') or 'the folder'})"

    def _try(self, folder: Path, cut: int, files: dict[str, bytes]) -> list[str]:
        with tempfile.TemporaryDirectory(dir=folder) as made:
            for name, content in files.items():
                (Path(made) / name).write_bytes(content)
            lives, sent = self._talk.before(cut)
            return State(Path(made), self._recording, lives, sent, self._talk.commanded(cut), self._utc(cut)).check()


def cut(recording: Recording, states: int, *, seed: int = 1, say: Callable[[str], None] = lambda _line: None) -> Found:
    """Tries so many states of `recording` on all processors."""
    return cut_pool.spread(_Cutter, recording, chosen(recording, states, seed), say)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def record(
    *,
    rounds: tuple[int, ...] = gateway_load.ROUNDS,
    sabotage: str | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> Recording:
    """In a folder of its own, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder).resolve()
        return gateway_load.record(where, _free_port(), rounds=rounds, sabotage=sabotage, say=say)
