"""A machine with a partition for what the gateway writes, and a root that is written, read-only or in memory.

Read-only, neither the root nor the file system under it can be written by anybody. In memory it is as under Raspberry
Pi OS's overlay: whatever is written there is gone at the next boot.
"""

import enum
import hashlib
from pathlib import Path

from deb_machine import Machine, outside, unmount

_MIB = 128


class Root(enum.Enum):
    WRITTEN = "written"
    READ_ONLY = "read-only"
    IN_MEMORY = "in memory"


class CardMachine(Machine):
    """`again` boots it with another root, or without the partition."""

    def __init__(self, folder: Path, terminal: str, suite: str) -> None:
        super().__init__(folder, terminal, suite)
        self._is = Root.WRITTEN
        self._plugged = True
        self._partition_image = folder / "partition.img"
        self._memory = folder / "memory"
        self.partition = folder / "partition"
        with self._partition_image.open("wb") as image:
            image.truncate(_MIB << 20)
        outside("mkfs.ext4", "-q", "-F", "-L", "stoep", str(self._partition_image))
        for place in (self.partition, self._memory):
            place.mkdir()

    def again(self, root: Root, *, plugged: bool = True) -> float:
        """Off as a person does it, and on; seconds until it has booted."""
        self.power_off()
        self._unmount()
        self._is, self._plugged = root, plugged
        self._mount()
        return self.boot()

    def sum_of_root(self) -> str:
        """Of every byte of the root's disk."""
        with self._image.open("rb") as image:
            return hashlib.file_digest(image, "sha256").hexdigest()

    @property
    def site(self) -> Path:
        moved = self.partition / "etc"
        return moved if moved.exists() else super().site

    def _written(self) -> list[Path]:
        return [self.partition] if self._is is Root.READ_ONLY else [self._disk, self.partition]

    def _more_for_init(self) -> list[str]:
        return [str(self.partition) if self._plugged else "broken"]

    def _mount(self) -> None:
        outside("mount", "-o", "loop,noatime", str(self._partition_image), str(self.partition))
        if self._is is Root.WRITTEN:
            super()._mount()
            return
        outside("mount", "-o", "loop,ro", str(self._image), str(self._disk))
        layers = f"lowerdir={self._disk}/upper:{self._debian}"
        if self._is is Root.IN_MEMORY:
            outside("mount", "-t", "tmpfs", "memory", str(self._memory))
            for name in ("upper", "work"):
                (self._memory / name).mkdir()
            layers += f",upperdir={self._memory}/upper,workdir={self._memory}/work"
        outside("mount", "-t", "overlay", "overlay", "-o", layers, str(self.root))

    def _unmount(self) -> None:
        super()._unmount()
        unmount(self.partition, self._memory, image=self._partition_image)
