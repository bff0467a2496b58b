"""Runs every `test_*` function of `board/*.py` in a real MicroPython interpreter, one pytest item each.

The files of `board/` are MicroPython: they import the firmware as a board does, and share one interpreter a file. As on
a board everything is compiled and the heap is small. Every report that the firmware makes in them is held against the
contract.
"""

import ast
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import compiled
import contract
import heap
from stoep import resources
from stoep_twin import interpreter

BOARD = Path(__file__).parent / "board"
Said = Callable[[str], str]


def _tests(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


CASES = [(path.stem, name) for path in sorted(BOARD.glob("test_*.py")) for name in _tests(path)]


@pytest.fixture(scope="session")
def said(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """What the run of a module said, run once."""
    folder = tmp_path_factory.mktemp("board")
    firmware = compiled.firmware(folder / "firmware", resources.firmware_dir())
    tests = compiled.compile_to(folder / "tests", BOARD, "")
    flash = folder / "flash"
    flash.mkdir()
    path = os.pathsep.join([".frozen", str(firmware), str(tests)])

    @cache
    def run(module: str) -> str:
        done = subprocess.run(
            [*interpreter.command(), "-X", f"heapsize={heap.board()}", str(BOARD / "run.py"), module],
            cwd=resources.wire_dir() / "vectors",
            env={**os.environ, "MICROPYPATH": path, "NOR_FOLDER": str(flash)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.stdout + done.stderr

    return run


def _reports(said: str) -> list[bytes]:
    lines = [line.split() for line in said.splitlines()]
    return [bytes.fromhex(line[1]) for line in lines if line[:1] == ["said"] and len(line) == 2]


@pytest.mark.parametrize(("module", "name"), CASES, ids=[f"{module}::{name}" for module, name in CASES])
def test_on_the_board(said: Said, module: str, name: str) -> None:
    text = said(module)
    if f"passed {name}\n" not in text:
        pytest.fail(text.partition(f"failed {name}\n")[2].split("\npassed ")[0] or text, pytrace=False)


@pytest.mark.parametrize("module", sorted({module for module, _ in CASES}))
def test_every_report_of_it_fits_the_contract(said: Said, module: str) -> None:
    reports = _reports(said(module))
    for report in reports:
        contract.validate("uplink", report)
    assert reports or module != "test_session"
