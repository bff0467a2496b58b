"""Nothing in the project leans on one machine, and no module outgrows a reader."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("firmware", "gateway", "hardware", "tests", ".ci")
SOMEBODYS_MACHINE = re.compile(r"(?<![\w.])/(?:home|root|Users|work|tmp)/\w")
LONGEST = 400


def sources() -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path
    yield from (path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith("."))


def test_no_file_names_somebodys_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources()
        if path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if SOMEBODYS_MACHINE.search(line)
    ]
    assert found == []


def test_no_module_is_too_long_to_read() -> None:
    modules = [path for path in sources() if path.suffix == ".py"]
    assert [path for path in modules if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST] == []
