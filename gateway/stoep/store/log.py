"""What one row of the log holds: the uplinks of one group commit, opened, with what was new in each."""

from dataclasses import dataclass
from typing import NamedTuple

import cbor2

from stoep.errors import StoreError
from stoep.store.squeeze import squeeze, whole
from stoep.wire.messages import Alarm, Lost, Place, Sample

FORM = 1


class Exchange(NamedTuple):
    """A node's tick and the gateway's monotonic time, µs, of the same instant."""

    epoch: int
    tick: int
    at: int


@dataclass(frozen=True)
class Entry:
    """What one uplink of one node brought. `at`: the gateway's monotonic time, µs, at which it came."""

    identity: int
    at: int
    epoch: int
    tick: int
    floor: Place
    anchor: Exchange | None = None
    samples: tuple[Sample, ...] = ()
    lost: tuple[Lost, ...] = ()
    found: tuple[Place, ...] = ()
    alarms: tuple[Alarm, ...] = ()


class Row(NamedTuple):
    """A row as it comes out: its id, the gateway's boot in which it was written, its entries."""

    id: int
    boot: int
    entries: list[Entry]


def pack(boot: int, entries: list[Entry]) -> bytes:
    """`found` and `alarms` have tables of their own, written in the same transaction."""
    content = cbor2.dumps(
        [
            FORM,
            boot,
            [
                [
                    e.identity,
                    e.at,
                    e.epoch,
                    e.tick,
                    list(e.floor),
                    None if e.anchor is None else list(e.anchor),
                    [[s.epoch, s.seq, s.layout, s.tick, *s.values] for s in e.samples],
                    [[lost.epoch, lost.first, lost.last, lost.cause] for lost in e.lost],
                ]
                for e in entries
            ],
        ]
    )
    return squeeze(content)


def unpack(row: int, batch: bytes) -> Row:
    form, boot, entries = cbor2.loads(whole(batch))
    if form != FORM:
        raise StoreError(f"row {row} of the log has form {form}, known is {FORM}; install the release that wrote it")
    return Row(
        row,
        boot,
        [
            Entry(
                identity,
                at,
                epoch,
                tick,
                Place(*floor),
                None if anchor is None else Exchange(*anchor),
                tuple(Sample(e, seq, layout, taken, tuple(values)) for e, seq, layout, taken, *values in samples),
                tuple(Lost(*item) for item in lost),
            )
            for identity, at, epoch, tick, floor, anchor, samples, lost in entries
        ],
    )
