"""Small values that must survive: a log of key-value records in two alternating sectors.

A record is one program; what `put` returned for is read back by every later `Cells`. When a sector is full
the newest values move to the other one, whose header is programmed last, and only then is the old one erased:
at any instant a whole set can be read, and an older set is never mistaken for the newest.

    sector  magic "SCEL" · generation u32 · CRC-32 of both
    record  key u8 · length u8 · value · CRC-32 of all that, padded to 4 bytes
"""

import struct

from micropython import const

from node import flash

_MAGIC = const(b"SCEL")
_HEADER = const(12)
_BLANK = const(0xFF)
_LONGEST = const(200)
_WHOLE = const(206)  # the longest record


class Cells:
    """The values in the two sectors from `first` on.

    `torn` says that the last record was being written when the power went: whoever relies on a value
    that only grows must then assume that the lost record was the next step.
    """

    def __init__(self, device, first):
        self._device = device
        self._sector = None
        self._generation = 0
        self._end = 0
        self._values = {}
        self.torn = False
        self._open(first)

    def _open(self, first):
        for sector in (first, first + 1):
            generation = self._header(sector)
            if generation > self._generation:
                self._sector, self._generation = sector, generation
        self._other = first if self._sector != first else first + 1
        if self._sector is None:
            return
        if not flash.is_blank(self._device, self._other, 0):
            flash.erase(self._device, self._other)  # the older set, or a move that was cut short
        self._read_records()

    def _header(self, sector):
        head = bytearray(_HEADER)
        self._device.readblocks(sector, head, 0)
        magic, generation, crc = struct.unpack("<4sII", head)
        return generation if magic == _MAGIC and crc == flash.crc32(head[:8]) else 0

    def _read_records(self):
        data = bytearray(_WHOLE)
        view = memoryview(data)
        at = _HEADER
        while at + 8 <= flash.SECTOR:
            self._device.readblocks(self._sector, view[: min(_WHOLE, flash.SECTOR - at)], at)
            end = 2 + data[1]
            if data[0] == _BLANK or data[1] > _LONGEST or at + end + 4 > flash.SECTOR:
                break
            if struct.unpack_from("<I", data, end)[0] != flash.crc32(view[:end]):
                break
            self._values[data[0]] = bytes(view[2:end])
            at = (at + end + 4 + 3) & ~3
        self._end = at
        if not flash.is_blank(self._device, self._sector, at):
            self.torn = True
            self._end = flash.SECTOR  # the next put moves to the other sector

    def get(self, key):
        """The newest value under `key` (0 to 254), or None."""
        return self._values.get(key)

    def put(self, key, value):
        """Keep `value` (at most 200 bytes) under `key`; it is on flash when this returns."""
        if self._values.get(key) == value:
            return
        if len(value) > _LONGEST:
            raise ValueError("a cell holds 200 bytes")
        record = _record(key, value)
        self._values[key] = bytes(value)
        if self._sector is None or self._end + len(record) > flash.SECTOR:
            self._move()
            return
        self._device.writeblocks(self._sector, record, self._end)
        self._end += len(record)

    def _move(self):
        target = self._other
        flash.erase(self._device, target)
        at = _HEADER
        for key in sorted(self._values):
            record = _record(key, self._values[key])
            self._device.writeblocks(target, record, at)
            at += len(record)
        head = struct.pack("<4sI", _MAGIC, self._generation + 1)
        self._device.writeblocks(target, bytearray(head + struct.pack("<I", flash.crc32(head))), 0)
        old = self._sector
        self._sector, self._end = target, at
        self._generation += 1
        if old is None:
            self._other = target ^ 1
        else:
            self._other = old
            flash.erase(self._device, old)

    def wipe(self):
        """Forget everything (a board is commissioned anew)."""
        flash.erase(self._device, self._other)
        if self._sector is not None:
            flash.erase(self._device, self._sector)
            self._sector = None
        self._values = {}
        self.torn = False


def _record(key, value):
    record = bytearray((key, len(value)))
    record.extend(value)
    record.extend(struct.pack("<I", flash.crc32(record)))
    while len(record) % 4:
        record.append(_BLANK)
    return record
