"""The raw ring: samples and alarms on flash before anything else happens to them. How they lie there: `node/held.py`.

What `append` returned for is never touched again until its sector must be given up. When a new one is begun another
must go: the oldest, if the gateway has all of it; else the ring thins. Its newer half stays whole; of the older half
goes, oldest first, the sector whose serial is odd, then the one halved once, and so on: what stays is spread evenly
over the time before, the more thinly the longer nobody came.
"""

import struct

from micropython import const

from node import flash
from node.held import ALARM, HEADER, MAGIC, Held

_HEAD = const(12)  # of a record
_BLANK = const(0xFF)
_SPARE = const(2)  # sectors
_CARRIED = const(40)  # alarms of one sector, at most: whoever has more has lost count long ago


def _room(kind, payload):
    # Head, payload and CRC in whole words; an alarm's mark is one more.
    return ((_HEAD + len(payload) + 4 + 3) & ~3) + (4 if kind == ALARM else 0)


class Ring(Held):
    """What is held, and what is added to it.

    `durable()` is the (epoch, seq) up to which the gateway has everything. `given_up(epoch, first, last)` is called,
    and must have put its record on flash, before samples beyond that are erased.
    """

    def __init__(self, device, first, durable, given_up):
        Held.__init__(self, device, first)
        self._durable = durable
        self._given_up = given_up
        self._serial = 0  # of the last sector in use, which is written to
        self._end = flash.SECTOR
        if self._order:
            self._find_end(self._order[-1])
            self._make_room()

    def _find_end(self, head):
        self._serial = self._serial_of(head)
        end = HEADER
        for _, after in self._walk(head):
            end = after
        if flash.is_blank(self._device, head, end):
            self._end = end

    def append(self, kind, epoch, number, tick, payload):
        """Put a record on flash; it is there when this returns. The position it got: (sector, offset)."""
        if self._end + _room(kind, payload) > flash.SECTOR:
            self._open_next()
            self._make_room()
        return self._write(kind, epoch, number, tick, payload)

    def _write(self, kind, epoch, number, tick, payload):
        record = bytearray(struct.pack("<BBHII", kind, len(payload), epoch, number, tick))
        record.extend(payload)
        record.extend(struct.pack("<I", flash.crc32(record)))
        while len(record) % 4:
            record.append(_BLANK)
        room = _room(kind, payload)
        if self._end + room > flash.SECTOR:
            self._open_next()
        at = self._end
        self._device.writeblocks(self._order[-1], record, at)
        self._end = at + room
        return self._order[-1], at

    def _open_next(self):
        target = self._unused()
        flash.erase(self._device, target)  # blank already, unless its erase was cut short
        self._serial += 1
        head = struct.pack("<4sI", MAGIC, self._serial)
        self._device.writeblocks(target, bytearray(head + struct.pack("<I", flash.crc32(head))), 0)
        self._order.append(target)
        self._end = HEADER

    def _unused(self):
        # The next one that is not in use, round and round: each wears like the others.
        sector = self._order[-1] if self._order else self._first - 1
        while True:
            sector += 1
            if sector == self._first + self._sectors:
                sector = self._first
            if sector not in self._order:
                return sector

    def _make_room(self):
        # Two blank ones: a victim's alarms are carried over before its erase, and a cut may have spoiled the head.
        while self._sectors - len(self._order) < _SPARE:
            victim = self._victim()
            here = []
            for sector in self._order[-2:]:
                here += [(record.epoch, record.number) for record, _ in self._walk(sector) if record.kind == ALARM]
            for alarm in self._give_up(victim):
                if (alarm.epoch, alarm.number) not in here:
                    self._write(ALARM, alarm.epoch, alarm.number, alarm.tick, alarm.payload)
            self._order.remove(victim)
            flash.erase(self._device, victim)

    def _victim(self):
        chosen = self._order[0]
        if self._last_sample(chosen) <= self._durable():
            return chosen
        least = 0
        for sector in self._order[: len(self._order) // 2]:
            serial = self._serial_of(sector)
            halved = serial & -serial
            if not least or halved < least:
                least, chosen = halved, sector
        return chosen

    def _give_up(self, sector):
        # Name the samples that go and are nowhere else, in runs; alarms nobody has yet are carried over.
        carried = []
        run = None
        durable = self._durable()
        for record, _ in self._walk(sector):
            if record.kind == ALARM:
                if self._is_open(record):
                    carried.append(record)
            elif (record.epoch, record.number) <= durable:
                continue
            elif run and run[0] == record.epoch and run[2] + 1 == record.number:
                run[2] = record.number
            else:
                if run:
                    self._given_up(*run)
                run = [record.epoch, record.number, record.number]
        if run:
            self._given_up(*run)
        return carried[-_CARRIED:]
