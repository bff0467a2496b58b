"""Spelling a report: what `wire/wire.cddl` calls `uplink`, out of records as they stand in the ring."""

from micropython import const

from node import cbor
from node.generated.spelling import LENGTHS

_RUN = const(6)  # what another epoch adds at most
_HEARD = const(1)
_SAMPLES = const(2)
_RUNS = const(3)
_LOST = const(4)
_ALARMS = const(5)
_FLOOR = const(6)
_HEALTH = const(7)
_TRACE = const(8)


class Report:
    """What one uplink says.

    `floor` is (epoch, seq); an answer was heard `back` counters ago (0: never), to a frame made `since` ticks ago.
    """

    def __init__(self, instance, epoch, tick, floor, back, since):
        self.instance = instance
        self.epoch = epoch
        self.tick = tick
        self.floor = floor
        self.back = back
        self.since = since
        self.samples = []  # records of this epoch
        self.past = []  # records of earlier epochs
        self.lost = []
        self.alarms = []
        self.health = None  # the numbers of wire.cddl
        self.trace = None  # bytes

    def add(self, record):
        (self.samples if record.epoch == self.epoch else self.past).append(record)

    def cost(self, record):
        """The bytes that adding this sample takes, at most."""
        fields = self.samples if record.epoch == self.epoch else self.past
        if fields and _follows(record, fields[-1]):
            return cbor.size(record.tick - fields[-1].tick) + len(record.payload)
        when = self.tick - record.tick if record.epoch == self.epoch else record.tick
        new_run = 0 if record.epoch == self.epoch or (fields and fields[-1].epoch == record.epoch) else _RUN
        return new_run + 1 + cbor.size(record.number) + cbor.size(when) + len(record.payload)

    def is_usual(self):
        """Whether the short form says it all."""
        if self.past or self.lost or self.alarms or self.health or self.trace:
            return False
        if self.back != 1 or len(self.samples) != 1 or self.floor[0] != self.epoch:
            return False
        return self.samples[0].number == self.floor[1] + 1

    def encode(self):
        """The plaintext."""
        out = bytearray()
        if self.is_usual():
            record = self.samples[0]
            cbor.head(out, 4, 2 + _items(record))
            for thing in (self.instance, self.since, self.floor[1], record.payload[0], self.tick - record.tick):
                cbor.write(out, thing)
            out.extend(record.payload[1:])
            return out
        base = self.floor[1] if self.floor[0] == self.epoch else 0
        cbor.head(out, 4, 5)
        for thing in (self.instance, self.epoch, self.tick, base):
            cbor.write(out, thing)
        self._blocks(out, base)
        return out

    def _blocks(self, out, base):
        older = self.floor[0] != self.epoch
        blocks = (self.back, self.samples, self.past, self.lost, self.alarms, older, self.health, self.trace)
        cbor.head(out, 5, sum([1 for block in blocks if block]))
        if self.back:
            cbor.write(out, _HEARD)
            cbor.write(out, self.back)
        if self.samples:
            cbor.write(out, _SAMPLES)
            _write_samples(out, self.samples, base, self.tick)
        if self.past:
            cbor.write(out, _RUNS)
            _write_runs(out, self.past)
        if self.lost:
            cbor.write(out, _LOST)
            cbor.write(out, self.lost)
        if self.alarms:
            cbor.write(out, _ALARMS)
            cbor.head(out, 4, len(self.alarms))
            for alarm in self.alarms:
                cbor.head(out, 4, 6)
                for number in (alarm.epoch, alarm.number, alarm.payload[0], alarm.tick):
                    cbor.write(out, number)
                out.extend(alarm.payload[1:])
        if older:
            cbor.write(out, _FLOOR)
            cbor.write(out, self.floor)
        if self.health:
            cbor.write(out, _HEALTH)
            cbor.write(out, self.health)
        if self.trace:
            cbor.write(out, _TRACE)
            cbor.write(out, self.trace)


def _items(record):
    return 3 + LENGTHS[record.payload[0]]


def _follows(record, before):
    # Whether the short form can say it: the next number, the same layout, a later second.
    if record.epoch != before.epoch or record.number != before.number + 1 or record.tick <= before.tick:
        return False
    return record.payload[0] == before.payload[0]


def _write_samples(out, records, base, now):
    # Numbers from `base`, ages at the tick `now`; with base 0 and now None both are absolute.
    cbor.head(out, 4, len(records))
    before = None
    for record in records:
        if before and _follows(record, before):
            cbor.head(out, 4, _items(record) - 2)
            cbor.write(out, before.tick - record.tick)
        else:
            cbor.head(out, 4, _items(record))
            cbor.write(out, record.number - base)
            cbor.write(out, record.payload[0])
            cbor.write(out, record.tick if now is None else now - record.tick)
        out.extend(record.payload[1:])
        before = record


def _write_runs(out, past):
    epochs = sorted({record.epoch for record in past})
    cbor.head(out, 4, len(epochs))
    for epoch in epochs:
        cbor.head(out, 4, 2)
        cbor.write(out, epoch)
        _write_samples(out, [record for record in past if record.epoch == epoch], 0, None)
