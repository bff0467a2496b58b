"""The firmware as a board holds it: compiled as the technician's tool compiles it, but in files."""

from pathlib import Path

from stoep_field.image.code import ROOMS, SOURCE_ONLY, compile_to


def firmware(out: Path, root: Path) -> Path:
    """The whole firmware: `.mpy` and the two entry files."""
    compile_to(out, root, *ROOMS)
    for name in SOURCE_ONLY:
        (out / name).write_bytes((root / name).read_bytes())
    return out
