"""The aggregate of one node over 15 minutes: what is counted, and the row it is kept in.

A window is a running sum, so a late sample reopens it; `last` goes by the time of taking, never by that of arrival.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

import cbor2

from stoep.errors import StoreError
from stoep.store.sample_set import SampleSet
from stoep.wire.channels import Channel

SECONDS = 900
_FORM = 1


class TimeQuality(IntEnum):
    """How well the time of taking is known; the higher, the worse."""

    SYNCED = 0
    INTERPOLATED = 1
    ESTIMATED = 2

    @property
    def word(self) -> str:
        return self.name.lower()


class Flag(IntEnum):
    """QARTOD's flags, as far as a gross range test can give them."""

    GOOD = 1
    FAIL = 4


class Reading(NamedTuple):
    """One channel of one sample, in counts."""

    channel: Channel
    counts: int
    flag: Flag


@dataclass
class Total:
    """One channel within one window, in counts."""

    count: int = 0
    total: int = 0
    lowest: int = 0
    highest: int = 0
    last: int = 0
    last_at: tuple[int, int, int] = (-1, 0, 0)  # Unix µs of taking, epoch, seq
    flag: int = Flag.GOOD
    time: int = TimeQuality.SYNCED

    def add(self, counts: int, at: tuple[int, int, int], flag: Flag, time: TimeQuality) -> None:
        self.lowest = counts if self.count == 0 else min(self.lowest, counts)
        self.highest = counts if self.count == 0 else max(self.highest, counts)
        self.count += 1
        self.total += counts
        if at > self.last_at:
            self.last, self.last_at = counts, at
        self.flag = max(self.flag, flag)
        self.time = max(self.time, time)


@dataclass
class Window:
    """`start` in Unix seconds; `revision` is the last one published, 0 before the first; `due`: not published as is.

    `fresh`: the samples in it that no published revision has.
    """

    kid: bytes
    start: int
    revision: int = 0
    due: bool = False
    partial: bool = False
    totals: dict[int, Total] = field(default_factory=dict)
    fresh: SampleSet = field(default_factory=SampleSet)

    @property
    def end(self) -> int:
        return self.start + SECONDS

    def content(self) -> bytes:
        rows: list[list[Any]] = [
            [number, t.count, t.total, t.lowest, t.highest, t.last, list(t.last_at), t.flag, t.time]
            for number, t in self.totals.items()
        ]
        return cbor2.dumps([_FORM, rows])

    @staticmethod
    def totals_of(content: bytes) -> dict[int, Total]:
        form, rows = cbor2.loads(content)
        if form != _FORM:
            raise StoreError(f"a window has form {form}, known is {_FORM}; install the release that wrote it")
        return {
            number: Total(count, total, lowest, highest, last, tuple(last_at), flag, time)
            for number, count, total, lowest, highest, last, last_at, flag, time in rows
        }


def start_of(utc: float) -> int:
    """The start of the window in which `utc` (Unix seconds) lies."""
    return int(utc // SECONDS) * SECONDS
