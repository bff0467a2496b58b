"""The 4 MiB flash of a board as a file, with our partition table where the bootloader looks for it."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

FLASH_BYTES = 4 * 1024 * 1024
TABLE_ADDRESS = 0x8000
_SECTOR = 4096
_MAGIC = 0x50AA  # little-endian, as the ESP-IDF writes it
_DIGEST_MAGIC = b"\xeb\xeb" + b"\xff" * 14


@dataclass(frozen=True)
class Partition:
    """One line of the partition table."""

    name: str
    type: int
    subtype: int
    address: int
    size: int

    def to_bytes(self) -> bytes:
        """The 32 bytes of ESP-IDF's esp_partition_info_t."""
        return struct.pack(
            "<HBBII16sI", _MAGIC, self.type, self.subtype, self.address, self.size, self.name.encode(), 0
        )


PARTITIONS = (
    Partition("nvs", 1, 0x02, 0x9000, 0x6000),
    Partition("phy_init", 1, 0x01, 0xF000, 0x1000),
    Partition("factory", 0, 0x00, 0x10000, 0x1F0000),
    Partition("vfs", 1, 0x81, 0x200000, 0x1C0000),
    Partition("stoep", 1, 0x06, 0x3C0000, 0x40000),
)


def make(path: Path) -> None:
    """A chip as it leaves the technician's table: erased, then partitioned."""
    table = b"".join(partition.to_bytes() for partition in PARTITIONS)
    table += _DIGEST_MAGIC + hashlib.md5(table, usedforsecurity=False).digest()
    image = bytearray(b"\xff" * FLASH_BYTES)
    image[TABLE_ADDRESS : TABLE_ADDRESS + len(table)] = table
    path.write_bytes(image)


def erase(path: Path, first: int = 0, last: int | None = None) -> None:
    """Erase the sectors `first` to `last` (or all) of the partition `stoep` in the chip's file."""
    where = next(partition for partition in PARTITIONS if partition.name == "stoep")
    end = where.size // _SECTOR if last is None else last + 1
    with path.open("r+b") as chip:
        chip.seek(where.address + first * _SECTOR)
        chip.write(b"\xff" * ((end - first) * _SECTOR))
