"""A file that is only there to be deleted: on a full disk even giving something up needs room to be written down."""

import contextlib
import logging
import os
from pathlib import Path

_log = logging.getLogger(__name__)
BYTES = 4 << 20  # what SQLite's write-ahead log grows to
_AMPLE = 4  # times as much has to be free before it is made
LITTLE = 1 << 20  # less than this free is a full disk


def _name(file: Path) -> Path:
    return file.with_name(file.name + ".ballast")


def free(file: Path) -> int:
    """Bytes we may still write beside `file`."""
    found = os.statvfs(file.parent)
    return found.f_bavail * found.f_frsize


def drop(file: Path) -> bool:
    """Whether there was one."""
    try:
        _name(file).unlink()
    except OSError:
        return False
    _log.warning("the disk of %s is full: the ballast of %d MiB was dropped", file, BYTES >> 20)
    return True


def lay(file: Path) -> None:
    """While there is ample room; real blocks, not a hole. Without it the store does as well as it can."""
    name = _name(file)
    if name.exists() or free(file) < _AMPLE * BYTES:
        return
    try:
        with name.open("xb") as opened:
            os.posix_fallocate(opened.fileno(), 0, BYTES)
    except OSError:
        with contextlib.suppress(OSError):
            name.unlink()
