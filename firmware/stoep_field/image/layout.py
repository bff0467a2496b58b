"""Where everything lies in a board's 4 MiB of flash: our partition table, as the bootloader reads it.

ESP-IDF programming guide, "Partition Tables": 32 bytes an entry, an MD5 of them all behind the last.
"""

import hashlib
import struct
from typing import NamedTuple

FLASH = 4 * 1024 * 1024
SECTOR = 4096
BOOTLOADER = 0x1000  # of an ESP32; the ROM looks there
TABLE = 0x8000
BLANK = b"\xff"
_MAGIC = 0x50AA
_DIGEST = b"\xeb\xeb" + BLANK * 14
_APP, _DATA = 0, 1


class Partition(NamedTuple):
    name: str
    type: int
    subtype: int
    address: int
    size: int

    @property
    def end(self) -> int:
        return self.address + self.size


NVS = Partition("nvs", _DATA, 0x02, 0x9000, 0x6000)
PHY = Partition("phy_init", _DATA, 0x01, 0xF000, 0x1000)
APP = Partition("factory", _APP, 0x00, 0x10000, 0x1F0000)
VFS = Partition("vfs", _DATA, 0x81, 0x200000, 0x1C0000)
STOEP = Partition("stoep", _DATA, 0x06, 0x3C0000, 0x40000)
PARTITIONS = (NVS, PHY, APP, VFS, STOEP)


def table() -> bytes:
    """The partition table's sector."""
    entries = b"".join(
        struct.pack("<HBBII16sI", _MAGIC, one.type, one.subtype, one.address, one.size, one.name.encode(), 0)
        for one in PARTITIONS
    )
    whole = entries + _DIGEST + hashlib.md5(entries, usedforsecurity=False).digest()
    return whole.ljust(SECTOR, BLANK)
