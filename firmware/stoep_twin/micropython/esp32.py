"""`esp32` as on the board, as far as street furniture uses it.

`Partition` is NOR flash, kept in a file, found through the partition table at 0x8000; a pin may end a deep sleep.
`NVS` lies in a file beside it.
"""

import json
import os
import struct

from host import board as _board

_TABLE = 0x8000
_MAGIC = 0x50AA
_SECTOR = 4096
_BLANK = b"\xff" * 256  # in small pieces: this lies in the heap of the board
_NO_ENTRY = 19
_IO_ERROR = 5
_NVS_NOT_FOUND = -0x1102

WAKEUP_ALL_LOW = False
WAKEUP_ANY_HIGH = True
_WAKING = (0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39)  # pins that the RTC sees


def wake_on_ext0(pin, level):
    if pin is None:
        _board.woken_by = b""
        return
    if pin.number not in _WAKING:
        raise ValueError("invalid pin")
    _board.woken_by = bytes((pin.number, level))


class NVS:
    """Harder than the ESP-IDF's, which writes before `commit`, too: here nothing lasts without one."""

    def __init__(self, namespace):
        self._namespace = namespace
        self._changed = {}

    def _committed(self):
        try:
            with open(_board.facts["nvs"]) as file:
                return json.load(file)
        except OSError:
            return {}

    def get_i32(self, key):
        found = self._changed.get(key)
        if found is None:
            found = self._committed().get(self._namespace, {}).get(key)
        if found is None:
            raise OSError(_NVS_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return found

    def set_i32(self, key, value):
        self._changed[key] = struct.unpack("<i", struct.pack("<i", value))[0]

    def commit(self):
        entries = self._committed()
        entries.setdefault(self._namespace, {}).update(self._changed)
        fresh = _board.facts["nvs"] + ".new"
        with open(fresh, "w") as file:
            json.dump(entries, file)
        os.rename(fresh, _board.facts["nvs"])  # the twin may end this process anywhere


class Partition:
    TYPE_APP = 0
    TYPE_DATA = 1
    BOOT = 0
    RUNNING = 1

    _chip = None

    def __init__(self, id, block_size=4096):
        if isinstance(id, tuple):
            self._info = id
        else:
            found = Partition.find(Partition.TYPE_DATA, label=id) or Partition.find(Partition.TYPE_APP, label=id)
            if not found:
                raise OSError(_NO_ENTRY)
            self._info = found[0].info()

    @staticmethod
    def find(type=TYPE_APP, subtype=0xFF, *, label=None):
        if Partition._chip is None:
            Partition._chip = open(_board.facts["flash"], "r+b")
        chip = Partition._chip
        found = []
        for entry in range(95):
            chip.seek(_TABLE + 32 * entry)
            magic, kind, sub, address, size, name, flags = struct.unpack("<HBBII16sI", chip.read(32))
            if magic != _MAGIC:
                break
            name = name.rstrip(b"\x00").decode()
            if kind == type and subtype in (0xFF, sub) and label in (None, name):
                found.append(Partition((kind, sub, address, size, name, bool(flags & 1), bool(flags & 2))))
        return found

    def info(self):
        return self._info

    def _at(self, block_num, offset, length):
        start = block_num * _SECTOR + offset
        if start < 0 or start + length > self._info[3]:
            raise OSError(_IO_ERROR)
        start += self._info[2]
        Partition._chip.seek(start)
        return start

    def readblocks(self, block_num, buf, offset=0):
        self._at(block_num, offset, len(buf))
        Partition._chip.readinto(buf)

    def writeblocks(self, block_num, buf, offset=None):
        if offset is None:
            for sector in range(len(buf) // _SECTOR):
                self.ioctl(6, block_num + sector)
            offset = 0
        start = self._at(block_num, offset, len(buf))
        old = Partition._chip.read(len(buf))
        for i in range(len(buf)):
            if buf[i] & ~old[i] & 0xFF:
                message = "write at 0x%06x would set a bit: 0x%02x over 0x%02x" % (start + i, buf[i], old[i])
                _board.tell(b"n", message.encode())
                raise OSError(_IO_ERROR, message)
        Partition._chip.seek(start)
        Partition._chip.write(buf)
        _board.upkeep[2] += 1
        _board.upkeep[3] += len(buf)

    def ioctl(self, op, arg=0):
        if op == 4:
            return self._info[3] // _SECTOR
        if op == 5:
            return _SECTOR
        if op == 6:
            self._at(arg, 0, _SECTOR)
            _board.upkeep[4] += 1
            for _ in range(_SECTOR // len(_BLANK)):
                Partition._chip.write(_BLANK)
            return 0
        return None
