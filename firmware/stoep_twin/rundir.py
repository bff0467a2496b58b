"""The directory of a run: emptied at the start, but only when it is the twin's, and never two runs in one."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path
from typing import IO

_MARK = ".stoep-twin"


class DirectoryError(RuntimeError):
    """The directory given cannot be a run's."""


def prepare(directory: Path) -> IO[str]:
    """Make `directory` ready; the file returned holds its lock as long as it is open."""
    mark = directory / _MARK
    if directory.exists() and not mark.exists() and any(directory.iterdir()):
        raise DirectoryError(f"{directory} holds something that is not a twin's: give another --dir")
    directory.mkdir(parents=True, exist_ok=True)
    lock = mark.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise DirectoryError(f"another twin runs in {directory}: stop it, or give another --dir") from error
    for entry in directory.iterdir():
        if entry == mark:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    return lock
