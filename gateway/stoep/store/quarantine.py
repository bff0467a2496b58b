"""A corrupt store set aside, never deleted: somebody may want to look, and salvaging may have to be done again.

The file `.suspect` beside the store remembers where we are across power cuts. Empty: the store is to be checked. With
two lines, the name under which it is set aside and why: until it is gone, what is set aside is the store.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

_PARTS = ("-wal", "-shm", "")  # the store itself last: what is left of it is never opened with another's log
_KEPT = 2  # of the stores set aside, the newest


def sync_folder(folder: Path) -> None:
    """The names in it are on the disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move(file: Path, to: Path) -> None:
    """A store with all its files, as far as they have not been moved yet."""
    for part in _PARTS:
        source = file.with_name(file.name + part)
        target = to.with_name(to.name + part)
        if source.exists() and not target.exists():
            source.rename(target)
    sync_folder(file.parent)


class Quarantine:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._mark = file.with_name(file.name + ".suspect")
        self.fresh = file.with_name(file.name + ".fresh")
        self.reason = ""

    def kept(self) -> list[Path]:
        """The stores that were set aside, the newest last."""
        found = self._file.parent.glob(f"{self._file.name}.corrupt-*Z")
        return sorted(found)

    def suspect(self) -> None:
        """The next start is to look before it trusts."""
        if not self._mark.exists():
            self._write("")

    def suspected(self) -> bool:
        return self._mark.exists()

    def cleared(self) -> None:
        self._mark.unlink(missing_ok=True)

    def begun(self) -> bool:
        """Whether a store was being set aside when we ended."""
        return self.suspected() and bool(self._mark.read_text(encoding="utf-8"))

    def begin(self, reason: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        self._write(f"{self._file.name}.corrupt-{stamp}\n{reason}\n")

    def set_aside(self) -> Path:
        """The place of the corrupt store; the same when it is done twice."""
        name, self.reason, *_ = [*self._mark.read_text(encoding="utf-8").splitlines(), ""]
        kept = self._file.with_name(name)
        if not kept.exists():
            move(self._file, kept)
        return kept

    def end(self) -> None:
        """The fresh store takes the place of the corrupt one."""
        self.fresh.replace(self._file)
        sync_folder(self._file.parent)
        self.cleared()
        sync_folder(self._file.parent)
        for old in self.kept()[:-_KEPT]:
            for part in _PARTS:
                old.with_name(old.name + part).unlink(missing_ok=True)

    def _write(self, text: str) -> None:
        new = self._mark.with_name(self._mark.name + ".new")
        with new.open("w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(self._mark)
        sync_folder(self._file.parent)
