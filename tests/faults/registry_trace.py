"""What `stoep`'s commands did to the registry's folders, as strace wrote it down."""

import re
from pathlib import Path
from typing import NamedTuple

import gateway_trace
from gateway_trace import Allowed, Call, Filed, Gone, Made, Renamed, Synced, Wrote

CALLS = (
    *("openat", "open", "creat", "write", "writev", "pwrite64", "pwritev", "sendfile", "copy_file_range"),
    *("ftruncate", "truncate", "fallocate", "fsync", "fdatasync", "rename", "renameat", "renameat2", "unlink"),
    *("unlinkat", "rmdir", "mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat"),
    *("chmod", "fchmod", "fchmodat"),
)
FOLDERS = ("etc", "etc/broker", "out")
_UMASK = 0o022
_MODE = re.compile(r", (0[0-7]*)$")


class In(NamedTuple):
    """Something happened in one of the folders."""

    folder: str
    event: Filed


class Began(NamedTuple):
    step: int


class Told(NamedTuple):
    """The command says what it has done."""

    step: int


Part = In | Began | Told


class _Reader:
    def __init__(self, root: Path, existing: set[Path]) -> None:
        self._folders = {root / folder: folder for folder in FOLDERS}
        self._said = root / "said"
        self._existing = existing
        self._written: dict[Path, int] = {}  # how far
        self._told: set[int] = set()

    def part(self, call: Call) -> Part | None:
        if (call.result or 0) < 0:
            return None
        if call.on() and not call.name.endswith("at"):
            return self._on_open(call, Path(call.on()))
        paths = [Path(text.decode()) for text in call.texts()]
        if call.name == "openat" and paths[0].parent == self._said and "O_CREAT" in call.text:
            return Began(int(paths[0].name))
        if not any(path.parent in self._folders for path in paths):
            return None
        return self._by_name(call, paths)

    def _in(self, path: Path, event: Filed) -> In:
        return In(self._folders[path.parent], event)

    def _by_name(self, call: Call, paths: list[Path]) -> In | None:
        path = paths[0]
        if call.name.startswith("rename"):
            assert path.parent == paths[1].parent, "a rename between folders is not modelled"
            self._existing -= {path}
            self._existing |= {paths[1]}
            return self._in(path, Renamed(path.name, paths[1].name))
        if call.name.startswith("unlink"):
            self._existing -= {path}
            return self._in(path, Gone(path.name))
        assert call.name in {"openat", "mkdir"}, f"{call.name} in a folder of the registry is not modelled"
        if call.name == "openat" and "O_CREAT" not in call.text:
            assert "O_RDONLY" in call.text, "a file of the registry is opened in a way that is not modelled"
            return None
        self._written[path] = 0
        assert path not in self._existing, "writing into a file of the registry that is there is not modelled"
        self._existing.add(path)
        mode = _MODE.search(call.text)
        assert mode is not None
        return self._in(path, Made(path.name, int(mode[1], 8) & ~_UMASK))

    def _on_open(self, call: Call, path: Path) -> Part | None:
        if path.parent == self._said and call.name == "write":
            step = int(path.name)
            if step in self._told:
                return None
            self._told.add(step)
            return Told(step)
        if call.name in {"fsync", "fdatasync"} and path in self._folders:
            return In(self._folders[path], Synced(""))
        if path.parent not in self._folders:
            return None
        if call.name in {"fsync", "fdatasync"}:
            return self._in(path, Synced(path.name))
        if call.name == "fchmod":
            mode = _MODE.search(call.text)
            assert mode is not None
            return self._in(path, Allowed(path.name, int(mode[1], 8)))
        assert call.name == "write", f"{call.name} on a file of the registry is not modelled"
        data = call.texts()[0][: call.result]
        at = self._written[path]
        self._written[path] += len(data)
        return self._in(path, Wrote(path.name, at, data))


def read(trace: Path, root: Path, existing: set[Path]) -> list[Part]:
    """`existing`: the files that were there before."""
    reader = _Reader(root, set(existing))
    found = (reader.part(call) for call in gateway_trace.told(trace))
    return [part for part in found if part is not None]
