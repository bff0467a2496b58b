"""A NOR flash in RAM with the block-device calls of `esp32.Partition`: programs clear bits, erases set a sector."""

SECTOR = 4096


class PowerCut(Exception):
    pass


class Nor:
    """`sectors` erased sectors. After `budget` programs and erases the power goes (None: never)."""

    def __init__(self, sectors, budget=None):
        self.data = bytearray(b"\xff" * (sectors * SECTOR))
        self.budget = budget
        self.programs = 0
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
        for index in range(len(buf)):
            assert self.data[at + index] & buf[index] == buf[index], "a program cannot set a bit"
        self._spend()
        self.data[at : at + len(buf)] = buf
        self.programs += 1

    def ioctl(self, op, arg):
        if op == 6:
            self._spend()
            self.data[arg * SECTOR : (arg + 1) * SECTOR] = b"\xff" * SECTOR
            self.erases += 1
            return 0
        return len(self.data) // SECTOR if op == 4 else SECTOR
