"""Runs every `test_*` function of `board/*.py` in a real MicroPython interpreter, one pytest item each.

The files of `board/` are MicroPython: they import the firmware as a board does, and share one interpreter a file. Every
report that the firmware makes in them is held against the contract.
"""

import ast
import os
import subprocess
from functools import cache
from pathlib import Path

import pytest

import contract
from stoep import resources
from stoep_twin import interpreter

BOARD = Path(__file__).parent / "board"


def _tests(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


CASES = [(path.stem, name) for path in sorted(BOARD.glob("test_*.py")) for name in _tests(path)]


@cache
def _said(module: str) -> str:
    path = os.pathsep.join([".frozen", str(resources.firmware_dir()), str(BOARD)])
    done = subprocess.run(
        [*interpreter.command(), str(BOARD / "run.py"), module],
        cwd=resources.wire_dir() / "vectors",
        env={**os.environ, "MICROPYPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


def _reports(module: str) -> list[bytes]:
    lines = [line.split() for line in _said(module).splitlines()]
    return [bytes.fromhex(line[1]) for line in lines if line[:1] == ["said"] and len(line) == 2]


@pytest.mark.parametrize(("module", "name"), CASES, ids=[f"{module}::{name}" for module, name in CASES])
def test_on_the_board(module: str, name: str) -> None:
    said = _said(module)
    if f"passed {name}\n" not in said:
        pytest.fail(said.partition(f"failed {name}\n")[2].split("\npassed ")[0] or said, pytrace=False)


@pytest.mark.parametrize("module", sorted({module for module, _ in CASES}))
def test_every_report_of_it_fits_the_contract(module: str) -> None:
    reports = _reports(module)
    for report in reports:
        contract.validate("uplink", report)
    assert reports or module != "test_session"
