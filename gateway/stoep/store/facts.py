"""How large the store's files are and how much room there is for them."""

import contextlib
import os
from pathlib import Path
from typing import Any


def store_facts(file: Path) -> dict[str, Any]:
    """`store` as a document: path, bytes of the file and its log, bytes free beside it (None: cannot be told)."""
    size = 0
    for part in (file, file.with_name(file.name + "-wal")):
        with contextlib.suppress(OSError):
            size += part.stat().st_size
    free = None
    with contextlib.suppress(OSError):
        room = os.statvfs(file.parent)
        free = room.f_bavail * room.f_frsize
    return {"store": {"path": str(file), "bytes": size, "free": free}}
