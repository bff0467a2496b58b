"""One node's samples of 15 minutes, and what they come to.

A window keeps the samples themselves, by the time of taking: whatever is said about it is a function of what was taken,
not of the order in which it came, and can be said anew when a late sample, its neighbour or a calibration changes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple
from zlib import crc32

from stoep.store.air import AirIndex
from stoep.store.sample_set import SampleSet
from stoep.store.series import Series
from stoep.store.verdict import Flag, Reason, mark
from stoep.wire.channels import Channel

SECONDS = 900
_CHECKSUM = 0xFFFF


class TimeQuality(IntEnum):
    """How well the time of taking is known; the higher, the worse."""

    SYNCED = 0
    INTERPOLATED = 1
    ESTIMATED = 2

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(slots=True)
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
    reason: int = Reason.IN_RANGE
    rejected: int = 0  # readings that failed, and are in nothing of the above
    which: int = 0  # they were: a checksum of their epochs and seqs

    @property
    def mark(self) -> int:
        return mark(Flag(self.flag), Reason(self.reason), self.which)

    def reject(self, at: tuple[int, int, int], time: int) -> None:
        self.rejected += 1
        self.which = crc32(b"%d/%d" % at[1:], self.which) & _CHECKSUM or 1
        self.time = max(self.time, time)

    def add(self, counts: int, at: tuple[int, int, int], flag: int, time: int, reason: int = Reason.IN_RANGE) -> None:
        self.lowest = counts if self.count == 0 else min(self.lowest, counts)
        self.highest = counts if self.count == 0 else max(self.highest, counts)
        self.count += 1
        self.total += counts
        if at > self.last_at:
            self.last, self.last_at = counts, at
        if (flag, -reason) > (self.flag, -self.reason):
            self.flag, self.reason = flag, reason
        self.time = max(self.time, time)


FINER = 2  # places that a corrected reading has more than a raw one: a dust sensor says whole µg/m³


class Corrected(NamedTuple):
    """A channel's readings as a correction makes them, in counts of `FINER` places more; which one, in words."""

    version: int
    name: str
    total: Total


class Uncorrected(NamedTuple):
    """Why a correction that holds could not be applied."""

    reason: str


class Reading(NamedTuple):
    """One channel of one sample, in counts."""

    channel: Channel
    counts: int
    mark: int
    corrected: Corrected | Uncorrected | None = None


@dataclass(slots=True)
class Window:
    """`start` in Unix seconds; `revision` is the last one published, 0 before the first; `due`: not published as is.

    `before`: what a release that kept no samples had added up, by channel. `fresh`: the samples in it that no published
    revision has. `flags`: the marks (`verdict.py`) that the last published revision gave each channel.
    """

    kid: bytes
    start: int
    revision: int = 0
    due: bool = False
    partial: bool = False
    samples: Series = field(default_factory=Series)
    before: dict[int, Total] = field(default_factory=dict)
    fresh: SampleSet = field(default_factory=SampleSet)
    flags: dict[int, int] = field(default_factory=dict)

    @property
    def end(self) -> int:
        return self.start + SECONDS

    @property
    def last_at(self) -> tuple[int, int, int]:
        """Unix µs of taking, epoch and seq of its last sample; (-1, 0, 0) where there is none."""
        earlier = max((total.last_at for total in self.before.values()), default=(-1, 0, 0))
        return max((taken[:3] for taken in self.samples), default=earlier)


class Fill(NamedTuple):
    """How full a bin is.

    `robust`: the level in %, whatever single soundings say. `emptied`: Unix seconds, `sure`: how surely, 0 to 1.
    `full_in`: hours, as likely sooner as later, and between which two it is in four cases of five; of it and `reason`
    one is None.
    """

    robust: float | None = None
    emptied: int | None = None
    sure: float | None = None
    full_in: tuple[float, float, float] | None = None
    reason: str | None = None


class Summary(NamedTuple):
    """What a window came to when it was published; `air` of the hour it ends.

    `totals`, and what is `corrected`, by number of the channel. `expected`: samples that the node's interval makes one
    expect; None where it is longer than a window. `fill` is a bin's.
    """

    kid: bytes
    start: int
    revision: int
    partial: bool
    totals: Mapping[int, Total]
    air: AirIndex | None = None
    expected: int | None = None
    corrected: Mapping[int, Corrected | Uncorrected] = MappingProxyType({})
    fill: Fill | None = None

    @property
    def end(self) -> int:
        return self.start + SECONDS


def start_of(utc: float) -> int:
    """The start of the window in which `utc` (Unix seconds) lies."""
    return int(utc // SECONDS) * SECONDS
