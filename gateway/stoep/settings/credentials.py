"""systemd's credentials: secrets that the service finds in a folder of its own, which systemd names and guards.

A credential is read-only and as of the service's start. Its mode can be 0440, because the group's bits show the mask of
an access list that names only the service's user: the mode of such a file says nothing.
"""

import os
from pathlib import Path


def _folder() -> Path | None:
    named = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(named) if named else None


def find(name: str) -> Path | None:
    """The credential of this bare name, if systemd gave us one."""
    folder = _folder()
    if folder is None or Path(name).name != name or not (folder / name).is_file():
        return None
    return folder / name


def guards(file: Path) -> bool:
    """Whether systemd, not the file's mode, keeps others off."""
    folder = _folder()
    return folder is not None and file.parent == folder
