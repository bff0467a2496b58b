"""Whether the store's disk has room, and writes fast enough that an alarm need not wait."""

import os
import shutil
import statistics
import tempfile
from pathlib import Path

from stoep.clock import real
from stoep.doctor.finding import Finding, good, trouble, unknown, warning

_TIGHT, _LOW = 500_000_000, 2_000_000_000  # bytes free
_SYNCS = 20
_SLOW, _VERY_SLOW = 0.1, 1.0  # seconds of an fsync; an alarm is answered after one
_PAGE = bytes(4096)


def room(folder: Path) -> Finding:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return trouble("disk", f"{folder} cannot be looked at ({error.strerror})", "make the folder of store.path")
    words = f"{free / 1e9:.1f} GB free at {folder}"
    remedy = "remove what others left there, or lower store.max_mb; a full disk keeps the readings on the nodes"
    if free < _TIGHT:
        return trouble("disk", words, remedy)
    return warning("disk", words, remedy) if free < _LOW else good("disk", words)


def speed(folder: Path) -> Finding:
    """Of an fsync of one page, twenty times."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            took = sorted(_sync(file.fileno()) for _ in range(_SYNCS))
    except OSError as error:
        return unknown("disk speed", f"{folder} cannot be written ({error.strerror})", "ask as root, or as user stoep")
    middle, longest = statistics.median(took), took[-1]
    words = f"an fsync takes {middle * 1000:.1f} ms, {longest * 1000:.0f} ms at most"
    remedy = "use a better card (A2, or of high endurance) or an SSD; look in the kernel's log for errors: dmesg"
    if middle > _VERY_SLOW:
        return trouble("disk speed", words, remedy)
    if middle > _SLOW or longest > _VERY_SLOW:
        return warning("disk speed", words, remedy)
    return good("disk speed", words)


def _sync(descriptor: int) -> float:
    begin = real()
    os.pwrite(descriptor, _PAGE, 0)
    os.fsync(descriptor)
    return real() - begin
