"""No float touches time, counters or the wire on a board, and nothing depends on a word's size or on an epoch.

Boards have floats of 32 bits (a counter past 16,777,216 would stand still) and start their clock in 2000. The desktop's
interpreter has neither limit, so what the firmware may not write is looked for in its source. That large integers work
in words of four bytes, too, only an interpreter of such words can show: name one in $MICROPYTHON.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stoep.resources import firmware_dir

CLOCK = "node/clock.py"  # the one place that asks the board for the time
_EPOCHS = {1970, 946684800}
_CALENDAR = {"time", "localtime", "gmtime", "mktime", "time_ns"}  # of the module time
_INEXACT = {"float", "complex"}  # built in
_FLOAT_CALLS = {"random", "uniform", "sqrt"}
_FLOAT_FORMATS = set("efd")
_STRUCT = {"pack", "unpack", "pack_into", "unpack_from", "calcsize"}
_WORD = {"maxsize", "WORD_SIZE"}


def _float_constant(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (float, complex))


def _division(node: ast.AST) -> bool:
    return isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, (ast.Div, ast.Pow))


def _float_call(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in _INEXACT
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return "math" in [getattr(node, "module", None), *(alias.name for alias in node.names)]
    return isinstance(node, ast.Attribute) and node.attr in _FLOAT_CALLS


def _float_format(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    layout = node.args[0] if node.args else None
    text = layout.value if isinstance(layout, ast.Constant) else ""
    return called in _STRUCT and bool(_FLOAT_FORMATS & set(text if isinstance(text, str) else ""))


def _calendar(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "time" and any(alias.name in _CALENDAR for alias in node.names)
    owner = node.value if isinstance(node, ast.Attribute) else None
    return isinstance(node, ast.Attribute) and node.attr in _CALENDAR and getattr(owner, "id", "") == "time"


def _epoch(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value in _EPOCHS and not isinstance(node.value, bool)


def _word_size(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in _WORD


def _large_const(node: ast.AST) -> bool:
    # A const() that is folded must be a small integer on a board, too: 31 bits with its sign.
    named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "const"
    if not named or not isinstance(node, ast.Call):
        return False
    return any(isinstance(n, ast.Constant) and isinstance(n.value, int) and n.value >= 1 << 30 for n in ast.walk(node))


_RULES: dict[str, Callable[[ast.AST], bool]] = {
    "a float": _float_constant,
    "a true division or power": _division,
    "a call that makes floats": _float_call,
    "a float in a struct": _float_format,
    "the time of day": _calendar,
    "an epoch": _epoch,
    "the size of a word": _word_size,
    "a const of more than 31 bits": _large_const,
}


def found(source: str, name: str) -> Iterator[str]:
    """What the firmware may not write: file, line and rule."""
    for node in ast.walk(ast.parse(source)):
        for rule, breaks in _RULES.items():
            if breaks(node) and not (name == CLOCK and rule == "the time of day"):
                yield f"{name}:{getattr(node, 'lineno', '?')}: {rule}"


def _sources() -> list[Path]:
    root = firmware_dir()
    rooms = [path for room in ("node", "bridge") for path in sorted((root / room).rglob("*.py"))]
    return [root / "boot.py", root / "main.py", *rooms]


def test_the_firmware_counts_in_whole_numbers() -> None:
    root = firmware_dir()
    assert len(_sources()) > 30
    assert [line for path in _sources() for line in found(path.read_text(), path.relative_to(root).as_posix())] == []


MISTAKES = {
    "delay = 0.5": "a float",
    "mean = total / count": "a true division or power",
    "total /= count": "a true division or power",
    "scale = 10 ** -places": "a true division or power",
    "import math": "a call that makes floats",
    "from math import sqrt as root": "a call that makes floats",
    "seconds = float(ticks)": "a call that makes floats",
    "import random\nwait = random.random()": "a call that makes floats",
    "struct.unpack('<hf', data)": "a float in a struct",
    "import time\nnow = time.time()": "the time of day",
    "from time import gmtime": "the time of day",
    "utc = tick + 946684800": "an epoch",
    "import sys\nmask = sys.maxsize": "the size of a word",
    "_TOP = const(0xFFFFFFFF)": "a const of more than 31 bits",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(mistake: str) -> None:
    line = mistake.count("\n") + 1
    assert f"node/x.py:{line}: {MISTAKES[mistake]}" in list(found(mistake, "node/x.py"))
