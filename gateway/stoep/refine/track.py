"""What refining knows of one identity: where it stands, when its samples were taken, which of them are counted.

A sample is counted exactly once: its position joins `counted` in the same transaction as the window it went into.
"""

from dataclasses import dataclass

import cbor2

from stoep.errors import StoreError
from stoep.refine.timeline import PATIENCE, Anchor, Dated, Moment, Receipt, Timeline
from stoep.store.log import Entry
from stoep.store.nodes import Identity
from stoep.store.position import KEPT_EPOCHS, Position
from stoep.store.ranges import Ranges
from stoep.wire.messages import Sample

_FORM = 1


@dataclass(frozen=True)
class Pending:
    """A sample whose window is not known yet; `row` of the log must stay until it is."""

    row: int
    boot: int
    entry: Entry
    sample: Sample


class Track:
    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.position = Position()
        self.timeline = Timeline()
        self.counted: dict[int, Ranges] = {}
        self.pending: dict[tuple[int, int], Pending] = {}
        self.changed = False  # since the last checkpoint
        self.news = False  # something came that may settle a pending sample
        self.next_estimate = 0.0  # Unix seconds at which the oldest pending sample has waited long enough
        if identity.state is not None:
            form, position, timeline, counted = cbor2.loads(identity.state)
            if form != _FORM:
                raise StoreError(f"a node's state has form {form}, known is {_FORM}; install the release that wrote it")
            self.position = Position.unpack(position)
            self.timeline = Timeline.unpack(timeline)
            self.counted = {epoch: Ranges(ranges) for epoch, ranges in counted.items()}

    def state(self) -> bytes:
        counted = {epoch: list(ranges) for epoch, ranges in self.counted.items()}
        return cbor2.dumps([_FORM, self.position.pack(), self.timeline.pack(), counted])

    def read(self, row: int, boot: int, entry: Entry) -> int:
        """Takes an entry off the log; how many of its samples are now pending. Reading one twice changes nothing."""
        self.changed = self.news = True
        self.position.commit(entry.floor, entry.samples, entry.lost)
        if entry.anchor is not None:
            self.timeline.add(entry.anchor.epoch, Anchor(entry.anchor.tick, boot, entry.anchor.at))
        count = 0
        for sample in entry.samples:
            self.timeline.seen(sample.epoch, sample.tick)
            key = (sample.epoch, sample.seq)
            if key not in self.pending and sample.seq not in self.counted.get(sample.epoch, ()):
                self.pending[key] = Pending(row, boot, entry, sample)
                count += 1
        return count

    def ripe(self, now: float) -> bool:
        """Whether a sample that waits may be dated by now."""
        if not self.pending:
            return False
        return self.news or not 0 < self.next_estimate - now <= PATIENCE  # beyond it: the clock was set back

    def date(self, pending: Pending, now: float, received: float, dated: Dated) -> Moment | None:
        """When the sample was taken; None while waiting is better. `received` and `now` in Unix seconds."""
        sample, entry = pending.sample, pending.entry
        moment = self.timeline.resolve(sample.epoch, sample.tick, dated)
        if moment is None and not received - PATIENCE <= now < received + PATIENCE:  # before it: set back meanwhile
            receipt = Receipt(received, entry.epoch, entry.tick)
            return self.timeline.estimate(sample.epoch, sample.tick, receipt, dated)
        return moment

    def settle(self, pending: Pending) -> None:
        """The sample is in its window now, or given up: it will not be counted again."""
        sample = pending.sample
        del self.pending[sample.epoch, sample.seq]
        self.counted.setdefault(sample.epoch, Ranges()).add(sample.seq, sample.seq)
        self.changed = True
        for old in [epoch for epoch in self.counted if epoch < sample.epoch - 2 * KEPT_EPOCHS]:
            del self.counted[old]
