"""What is inside a frame, as `wire.cddl` says, and nothing that it does not say.

CBOR is accepted in its shortest form only: what does not encode back to the same bytes is malformed. Readings stay
the integers of the wire here; `channels` says what they mean.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import cbor2

from stoep.errors import MalformedError, UnplacedError
from stoep.wire.channels import Catalogue
from stoep.wire.shape import U32, decode, integer, listed, rising

_I32 = 2**31
_EPOCH = 65535
_BYTE = 255
_INSTANCE = 4
_HEAD = 4  # instance, epoch, tick, floor
_USUAL = 6  # at least: instance, since, floor, layout, age, one value
_REPORT = _HEAD + 1

BACK, SAMPLES, RUNS, LOST, ALARMS, FLOOR, HEALTH, TRACE = 1, 2, 3, 4, 5, 6, 7, 8
_SENSORS = 8
_TRACE = 150  # bytes


class Place(NamedTuple):
    """Where in a node's life: the epoch, and the sample's number in it (0: before the first)."""

    epoch: int
    seq: int


class Origin(NamedTuple):
    """The exchange a usual report confirms and counts from: what the frame just before it said of itself."""

    epoch: int
    tick: int


@dataclass(frozen=True)
class Sample:
    """The readings one node took together, at `tick` of `epoch`; None where the sensor had nothing to say."""

    epoch: int
    seq: int
    layout: int
    tick: int
    values: tuple[int | None, ...]


@dataclass(frozen=True)
class Lost:
    """A range of samples the node gave up, both ends included."""

    epoch: int
    first: int
    last: int
    cause: int


@dataclass(frozen=True)
class Alarm:
    epoch: int
    number: int
    code: int
    tick: int
    raised: bool
    value: int | None
    trace: bytes | None = None  # what ended a wake: release, phase, the end of its traceback


class Health(NamedTuple):
    """What a node says of itself since its cold boot; `heap` in bytes, `ring` in percent, `failed` readings by sensor.

    `light` and `version` of the light (0: none) and of the settings it lives by; `refused`: of settings that it would
    not take or gave up last (0: none), for the setting `flaw` (0: nobody answered under them).
    """

    wakes: int
    watchdogs: int
    crashes: int
    sent: int
    unheard: int
    heap: int
    ring: int
    light: int
    version: int
    refused: int
    flaw: int
    failed: tuple[int, ...]


def _value(item: object) -> int | None:
    return None if item is None else integer(item, -_I32, _I32 - 1)


def _values(layout: int, items: list[object], catalogue: Catalogue) -> tuple[int | None, ...]:
    channels = catalogue.layouts.get(layout)
    if channels is None or len(items) != len(channels):
        raise MalformedError(f"layout {layout} with {len(items)} values is not in the catalogue")
    return tuple(_value(item) for item in items)


@dataclass(frozen=True)
class Uplink:
    """One report: what the node last heard, where it stands, and what it has to say."""

    instance: bytes
    epoch: int
    tick: int
    floor: Place
    back: int | None = None
    samples: tuple[Sample, ...] = ()
    lost: tuple[Lost, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    health: Health | None = None

    @classmethod
    def from_bytes(cls, plain: bytes, catalogue: Catalogue, before: Origin | None = None) -> "Uplink":
        """`before`: the exchange of the counter just before, if it is known; a usual report counts from it."""
        items = listed(decode(plain), _REPORT)
        instance = items[0]
        if type(instance) is not bytes or len(instance) != _INSTANCE:
            raise MalformedError("no instance of four bytes")
        parts = items[_HEAD]
        if isinstance(parts, dict) and len(items) == _REPORT:
            epoch = integer(items[1], 0, _EPOCH)
            tick = integer(items[2], 0, U32)
            return _Reader(epoch, tick, integer(items[3], 0, U32), catalogue).report(instance, parts)
        since = integer(listed(items, _USUAL)[1], 0, U32)
        if before is None:
            raise UnplacedError("the exchange it counts from is not known")
        reader = _Reader(before.epoch, integer(before.tick + since, 0, U32), integer(items[2], 1, U32), catalogue)
        return cls(instance, reader.epoch, reader.tick, reader.place(None), 1, (reader.sample([1, *items[3:]]),))

    def _is_usual(self) -> bool:
        """Whether the short form says it all."""
        if self.back != 1 or self.lost or self.alarms or self.floor.epoch != self.epoch:
            return False
        if self.health:
            return False
        return [(s.epoch, s.seq) for s in self.samples] == [(self.epoch, self.floor.seq + 1)]

    def to_bytes(self, before: Origin | None = None) -> bytes:
        """The usual form where it says it all and `before` is given, a report otherwise."""
        earlier = self.floor.epoch != self.epoch
        floor = 0 if earlier else self.floor.seq
        head = [self.instance, self.epoch, self.tick, floor]
        if before is not None and self._is_usual():
            (sample,) = self.samples
            since, age = self.tick - before.tick, self.tick - sample.tick
            return cbor2.dumps([self.instance, since, floor, sample.layout, age, *sample.values])
        runs: dict[int, list[Sample]] = {}
        for s in self.samples:
            if s.epoch != self.epoch:
                runs.setdefault(s.epoch, []).append(s)
        parts: dict[int, object] = {
            BACK: self.back,
            SAMPLES: _written([s for s in self.samples if s.epoch == self.epoch], floor, self.tick),
            RUNS: [[epoch, _written(past, 0, None)] for epoch, past in runs.items()],
            LOST: [[lost.epoch, lost.first, lost.last, lost.cause] for lost in self.lost],
            ALARMS: [[a.epoch, a.number, a.code, a.tick, int(a.raised), a.value] for a in self.alarms],
            FLOOR: list(self.floor) if earlier else None,
            HEALTH: [*self.health[:-1], *self.health.failed] if self.health else None,
            TRACE: self.alarms[-1].trace if self.alarms else None,
        }
        return cbor2.dumps([*head, {key: part for key, part in parts.items() if part}])


def _written(samples: list[Sample], floor: int, now: int | None) -> list[list[int | None]]:
    """Numbers from `floor` and ages at the tick `now`; both absolute where `now` is None."""
    parts: list[list[int | None]] = []
    for before, s in zip([None, *samples], samples, strict=False):
        if before and (s.seq, s.layout) == (before.seq + 1, before.layout) and s.tick > before.tick:
            parts.append([before.tick - s.tick, *s.values])
        else:
            parts.append([s.seq - floor, s.layout, s.tick if now is None else now - s.tick, *s.values])
    return parts


def _health(part: object) -> Health:
    fixed = len(Health._fields) - 1
    numbers = [integer(item, 0, U32) for item in listed(part, fixed + _SENSORS, fixed + _SENSORS)]
    wakes, watchdogs, crashes, sent, unheard, heap, ring, light, version, refused, flaw = numbers[:fixed]
    failed = tuple(numbers[fixed:])
    return Health(wakes, watchdogs, crashes, sent, unheard, heap, ring, light, version, refused, flaw, failed)


def _trace(part: object) -> bytes:
    if type(part) is not bytes or not 1 <= len(part) <= _TRACE:
        raise MalformedError(f"a traceback is 1 to {_TRACE} bytes")
    return part


class _Reader:
    """Reads the parts of one uplink relative to its head."""

    def __init__(self, epoch: int, tick: int, floor: int, catalogue: Catalogue) -> None:
        self.epoch = epoch
        self.tick = tick
        self.floor = floor
        self.catalogue = catalogue

    def report(self, instance: bytes, parts: dict[object, object]) -> Uplink:
        back = None
        samples: list[Sample] = []
        lost: list[Lost] = []
        alarms: list[Alarm] = []
        place = health = None
        rising(parts)
        for key, part in parts.items():
            if key == BACK:
                back = integer(part, 1, U32)
            elif key == SAMPLES:
                samples += self.samples(listed(part), self.sample)
            elif key == RUNS:
                samples += [sample for item in listed(part) for sample in self.run(listed(item, 2, 2))]
            elif key == LOST:
                lost = [self.lost(listed(item, 4, 4)) for item in listed(part)]
            elif key == ALARMS:
                alarms = [self.alarm(listed(item, 6, 6)) for item in listed(part)]
            elif key == FLOOR:
                place = self.earlier(listed(part, 2, 2))
            elif key == HEALTH:
                health = _health(part)
            elif key == TRACE:
                if not alarms:
                    raise MalformedError("a traceback belongs to an alarm")
                alarms[-1] = replace(alarms[-1], trace=_trace(part))
            else:
                raise MalformedError(f"part {key} is unknown")
        place = self.place(place)
        rest = tuple(samples), tuple(lost), tuple(alarms)
        return Uplink(instance, self.epoch, self.tick, place, back, *rest, health)

    def place(self, earlier: Place | None) -> Place:
        if (self.floor == 0) != (earlier is not None):
            raise MalformedError("the head's floor is 0 when, and only when, the floor is in an earlier epoch")
        return earlier or Place(self.epoch, self.floor)

    def earlier(self, items: list[object]) -> Place:
        return Place(self._past_epoch(items[0]), integer(items[1], 1, U32))

    def _past_epoch(self, value: object) -> int:
        return integer(value, 0, self.epoch - 1)

    def sample(self, items: list[object]) -> Sample:
        seq = integer(self.floor + integer(items[0], 0, U32), 1, U32)
        layout = integer(items[1], 1, _BYTE)
        age = integer(items[2], 0, self.tick)
        return Sample(self.epoch, seq, layout, self.tick - age, _values(layout, items[3:], self.catalogue))

    def samples(self, parts: list[object], whole: Callable[[list[object]], Sample]) -> list[Sample]:
        """Each one either whole, or begun by a negative number: so many ticks after the one before it."""
        samples: list[Sample] = []
        for part in parts:
            items = listed(part, 2)
            if samples and type(items[0]) is int and items[0] < 0:
                samples.append(self._next(samples[-1], items))
            else:
                samples.append(whole(listed(items, 4)))
        return samples

    def _next(self, before: Sample, items: list[object]) -> Sample:
        tick = before.tick - integer(items[0], -U32, -1)
        highest = self.tick if before.epoch == self.epoch else U32
        values = _values(before.layout, items[1:], self.catalogue)
        seq = integer(before.seq + 1, 1, U32)
        return Sample(before.epoch, seq, before.layout, integer(tick, 0, highest), values)

    def run(self, items: list[object]) -> list[Sample]:
        epoch = self._past_epoch(items[0])
        return self.samples(listed(items[1]), lambda whole: self._past(epoch, whole))

    def _past(self, epoch: int, items: list[object]) -> Sample:
        seq = integer(items[0], 1, U32)
        layout = integer(items[1], 1, _BYTE)
        return Sample(epoch, seq, layout, integer(items[2], 0, U32), _values(layout, items[3:], self.catalogue))

    def lost(self, items: list[object]) -> Lost:
        epoch = integer(items[0], 0, self.epoch)
        first = integer(items[1], 1, U32)
        return Lost(epoch, first, integer(items[2], first, U32), integer(items[3], 1, _BYTE))

    def alarm(self, items: list[object]) -> Alarm:
        epoch = integer(items[0], 0, self.epoch)
        number = integer(items[1], 0, U32)
        code = integer(items[2], 1, _BYTE)
        if code not in self.catalogue.alarms:
            raise MalformedError(f"alarm {code} is not in the catalogue")
        tick = integer(items[3], 0, U32)
        return Alarm(epoch, number, code, tick, integer(items[4], 0, 1) == 1, _value(items[5]))
