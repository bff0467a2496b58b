"""What one row of the log holds: the uplinks of one group commit, opened, with what was new in each."""

from dataclasses import dataclass
from typing import Any, NamedTuple

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
    return squeeze(cbor2.dumps([FORM, boot, [_listed(entry) for entry in entries]]))


def unpack(row: int, batch: bytes) -> Row:
    boot, entries = _opened(row, batch)
    return Row(row, boot, [_entry(*entry) for entry in entries])


def split(row: int, batch: bytes) -> tuple[int, list[tuple[int, bytes]]]:
    """The boot, and (identity, entry) with each entry packed by itself: many of them take a tenth of the memory so."""
    boot, entries = _opened(row, batch)
    return boot, [(entry[0], cbor2.dumps(entry)) for entry in entries]


def unpack_entry(packed: bytes) -> Entry:
    """One that `split` gave."""
    return _entry(*cbor2.loads(packed))


def _opened(row: int, batch: bytes) -> tuple[int, list[list[Any]]]:
    form, boot, entries = cbor2.loads(whole(batch))
    if form != FORM:
        raise StoreError(f"row {row} of the log has form {form}, known is {FORM}; install the release that wrote it")
    return boot, entries


def _listed(entry: Entry) -> list[Any]:
    return [
        entry.identity,
        entry.at,
        entry.epoch,
        entry.tick,
        list(entry.floor),
        None if entry.anchor is None else list(entry.anchor),
        [[s.epoch, s.seq, s.layout, s.tick, *s.values] for s in entry.samples],
        [[lost.epoch, lost.first, lost.last, lost.cause] for lost in entry.lost],
    ]


def _entry(
    identity: int,
    at: int,
    epoch: int,
    tick: int,
    floor: list[int],
    anchor: list[int] | None,
    samples: list[list[Any]],
    lost: list[list[int]],
) -> Entry:
    return Entry(
        identity,
        at,
        epoch,
        tick,
        Place(*floor),
        None if anchor is None else Exchange(*anchor),
        tuple(Sample(e, seq, layout, taken, tuple(values)) for e, seq, layout, taken, *values in samples),
        tuple(Lost(*item) for item in lost),
    )
