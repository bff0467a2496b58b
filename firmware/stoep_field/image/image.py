"""One flash image of parts: what is written where, what is erased, and what a board must then read back.

MicroPython and code are the same for all boards and made once; only the head of `stoep` is each board's own.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from stoep_field.image import code, micropython
from stoep_field.image.identity import HEAD, Identity, head
from stoep_field.image.layout import (
    APP,
    BLANK,
    BOOTLOADER,
    FLASH,
    NVS,
    PHY,
    SECTOR,
    STOEP,
    TABLE,
    VFS,
    table,
)

_GAP = 16 * SECTOR


class Segment(NamedTuple):
    """Bytes at an address, whole sectors."""

    address: int
    data: bytes

    @property
    def digest(self) -> str:
        """MD5, which is what a board's loader computes of its flash."""
        return hashlib.md5(self.data, usedforsecurity=False).hexdigest()


class Region(NamedTuple):
    """To be erased."""

    address: int
    size: int


@dataclass(frozen=True)
class Base:
    """What all boards have in common."""

    version: str  # of MicroPython
    micropython: str  # SHA-256 of its file
    firmware: str  # SHA-256 of our sources
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Image:
    """All that is done to one board's flash; `keeps_ring`: what it holds of samples stays."""

    segments: tuple[Segment, ...]
    erased: tuple[Region, ...]
    keeps_ring: bool

    def __repr__(self) -> str:
        return f"<image of {sum(len(one.data) for one in self.segments)} bytes>"

    def whole(self) -> bytes:
        """The 4 MiB of a chip that was blank before."""
        flash = bytearray(BLANK * FLASH)
        for one in self.segments:
            flash[one.address : one.address + len(one.data)] = one.data
        return bytes(flash)


def base(image: Path, firmware: Path) -> Base:
    """From MicroPython's file and our sources. Raises ImageError."""
    chosen = micropython.load(image)
    parts = (
        Segment(BOOTLOADER, _padded(chosen.bootloader)),
        Segment(TABLE, table()),
        Segment(APP.address, _padded(chosen.app)),
        *_written(VFS.address, code.build(firmware)),
    )
    return Base(chosen.version, chosen.digest, code.digest(firmware), parts)


def of_board(common: Base, who: Identity, epoch: int, settings: Mapping[int, int], *, keeps_ring: bool) -> Image:
    """The whole image of one board.

    The NVS goes: an entry in it may name a code slot that is empty now. The ring stays only with the board's own name.
    """
    ring = Region(STOEP.address + HEAD, STOEP.size - HEAD)
    erased = (Region(NVS.address, NVS.size), Region(PHY.address, PHY.size), *(() if keeps_ring else (ring,)))
    mine = Segment(STOEP.address, head(who, epoch, settings))
    return Image((*common.segments, mine), erased, keeps_ring)


def _padded(data: bytes) -> bytes:
    return data + BLANK * (-len(data) % SECTOR)


def _written(address: int, volume: bytes) -> Iterator[Segment]:
    """The stretches of a file system that hold something: what an unused block holds, littlefs never reads."""
    first = end = None
    for at in range(0, len(volume), SECTOR):
        if not volume[at : at + SECTOR].strip(BLANK):
            continue
        if first is None or end is None:
            first = at
        elif at - end > _GAP:  # to begin anew takes longer than to write so much
            yield Segment(address + first, volume[first:end])
            first = at
        end = at + SECTOR
    if first is not None:
        yield Segment(address + first, volume[first:end])
