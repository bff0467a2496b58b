"""What the kernel says of the machine, under one root, so that another machine's files can be looked at as well."""

import os
from pathlib import Path


class Machine:
    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def path(self, name: str) -> Path:
        """Where `name`, an absolute path of the machine, lies."""
        return self._root / name.lstrip("/")

    def read(self, name: str) -> str | None:
        """The text of a small file; None where there is none."""
        try:
            return self.path(name).read_text(encoding="ascii", errors="replace").strip("\0\n ")
        except OSError:
            return None

    @property
    def model(self) -> str | None:
        """What the board calls itself, as "Raspberry Pi 4 Model B Rev 1.5"."""
        return self.read("/proc/device-tree/model")

    @property
    def is_pi(self) -> bool:
        return (self.model or "").startswith("Raspberry Pi")

    def may_use(self, name: str) -> bool:
        return os.access(self.path(name), os.R_OK | os.W_OK)
