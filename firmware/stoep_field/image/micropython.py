"""A MicroPython image as micropython.org gives it: whether it is for this chip, new enough, and its two parts.

The file ESP32_GENERIC-….bin is written from 0x1000 on: bootloader, a partition table at 0x8000 (ours takes its place),
and the interpreter at 0x10000. ESP-IDF, "App Image Format": byte 0 is 0xE9, bytes 12 and 13 are the chip's number.
"""

import hashlib
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from stoep_field.errors import ImageError
from stoep_field.image.layout import APP, BOOTLOADER, TABLE

OLDEST = (1, 28)
_MAGIC = 0xE9
_HEADER = 24
_CHIPS = {0: "ESP32", 2: "ESP32-S2", 5: "ESP32-C3", 9: "ESP32-S3", 12: "ESP32-C2", 13: "ESP32-C6", 16: "ESP32-H2"}
_WANTED = 0
_VERSION = re.compile(rb"MicroPython v(\d+)\.(\d+)(\.\d+)?")
_TAKE = "take ESP32_GENERIC-….bin, version 1.28 or later, from micropython.org, or let `mpflash download` fetch it"


@dataclass(frozen=True)
class MicroPython:
    """`bootloader` and `app` as they are written; `digest` is the file's SHA-256."""

    version: str
    digest: str
    bootloader: bytes
    app: bytes


def load(file: Path) -> MicroPython:
    """Raises ImageError."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ImageError(f"{file} cannot be read ({error.strerror})", _TAKE) from error
    at_table, at_app = TABLE - BOOTLOADER, APP.address - BOOTLOADER
    if len(data) < _HEADER or data[0] != _MAGIC:
        raise ImageError(f"{file} is no image for an ESP32", _TAKE)
    _check_chip(file, data)
    if data[at_table : at_table + 2] != b"\xaa\x50" or data[at_app : at_app + 1] != bytes((_MAGIC,)):
        raise ImageError(f"{file} lacks the bootloader: it is one for updates (.app-bin)", _TAKE)
    app = data[at_app:]
    if len(app) > APP.size:
        raise ImageError(f"{file} is larger than its place of {APP.size // 1024} KiB", _TAKE)
    return MicroPython(_version(file, app), hashlib.sha256(data).hexdigest(), data[:at_table], app)


def _check_chip(file: Path, data: bytes) -> None:
    chip = struct.unpack_from("<H", data, 12)[0]
    if chip != _WANTED:
        raise ImageError(f"{file} is for the {_CHIPS.get(chip, f'chip {chip}')}, these boards are ESP32", _TAKE)


def _version(file: Path, app: bytes) -> str:
    found = _VERSION.search(app)
    if found is None:
        raise ImageError(f"{file} does not say that it is MicroPython", _TAKE)
    version = found[0].decode().removeprefix("MicroPython v")
    if (int(found[1]), int(found[2])) < OLDEST:
        raise ImageError(f"{file} is MicroPython {version}, too old for this firmware", _TAKE)
    return version
