"""Where the gateway stands with one node: what it is owed, has received, has on disk.

The same rules serve three times: on each uplink as it comes in, on each row of the log when the state is rebuilt, and
as the checkpoint. Applying something twice changes nothing.

Everything below the floor is settled: received, declared lost by the node, or a hole the gateway declares itself. What
was given up and comes after all is a reading like any other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stoep.store.ranges import Ranges
from stoep.wire.messages import Lost, Place, Sample, Uplink
from stoep.wire.shape import U32

UNDECLARED = 0
KEPT_EPOCHS = 64  # how far back positions are remembered; what is older counts as received
MOST_RANGES = 4096  # of one epoch: a node that leaves more gaps than this has to wait for the older ones

Span = tuple[int, int, int]  # epoch, first, last


@dataclass(frozen=True)
class Taken:
    """What of an uplink was new, and what was already there."""

    samples: tuple[Sample, ...]
    lost: tuple[Lost, ...]
    found: tuple[Place, ...]  # samples that had been given up before
    duplicates: int


class Position:
    """One node's history. `known`: received or given up; `stored`: that of it which is on disk."""

    def __init__(self) -> None:
        self.floor: Place | None = None
        self._epoch = 0  # all epochs before it are settled
        self._looked = False  # for holes below the floor that a damaged store left
        self._known: dict[int, Ranges] = {}
        self._stored: dict[int, Ranges] = {}
        self._holes: dict[int, Ranges] = {}
        self._declared: dict[int, Ranges] = {}

    def meet(self, uplink: Uplink) -> None:
        """Nothing of it is taken; but of a node never met before, it is known now what it owes."""
        self._meet(uplink.floor)

    def receive(self, uplink: Uplink) -> Taken:
        """Takes what is new; nothing of it is on disk yet."""
        self._meet(uplink.floor)
        lost = [new for lost in uplink.lost for new in self._give_up(lost)]
        samples = []
        found = []
        for sample in uplink.samples:
            if not self._take(sample):
                continue
            samples.append(sample)
            if self._recover(sample):
                found.append(Place(sample.epoch, sample.seq))
        lost += self._raise(uplink.floor)
        return Taken(tuple(samples), tuple(lost), tuple(found), len(uplink.samples) - len(samples))

    def commit(self, floor: Place, samples: Iterable[Sample], lost: Iterable[Lost]) -> None:
        """These are on disk now; also what rebuilds the state from the log."""
        self._meet(floor)
        for gone in lost:
            self._give_up(gone)
            self._of(self._stored, gone.epoch).add(gone.first, gone.last)
        for sample in samples:
            if self._take(sample):
                self._recover(sample)
            self._of(self._stored, sample.epoch).add(sample.seq, sample.seq)
        assert self.floor is not None
        self.floor = max(self.floor, floor)
        self._settle()

    def durable(self) -> Place:
        """Everything from the floor's beginning up to here is on disk."""
        assert self.floor is not None
        for epoch in self._unsettled(self.floor.epoch):
            return Place(epoch, self._stored_to(epoch))
        return Place(self.floor.epoch, self._stored_to(self.floor.epoch))

    def beyond(self) -> list[Span]:
        """What is known beyond `durable`, oldest first."""
        durable = self.durable()
        spans = [(durable.epoch, a, b) for a, b in self._of(self._known, durable.epoch).within(durable.seq + 1, U32)]
        for epoch in sorted(self._known):
            if epoch > durable.epoch:
                spans += [(epoch, a, b) for a, b in self._known[epoch]]
        return spans

    def held(self) -> int:
        """How many samples the node still holds, as far as we know."""
        if self.floor is None:
            return 0
        count = 0
        for epoch, known in self._known.items():
            if epoch >= self.floor.epoch:
                first = self.floor.seq if epoch == self.floor.epoch else 1
                count += sum(b - a + 1 for a, b in known.within(first, U32))
        return count

    def known(self) -> Mapping[int, Ranges]:
        """By epoch what was received or given up; to be read, not changed."""
        return self._known

    def pack(self) -> list[Any]:
        """For the checkpoint: CBOR-able, of a position whose every range is on disk."""
        parts = (self._known, self._holes, self._declared)
        return [self.floor, self._epoch, *({e: list(r) for e, r in part.items() if r} for part in parts)]

    @classmethod
    def unpack(cls, packed: list[Any]) -> "Position":
        position = cls()
        floor, position._epoch, known, holes, declared = packed
        position.floor = Place(*floor) if floor is not None else None
        position._known = {epoch: Ranges(ranges) for epoch, ranges in known.items()}
        position._stored = {epoch: ranges.copy() for epoch, ranges in position._known.items()}
        position._holes = {epoch: Ranges(ranges) for epoch, ranges in holes.items()}
        position._declared = {epoch: Ranges(ranges) for epoch, ranges in declared.items()}
        return position

    @staticmethod
    def _of(part: dict[int, Ranges], epoch: int) -> Ranges:
        return part.setdefault(epoch, Ranges())

    def _stored_to(self, epoch: int) -> int:
        return self._of(self._stored, epoch).end_from(1)

    def _unsettled(self, before: int) -> list[int]:
        epochs = sorted(epoch for epoch in self._known if self._epoch <= epoch < before)
        return [epoch for epoch in epochs if self._known[epoch] != self._of(self._stored, epoch)]

    def _meet(self, floor: Place) -> None:
        """At the first contact nothing below the floor is owed: it went to a gateway before us."""
        if self.floor is None:
            self.floor = floor
            self._epoch = floor.epoch
            if floor.seq > 1:
                self._of(self._known, floor.epoch).add(1, floor.seq - 1)
                self._of(self._stored, floor.epoch).add(1, floor.seq - 1)

    def _take(self, sample: Sample) -> bool:
        if sample.epoch < self._epoch - KEPT_EPOCHS:
            return False
        known = self._of(self._known, sample.epoch)
        if sample.seq in known:
            return self._given_up(sample)
        if len(known) >= MOST_RANGES and sample.seq > known.last() + 1:
            return False
        known.add(sample.seq, sample.seq)
        return True

    def _given_up(self, sample: Sample) -> bool:
        return any(sample.seq in part.get(sample.epoch, ()) for part in (self._holes, self._declared))

    def _recover(self, sample: Sample) -> bool:
        if not self._given_up(sample):
            return False
        for part in (self._holes, self._declared):
            self._of(part, sample.epoch).remove(sample.seq, sample.seq)
        return True

    def _give_up(self, lost: Lost) -> list[Lost]:
        """What of `lost` is new: not held, not declared before. A hole that gets a cause is new."""
        if lost.epoch < self._epoch - KEPT_EPOCHS:
            return []
        known = self._of(self._known, lost.epoch)
        holes = self._of(self._holes, lost.epoch)
        new = known.missing(lost.first, lost.last)
        if lost.cause != UNDECLARED:
            new += holes.within(lost.first, lost.last)
            holes.remove(lost.first, lost.last)
        part = self._holes if lost.cause == UNDECLARED else self._declared
        for first, last in new:
            known.add(first, last)
            self._of(part, lost.epoch).add(first, last)
        return [Lost(lost.epoch, first, last, lost.cause) for first, last in new]

    def _raise(self, floor: Place) -> list[Lost]:
        """The node holds nothing below `floor` any more: what we do not know of is a hole."""
        assert self.floor is not None
        if floor <= self.floor and self._looked:
            return []
        floor = max(floor, self.floor)
        first = self.floor.epoch if self._looked else 0
        self._looked = True
        owed = [(epoch, known.last()) for epoch, known in self._known.items() if first <= epoch < floor.epoch]
        owed.append((floor.epoch, floor.seq - 1))
        self.floor = floor
        holes: list[Lost] = []
        for epoch, last in sorted(owed):
            holes += self._give_up(Lost(epoch, 1, last, UNDECLARED))
        self._settle()
        return holes

    def _settle(self) -> None:
        """Steps over epochs that are wholly on disk and forgets those long past."""
        assert self.floor is not None
        unsettled = self._unsettled(self.floor.epoch)
        self._epoch = unsettled[0] if unsettled else max(self._epoch, self.floor.epoch)
        oldest = self._epoch - KEPT_EPOCHS
        for part in (self._known, self._stored, self._holes, self._declared):
            for epoch in [epoch for epoch in part if epoch < oldest]:
                del part[epoch]
