"""An image in the place of MicroPython's, where nobody has that: the form that the tool checks, without a program.

What runs on a virtual board is the desktop's interpreter; from its flash come partition table, code and identity.
"""

from __future__ import annotations

import struct
from pathlib import Path

VERSION = "1.28.0"
_TABLE, _APP = 0x7000, 0xF000  # in the file, which begins at 0x1000 of the flash
_APP_BYTES = 96 * 1024


def _header(chip: int) -> bytes:
    return struct.pack(
        "<BBBBIB3sHBHH4sB", 0xE9, 1, 2, 0x20, 0x40080000, 0xEE, b"\0" * 3, chip, 0, 0, 0xFFFF, b"\0" * 4, 0
    )


def write(file: Path, version: str = VERSION, chip: int = 0) -> Path:
    """Returns `file`."""
    image = bytearray(b"\xff" * _APP)
    image[: len(_header(chip))] = _header(chip)
    image[_TABLE : _TABLE + 2] = b"\xaa\x50"
    app = _header(chip) + f"\0MicroPython v{version} on 2026-03-01 stand-in, no program\0".encode()
    file.write_bytes(bytes(image) + app.ljust(_APP_BYTES, b"\x5a"))
    return file
