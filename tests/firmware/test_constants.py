"""A private constant costs a board nothing, if it is written so that the compiler sees it.

`_A, _B = const(1), const(2)` gives two variables, each with a name in the heap for good; so is a literal without it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from stoep.resources import firmware_dir

_ROOMS = ("node", "bridge")


def _is_const(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "const"


def _is_fixed(value: ast.expr) -> bool:
    # What const takes: a number that fits a small one of a board, text, bytes, or a tuple of such.
    try:
        literal = ast.literal_eval(value)
    except ValueError:
        return False
    return isinstance(literal, (str, bytes, tuple)) or (isinstance(literal, int) and abs(literal) < 1 << 30)


def escaped(source: str) -> Iterator[str]:
    """The constants of this module that take room in the heap without need."""
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.Assign):
            continue
        target = statement.targets[0]
        if isinstance(target, ast.Tuple):
            if isinstance(statement.value, ast.Tuple) and any(map(_is_const, statement.value.elts)):
                yield ast.unparse(target)
        elif isinstance(target, ast.Name) and target.id.startswith("_") and _is_fixed(statement.value):
            yield target.id


@pytest.mark.parametrize("room", _ROOMS)
def test_no_private_constant_takes_room_in_the_heap(room: str) -> None:
    sources: list[Path] = sorted((firmware_dir() / room).rglob("*.py"))
    assert sources
    assert [f"{path.name}: {name}" for path in sources for name in escaped(path.read_text())] == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("_A, _B = const(1), const(2)", ["(_A, _B)"]),
        ("_A = b'RING'", ["_A"]),
        ("_A = (1, 2)", ["_A"]),
        ("_A = const(b'RING')\nB = 'said by others'\n_LARGE = 0xFFFFFFFF\n_MADE = bytes(16)", []),
    ],
)
def test_one_that_does_is_found(source: str, names: list[str]) -> None:
    assert list(escaped(source)) == names
