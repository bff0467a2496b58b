"""A NOR flash with the block-device calls of `esp32.Partition`: programs clear bits, erases set a sector.

It lies in RAM; or, with $NOR_FOLDER, in files there, where it takes nothing of a heap that is measured.
"""

import os

SECTOR = 4096
_FOLDER = os.getenv("NOR_FOLDER")
_BLANK = b"\xff" * 256
_made = 0


class PowerCut(Exception):
    pass


class _Outside:
    """What a test needs of a bytearray, in a file that is gone when it is closed."""

    def __init__(self, size):
        global _made
        _made += 1
        self._size = size
        path = "%s/nor-%d" % (_FOLDER, _made)
        self._file = open(path, "w+b")  # noqa: SIM115 (open as long as the flash lives)
        os.remove(path)
        for _ in range(size // len(_BLANK)):
            self._file.write(_BLANK)

    def __len__(self):
        return self._size

    def __getitem__(self, where):
        if isinstance(where, int):
            return self._read(where, 1)[0]
        return self._read(where.start, where.stop - where.start)

    def _read(self, at, size):
        self._file.seek(at)
        return self._file.read(size)

    def __setitem__(self, where, value):
        if isinstance(where, int):
            self._file.seek(where)
            self._file.write(bytes((value,)))
        else:
            self._file.seek(where.start)
            self._file.write(value)


class Nor:
    """`sectors` erased sectors. After `budget` programs and erases the power goes (None: never)."""

    def __init__(self, sectors, budget=None):
        self.data = _Outside(sectors * SECTOR) if _FOLDER else bytearray(b"\xff" * (sectors * SECTOR))
        self.budget = budget
        self.programs = 0
        self.programmed = 0  # bytes
        self.erases = 0

    def _spend(self):
        if self.budget is not None:
            if self.budget == 0:
                raise PowerCut
            self.budget -= 1

    def readblocks(self, block, buf, offset=0):
        at = block * SECTOR + offset
        buf[:] = self.data[at : at + len(buf)]

    def writeblocks(self, block, buf, offset):
        at = block * SECTOR + offset
        assert offset + len(buf) <= SECTOR, "program past the sector's end"
        old = self.data[at : at + len(buf)]
        for index in range(len(buf)):
            assert old[index] & buf[index] == buf[index], "a program cannot set a bit"
        self._spend()
        self.data[at : at + len(buf)] = buf
        self.programs += 1
        self.programmed += len(buf)

    def ioctl(self, op, arg):
        if op == 6:
            self._spend()
            for at in range(arg * SECTOR, (arg + 1) * SECTOR, len(_BLANK)):
                self.data[at : at + len(_BLANK)] = _BLANK
            self.erases += 1
            return 0
        return len(self.data) // SECTOR if op == 4 else SECTOR
