"""Files that others read while we write them: replaced whole or not at all, with the owner and the mode they had."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_PRIVATE = 0o600


def replace(file: Path, content: bytes, mode: int = _PRIVATE) -> None:
    """`content` is on the disk under `file`'s name when this returns, or what was there before.

    Owner and mode stay; a new file has `mode`.

    A link stays a link. What root makes anew belongs to whom the folder belongs to: a service must be able to read it.
    Raises OSError.
    """
    file = file.resolve()
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            _own(opened.fileno(), file, mode)
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    with _folder(file.parent) as folder:
        os.fsync(folder)


def make_folder(folder: Path) -> None:
    """`folder` is there when this returns, and outlives a power cut, as do those above it. Raises OSError."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        with _folder(one.parent) as parent:
            os.fsync(parent)
    if not missing:
        folder.mkdir(exist_ok=True)  # raises if it is no folder


def _own(descriptor: int, file: Path, mode: int) -> None:
    try:
        like = file.stat()
    except FileNotFoundError:
        if os.geteuid() == 0:
            folder = file.parent.stat()
            os.fchown(descriptor, folder.st_uid, folder.st_gid)
        os.fchmod(descriptor, mode)
        return
    made = os.fstat(descriptor)
    if (made.st_uid, made.st_gid) != (like.st_uid, like.st_gid):
        os.fchown(descriptor, like.st_uid, like.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(like.st_mode))


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether nobody else is in such a block for this folder; the lock leaves no file behind. Raises OSError."""
    with _folder(folder) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextlib.contextmanager
def _folder(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
