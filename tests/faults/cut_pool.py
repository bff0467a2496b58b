"""Spreads the states of a campaign over all processors, and adds up what was found."""

import dataclasses
import logging
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

MEMORY = Path("/dev/shm")  # noqa: S108 -- states are many and short-lived, and need no disk
_SHOWN = 20
_CHUNK = 100  # states that a worker tries in one go
_SAY_SECONDS = 15


@dataclasses.dataclass
class Found:
    states: int = 0
    failures: int = 0
    findings: list[str] = dataclasses.field(default_factory=list)

    def add(self, other: "Found") -> None:
        self.states += other.states
        self.failures += other.failures
        self.findings = (self.findings + other.findings)[:_SHOWN]


class Cutter(Protocol):
    """Goes through a recording once and tries the places it is given, which are in the order of time."""

    def run(self, some: Sequence[Any], folder: Path) -> Iterator[Found]: ...


_cutters: list[Cutter] = []  # of this worker


def _begin(cutter: Callable[[Any], Cutter], recording: Any) -> None:
    logging.disable()  # of losses, which are many and meant
    _cutters.append(cutter(recording))


def _work(some: Sequence[Any]) -> Found:
    return alone(_cutters[0], some)


def alone(cutter: Cutter, some: Sequence[Any]) -> Found:
    """In this process."""
    found = Found()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        for one in cutter.run(some, Path(folder)):
            found.add(one)
    return found


def spread(
    cutter: Callable[[Any], Cutter],
    recording: Any,
    some: Sequence[Any],
    say: Callable[[str], None] = lambda _line: None,
) -> Found:
    """On all processors; `some` are the places."""
    pieces = max(1, len(some) // _CHUNK)
    edges = [round(len(some) * piece / pieces) for piece in range(pieces + 1)]
    jobs = [some[first:last] for first, last in pairwise(edges)]
    found = Found()
    said = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), _begin, (cutter, recording)) as pool:
        for part in pool.imap_unordered(_work, jobs):
            found.add(part)
            if time.monotonic() - said > _SAY_SECONDS:
                said = time.monotonic()
                say(f"  {found.states} of {len(some)} states, {found.failures} failures")
        pool.close()
        pool.join()
    return found
