"""Replay and forgery without a street: thousands of frames into the gateway's own stations, in seconds.

A played node talks for a day; everything it said is on tape. Then the tape, and what can be made of it, is said again:
at once, after a restart, after yesterday's database was put back.
"""

import gc
import logging
import random
import shutil
import sqlite3
import time
import types
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import attack_frames

from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock, sample
from stoep.wire.replies import Answer

# Each frame that reaches the gateway is one of these, and only one.
VERDICTS = ("replies", "challenges", "echoes", "replayed", "forged", "malformed", "unknown", "failed")
TAKEN = ("samples_received", "samples_logged", "samples_acknowledged", "duplicates", "holes", "replies", "alarms")
_ECHO_SECONDS = 1.1
_REPORTS = 96  # of a day
_OBJECTS = "objects in memory"
_KINDS = 24  # objects: a count and a time for each kind of bad frame that had not come before


@dataclass
class Outcome:
    """What became of the frames of one act."""

    sent: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    grown: dict[str, int] = field(default_factory=dict)

    @property
    def unaccounted(self) -> int:
        """Frames that no counter names, or that two do."""
        return abs(self.sent - sum(self.verdicts.values()))

    @property
    def harmless(self) -> bool:
        """Nothing was believed, nothing is larger, nothing vanished."""
        return not (any(self.taken.values()) or self.grown or self.unaccounted or self.verdicts["failed"])


def copy_store(file: Path, to: Path) -> None:
    """A backup as a technician makes it, of a store in use."""
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def restore_store(backup: Path, file: Path) -> None:
    """Put a backup in the place of a store that nobody has open."""
    for tail in ("-wal", "-shm"):
        file.with_name(file.name + tail).unlink(missing_ok=True)
    shutil.copyfile(backup, file)


