"""The raw ring: samples and alarms on flash before anything else happens to them.

    sector  magic "RING" · serial u32, rising by one from sector to sector · CRC-32 of both
    record  kind u8 · length u8 · epoch u16 · number u32 · tick u32 · payload · CRC-32 of all that, padded to 4
            an alarm is followed by one word more, cleared in place when the gateway has it

A record is one program. A torn record can only be the last one; what follows it in its sector stays unused,
and what `append` returned for is never touched again until its sector must be given up.

Sectors stand in the order of their serials, wherever they lie. When a new one is begun another must go: the
oldest, if the gateway has all of it; else the ring thins. Its newer half stays whole; of the older half goes, oldest
first, the sector whose serial is odd, then the one halved once, and so on: what stays is spread evenly over the time
before, the more thinly the longer nobody came.
"""

import struct

from micropython import const

from node import flash

SAMPLE = const(0x53)
ALARM = const(0x41)

_MAGIC = b"RING"
_HEADER = const(12)
_HEAD = const(12)  # of a record
_LONGEST = const(200)
_WHOLE = const(216)  # head, the longest payload, CRC
_BLANK = const(0xFF)
_OPEN = b"\xff\xff\xff\xff"
_DONE = b"\x00\x00\x00\x00"
_SPARE = const(2)  # sectors
_CARRIED = const(40)  # alarms of one sector, at most: whoever has more has lost count long ago


class Record:
    """One record: `epoch`, `number` (a sample's seq), `tick`, `payload`, and where it stands."""

    def __init__(self, kind, epoch, number, tick, payload, sector=0, at=0):
        self.kind = kind
        self.epoch = epoch
        self.number = number
        self.tick = tick
        self.payload = payload
        self.sector = sector
        self.at = at


def _room(kind, payload):
    # Head, payload and CRC in whole words; an alarm's mark is one more.
    return ((_HEAD + len(payload) + 4 + 3) & ~3) + (4 if kind == ALARM else 0)


class Ring:
    """All sectors of `device` from `first` on.

    `durable()` is the (epoch, seq) up to which the gateway has everything. `given_up(epoch, first, last)` is called,
    and must have put its record on flash, before samples beyond that are erased.
    """

    def __init__(self, device, first, durable, given_up):
        self._device = device
        self._first = first
        self._sectors = flash.sectors(device) - first
        self._durable = durable
        self._given_up = given_up
        self._buffer = bytearray(_WHOLE)  # one record at a time: a whole sector is a twelfth of the board's heap
        self._order: list[int] = []  # sectors in use, oldest first
        self._serial = 0  # of the last of them, which is written to
        self._end = flash.SECTOR
        self.damaged = 0  # records whose CRC is wrong, seen since the ring was opened
        self._locate()

    def _serial_of(self, sector):
        head = bytearray(_HEADER)
        self._device.readblocks(sector, head, 0)
        magic, serial, crc = struct.unpack("<4sII", head)
        return serial if magic == _MAGIC and crc == flash.crc32(head[:8]) else 0

    def _locate(self):
        found = []
        for sector in range(self._first, self._first + self._sectors):
            serial = self._serial_of(sector)
            if serial:
                found.append((serial, sector))
        if not found:
            return
        found.sort()
        self._order = [sector for _, sector in found]
        self._serial, head = found[-1]
        end = _HEADER
        for _, after in self._walk(head):
            end = after
        if flash.is_blank(self._device, head, end):
            self._end = end
        self._make_room()

    def _walk(self, sector):
        # (record, offset behind it) for each whole record of the sector; a damaged one is passed over.
        data = self._buffer  # whoever takes a record may walk elsewhere before asking for the next
        view = memoryview(data)
        at = _HEADER
        while at + _HEAD + 4 <= flash.SECTOR:
            self._device.readblocks(sector, view[: min(_WHOLE, flash.SECTOR - at)], at)
            kind = data[0]
            end = _HEAD + data[1]
            if kind not in (SAMPLE, ALARM) or data[1] > _LONGEST or at + end + 4 > flash.SECTOR:
                return
            after = (at + end + 4 + 3) & ~3
            if kind == ALARM:
                after += 4
            if struct.unpack_from("<I", data, end)[0] == flash.crc32(view[:end]):
                epoch, number, tick = struct.unpack_from("<HII", data, 2)
                record = Record(kind, epoch, number, tick, bytes(view[_HEAD:end]), sector, at)
                yield record, after
            else:
                self.damaged += 1
            at = after

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
        head = struct.pack("<4sI", _MAGIC, self._serial)
        self._device.writeblocks(target, bytearray(head + struct.pack("<I", flash.crc32(head))), 0)
        self._order.append(target)
        self._end = _HEADER

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

    def _last_sample(self, sector):
        last = (0, 0)
        for record, _ in self._walk(sector):
            if record.kind == SAMPLE:
                last = (record.epoch, record.number)
        return last

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

    def samples(self, epoch, seq):
        """The samples held beyond (epoch, seq), oldest first."""
        for sector in self._order[self._start(epoch, seq) :]:
            for record, _ in self._walk(sector):
                if record.kind == SAMPLE and (record.epoch, record.number) > (epoch, seq):
                    yield record

    def use(self, epoch, seq):
        """How much of the ring holds samples beyond (epoch, seq), in percent."""
        return (len(self._order) - self._start(epoch, seq)) * 100 // self._sectors

    def _start(self, epoch, seq):
        # Where the last sector stands in the order that begins at or before the position.
        at = len(self._order)
        while at:
            at -= 1
            first = self._first_sample(self._order[at])
            if first is not None and first <= (epoch, seq):
                break
        return at

    def _first_sample(self, sector):
        head = bytearray(_HEAD)
        self._device.readblocks(sector, head, _HEADER)
        kind, _, epoch, number = struct.unpack_from("<BBHI", head, 0)
        return (epoch, number) if kind == SAMPLE else None

    def last(self):
        """(epoch, seq) of the newest sample held, or (0, 0)."""
        for sector in reversed(self._order):
            newest = self._last_sample(sector)
            if newest != (0, 0):
                return newest
        return (0, 0)

    def alarms(self):
        """Every alarm that no gateway has acknowledged, oldest first. Reads the whole ring: for cold boots."""
        for sector in self._order:
            for record, _ in self._walk(sector):
                if record.kind == ALARM and self._is_open(record):
                    yield record

    def alarm(self, sector, at):
        """The alarm at this position, or None when it is not there or acknowledged."""
        for record, _ in self._walk(sector):
            if record.at == at and record.kind == ALARM and self._is_open(record):
                return record
        return None

    def close_alarm(self, record):
        """Mark the alarm as acknowledged, in place: clearing bits needs no erase."""
        self._device.writeblocks(record.sector, bytearray(_DONE), self._mark(record))

    def _mark(self, record):
        return (record.at + _HEAD + len(record.payload) + 4 + 3) & ~3

    def _is_open(self, record):
        word = bytearray(4)
        self._device.readblocks(record.sector, word, self._mark(record))
        return word == _OPEN
