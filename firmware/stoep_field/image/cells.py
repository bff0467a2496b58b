"""The small values in a board's flash, as `node/cells.py` reads and writes them: here for whoever makes a new board.

sector  magic "SCEL" · generation u32 · CRC-32 of both
record  key u8 · length u8 · value · CRC-32 of all that, padded to 4 bytes
"""

import struct
from collections.abc import Mapping
from typing import NamedTuple
from zlib import crc32

from stoep_field.image.layout import BLANK, SECTOR

_MAGIC = b"SCEL"
_HEADER = 12
_LONGEST = 200
_SHORTEST = 8  # a record without a value


class Read(NamedTuple):
    """`torn`: the last record was being written when the power went."""

    values: dict[int, bytes]
    torn: bool


def write(values: Mapping[int, bytes]) -> bytes:
    """One sector with these values; the other one of the two is blank."""
    head = struct.pack("<4sI", _MAGIC, 1)
    whole = head + struct.pack("<I", crc32(head)) + b"".join(_record(key, values[key]) for key in sorted(values))
    return whole.ljust(SECTOR, BLANK)


def _record(key: int, value: bytes) -> bytes:
    if len(value) > _LONGEST:
        raise ValueError(f"a cell holds {_LONGEST} bytes")
    record = bytes((key, len(value))) + value
    record += struct.pack("<I", crc32(record))
    return record + BLANK * (-len(record) % 4)


def read(sectors: bytes) -> Read:
    """What the two sectors hold."""
    halves = sectors[:SECTOR], sectors[SECTOR : 2 * SECTOR]
    newest = max(halves, key=_generation)
    return _records(newest) if _generation(newest) else Read({}, torn=False)


def _generation(sector: bytes) -> int:
    magic, generation, crc = struct.unpack_from("<4sII", sector)
    return int(generation) if magic == _MAGIC and crc == crc32(sector[:8]) else 0


def _records(sector: bytes) -> Read:
    values: dict[int, bytes] = {}
    at = _HEADER
    while at + _SHORTEST <= SECTOR:
        key, length = sector[at], sector[at + 1]
        end = at + 2 + length
        if key == BLANK[0] or length > _LONGEST or end + 4 > SECTOR:
            break
        if struct.unpack_from("<I", sector, end)[0] != crc32(sector[at:end]):
            break
        values[key] = sector[at + 2 : end]
        at = (end + 4 + 3) & ~3
    return Read(values, torn=sector[at:].strip(BLANK) != b"")
