"""What the raw ring holds, as it lies in flash: read, and marked as told. What is added to it is `node/ring.py`'s.

    sector  magic "RING" · serial u32, rising by one from sector to sector · CRC-32 of both
    record  kind u8 · length u8 · epoch u16 · number u32 · tick u32 · payload · CRC-32 of all that, padded to 4
            an alarm is followed by one word more, cleared in place when the gateway has it

A record is one program. A torn one can only be the last; what follows it in its sector stays unused. Sectors stand in
the order of their serials, wherever they lie.
"""

import struct

from micropython import const

from node import flash

SAMPLE = const(0x53)
ALARM = const(0x41)

MAGIC = const(b"RING")
HEADER = const(12)
_HEAD = const(12)  # of a record
_LONGEST = const(200)
_WHOLE = const(216)  # head, the longest payload, CRC
_OPEN = const(b"\xff\xff\xff\xff")
_DONE = const(b"\x00\x00\x00\x00")


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


class Held:
    """All sectors of `device` from `first` on."""

    def __init__(self, device, first):
        self._device = device
        self._first = first
        self._sectors = flash.sectors(device) - first
        self._buffer = bytearray(_WHOLE)  # one record at a time: a whole sector is a twelfth of the board's heap
        self.damaged = 0  # records whose CRC is wrong, seen since the ring was opened
        found = []
        for sector in range(first, first + self._sectors):
            serial = self._serial_of(sector)
            if serial:
                found.append((serial, sector))
        found.sort()
        self._order: list[int] = [sector for _, sector in found]  # sectors in use, oldest first

    def _serial_of(self, sector):
        head = bytearray(HEADER)
        self._device.readblocks(sector, head, 0)
        magic, serial, crc = struct.unpack("<4sII", head)
        return serial if magic == MAGIC and crc == flash.crc32(head[:8]) else 0

    def _walk(self, sector):
        # (record, offset behind it) for each whole record of the sector; a damaged one is passed over.
        data = self._buffer  # whoever takes a record may walk elsewhere before asking for the next
        view = memoryview(data)
        at = HEADER
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

    def _last_sample(self, sector):
        last = (0, 0)
        for record, _ in self._walk(sector):
            if record.kind == SAMPLE:
                last = (record.epoch, record.number)
        return last

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
        self._device.readblocks(sector, head, HEADER)
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
