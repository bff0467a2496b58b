"""Makes `hardware/<kind>/` from `hardware/<kind>.toml`, or says what of it is stale.

Texts are compared byte for byte; of pictures, the digest of the text that they were drawn from, so that a check needs
no drawing program.
"""

import sys
from pathlib import Path

from stoep_field import rules
from stoep_field.hardware import bom, budget, diagram, guide, joints, levels, painting, pictures, pin_table, supply
from stoep_field.hardware.drawing import ESP32, Drawing
from stoep_field.hardware.reading import load
from stoep_field.tables import SourceError

_HARDWARE = Path("hardware")
_BUDGET, _BARS = "budget.md", "budget.svg"


def drawings(root: Path) -> list[Drawing]:
    """Every drawing of the checkout, held against every rule. Raises SourceError."""
    files = sorted((root / _HARDWARE).glob("*.toml"))
    if not files:
        raise SourceError(root, _HARDWARE.as_posix(), "has no drawing", "work in a checkout; --root names it")
    return [checked(file) for file in files]


def checked(file: Path) -> Drawing:
    """One drawing, held against every rule. Raises SourceError."""
    drawing = load(file)
    if drawing.kind != file.stem:
        raise drawing.table.error("kind", f"is {drawing.kind!r}", f"write {file.stem!r}, as the file is called")
    if drawing.controller == ESP32:
        rules.check(drawing.table)
    joints.check(drawing)
    supply.check(drawing)
    budget.check(drawing)
    if drawing.controller == ESP32:
        levels.check(drawing)
    return drawing


def texts(drawing: Drawing) -> dict[str, str]:
    """By file name: all of a kind's products that are text."""
    return {
        "pins.md": pin_table.render(drawing),
        "bom.csv": bom.render(drawing),
        _BUDGET: budget.render(drawing),
        "guide.md": guide.render(drawing),
        **{f"wiring-{sheet}.yml": diagram.render(drawing, sheet) for sheet in drawing.sheets()},
    }


def painted(drawing: Drawing) -> dict[str, str]:
    """By file name: a kind's pictures, and the name of the text that each is drawn from."""
    sheets = [f"wiring-{sheet}" for sheet in drawing.sheets()]
    return {f"{sheet}.{ending}": f"{sheet}.yml" for sheet in sheets for ending in ("svg", "png")} | {_BARS: _BUDGET}


def stale(root: Path) -> list[Path]:
    """Products that are missing, differ from what the drawings say, or belong to none. Raises SourceError."""
    found: list[Path] = []
    known: set[Path] = set()
    for drawing in drawings(root):
        folder, made = root / _HARDWARE / drawing.kind, texts(drawing)
        known |= {folder / name for name in (*made, *painted(drawing))}
        found += [folder / name for name, text in made.items() if _bytes(folder / name) != text.encode("utf-8")]
        for name, source in painted(drawing).items():
            if pictures.source_of(_bytes(folder / name)) != pictures.digest(made[source]):
                found.append(folder / name)
    return found + sorted(set((root / _HARDWARE).glob("*/*")) - known)


def _bytes(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""


def write(root: Path) -> list[Path]:
    """Brings every product up to date; returns those that were not. Raises SourceError, PaintingError."""
    old = stale(root)
    if any(file.suffix in {".svg", ".png"} for file in old):
        painting.tools()
    for drawing in drawings(root):
        folder, made = root / _HARDWARE / drawing.kind, texts(drawing)
        folder.mkdir(exist_ok=True)
        for name, text in made.items():
            if folder / name in old:
                (folder / name).write_bytes(text.encode("utf-8"))
        _paint(drawing, folder, made, {file.name for file in old if file.parent == folder})
    known = {root / _HARDWARE / one.kind / name for one in drawings(root) for name in (*texts(one), *painted(one))}
    for file in set(old) - known:
        file.unlink()
    return old


def _paint(drawing: Drawing, folder: Path, made: dict[str, str], old: set[str]) -> None:
    for name in (name for name in made if name.startswith("wiring-")):
        svg, png = (folder / Path(name).with_suffix(ending) for ending in (".svg", ".png"))
        if old & {svg.name, png.name}:
            print(f"drawing {svg.relative_to(folder.parent)}")
            drawn, dots = painting.wiring(made[name])
            svg.write_bytes(pictures.stamp_svg(drawn, made[name]))
            png.write_bytes(pictures.stamp_png(dots, made[name]))
    if _BARS in old:
        print(f"drawing {drawing.kind}/{_BARS}")
        bars = painting.bars(drawing.kind, budget.reckon(drawing))
        (folder / _BARS).write_bytes(pictures.stamp_svg(bars, made[_BUDGET]))


def run(root: Path, *, check: bool) -> int:
    """Makes or only checks, says so, and returns the exit status."""
    try:
        changed = stale(root) if check else write(root)
    except (SourceError, painting.PaintingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for file in changed:
        print(f"{'stale' if check else 'wrote'}: {file.relative_to(root)}")
    if check and changed:
        print("error: run `make hardware` and commit what it wrote", file=sys.stderr)
        return 1
    if not changed:
        print("the hardware's files are up to date")
    return 0