def store_sizes(file: Path) -> dict[str, int]:
    """Rows of each table, bytes of each file."""
    sizes = {path.name: path.stat().st_size for path in sorted(file.parent.glob(file.name + "*"))}
    sizes.pop(file.name + "-shm", None)  # a cache of the -wal, made anew by whoever opens it
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as sql:
        names = [name for (name,) in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            (sizes[f"rows of {name}"],) = sql.execute(f'SELECT count(*) FROM "{name}"').fetchone()  # noqa: S608
    return sizes


def growth(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """What is larger than it was."""
    return {name: size - before.get(name, 0) for name, size in after.items() if size > before.get(name, 0)}


def held_in_memory(*roots: Any) -> int:
    """How many objects can be reached from `roots`, code, classes and logs aside."""
    code = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType, types.FrameType)
    foreign = (*code, logging.Logger)
    seen, waiting = set[int](), list(roots)
    while waiting:
        thing = waiting.pop()
        if id(thing) not in seen and not isinstance(thing, foreign):
            seen.add(id(thing))
            waiting += gc.get_referents(thing)
    return len(seen)


class Attack:
    """A gateway, an honest node, and somebody who has heard it all."""

    def __init__(self, directory: Path) -> None:
        self.clock = TurnedClock()
        self.node = PlayedNode()
        self.file = directory / "stoep.db"
        self.backup = directory / "yesterday.db"
        self.chain = Chain(self.file, self.clock, self.node)
        self.tape: list[bytes] = []
        self.replies: list[bytes] = []
        self.unheard: list[bytes] = []  # only the attacker heard these
        self.seq = 0
        self._tick = 0

    def sample(self) -> None:
        """The honest node takes its next sample."""
        self.seq += 1
        self._tick += 900
        self.clock.now += 900

    def report(self) -> bytes:
        """What it says of it; on tape now."""
        frame = self.node.report(sample(self.seq, self._tick), tick=self._tick + 1)
        self.tape.append(frame)
        return frame

    def talk(self, reports: int) -> None:
        """An honest stretch, every sample of it taken and committed; or the gateway does not serve who is honest."""
        for _ in range(reports):
            self.sample()
            for _attempt in range(2):
                reply = self.chain.say(self.report())
                if reply is None:
                    raise RuntimeError(f"the honest node's sample {self.seq} was not answered")
                self.replies.append(reply)
                if isinstance(answer := self.node.open(reply), Answer):
                    break
            else:
                raise RuntimeError(f"the honest node was challenged twice for sample {self.seq}")
            if not any(first <= self.seq <= last for _, first, last in answer.received):
                raise RuntimeError(f"the honest node's sample {self.seq} was not taken: {answer}")
            self.chain.commit()
        self.chain.turn()

    def yesterday(self) -> None:
        """A day with everything in it: a first contact, a backup at noon, frames that only the attacker heard."""
        self.talk(_REPORTS // 2)
        copy_store(self.file, self.backup)
        self.talk(_REPORTS // 2)
        self.sample()
        self.unheard = [self.report(), self.report()]
        time.sleep(_ECHO_SECONDS)

    def act(self, frames: Iterable[bytes]) -> Outcome:
        """Say these frames to the gateway while the honest node is silent."""
        chain, outcome = self.chain, Outcome()
        chain.commit()
        chain.turn()
        while chain.refiner._behind:  # what a restored store has to tell comes in portions
            chain.turn()
        gc.collect()
        counted = chain.counters.snapshot()
        sizes = store_sizes(self.file)
        sizes[_OBJECTS] = held_in_memory(chain.intake, chain.journal)
        for frame in frames:
            outcome.sent += 1
            chain.say(frame)
        chain.commit()
        chain.turn()
        gc.collect()
        now = store_sizes(self.file)
        now[_OBJECTS] = held_in_memory(chain.intake, chain.journal)
        outcome.grown = growth(sizes, now)
        if outcome.grown.get(_OBJECTS, 0) <= _KINDS:
            outcome.grown.pop(_OBJECTS, None)
        for name in {*VERDICTS, *TAKEN}:
            change = chain.counters[name] - counted.get(name, 0)
            if name in VERDICTS and change:
                outcome.verdicts[name] = change
            if name in TAKEN and change:
                outcome.taken[name] = change
        return outcome

    def restart(self) -> None:
        """The gateway is killed and started again."""
        self.chain.crash()

    def restore(self) -> None:
        """The gateway is stopped, yesterday's database put back, the gateway started."""
        self.chain.database.close()
        restore_store(self.backup, self.file)
        number = int.from_bytes(self.chain.intake.instance, "big") + 1
        self.chain._open(number.to_bytes(4, "big"))

    def forgeries(self) -> list[bytes]:
        """Each cut, each flip, each splice of frames the gateway has and has not seen, and replies sent up."""
        old, new = self.tape[-3], self.unheard[0]
        frames: list[bytes] = []
        for frame in (old, new, self.tape[0]):
            frames += attack_frames.cuts(frame)
            frames += attack_frames.flips(frame)
        frames += attack_frames.splices(old, new)
        frames += attack_frames.splices(new, self.replies[-1])
        frames += self.replies
        frames += [frame + b"\x00" for frame in self.tape]
        return frames

    def outsiders(self, count: int) -> list[bytes]:
        """True frames under kids that nobody knows, as if there were no bridge to keep them away."""
        return list(attack_frames.strangers(self.tape[-1], count, random.Random(count)))


def campaign(directory: Path, strangers: int = 5000) -> dict[str, Outcome]:
    """Every act, in order; the honest node is served in between."""
    attack = Attack(directory)
    attack.yesterday()
    acts = {
        "replayed at once": attack.act(attack.tape[:-2] * 3),
        "forged": attack.act(attack.forgeries()),
        "unknown kids": attack.act(attack.outsiders(strangers)),
    }
    attack.talk(5)
    attack.restart()
    acts["replayed after a restart"] = attack.act(attack.tape * 3)
    acts["forged after a restart"] = attack.act(attack.forgeries())
    attack.talk(5)
    attack.restore()
    acts["replayed after a restore"] = attack.act(attack.tape * 3)
    attack.talk(5)
    acts["replayed at the end"] = attack.act(attack.tape * 3)
    return acts
