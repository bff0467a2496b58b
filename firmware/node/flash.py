"""The node's own partition: where it lies, how it is divided, and NOR flash as the ring and the cells see it.

The stock image mounts `vfs` for code; everything written in the field goes into `stoep`, which we open
ourselves, under the watchdog. NOR: a program only clears bits, an erase sets a whole 4 KiB sector.
"""

from micropython import const

SECTOR = const(4096)
IDENTITY = const(0)  # two sectors: who the node is; written when it is commissioned
LIFE = const(2)  # two sectors: epoch, frame counter, settings, declared losses
RING = const(4)  # the rest: samples and alarms

_CHUNK = const(256)
_ERASE = const(6)  # ioctl operations of a block device
_COUNT = const(4)


def crc32(data, crc=0):
    """CRC-32 as in zlib. `binascii` has it on the board and on the desktop."""
    from binascii import crc32 as crc_of

    return crc_of(data, crc) & 0xFFFFFFFF


def partition():
    """The board's `stoep` partition. Raises OSError when the partition table has none."""
    from esp32 import Partition

    found = Partition.find(Partition.TYPE_DATA, label="stoep")
    if not found:
        raise OSError("no partition named stoep: flash the board with stoep's partition table")
    return found[0]


def sectors(device):
    """How many sectors the device has."""
    return device.ioctl(_COUNT, 0)


def erase(device, sector):
    device.ioctl(_ERASE, sector)


def is_blank(device, sector, at):
    """Whether every byte of the sector from `at` on is erased."""
    buffer = bytearray(_CHUNK)
    blank = b"\xff" * _CHUNK
    while at < SECTOR:
        size = min(_CHUNK, SECTOR - at)
        view = memoryview(buffer)[:size]
        device.readblocks(sector, view, at)
        if view != blank[:size]:
            return False
        at += size
    return True
