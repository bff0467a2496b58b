"""A kind's pins and numbers, from its drawing."""

from pathlib import Path

from stoep_field import rules
from stoep_field.module import Module
from stoep_field.tables import Table

_SMALL_INT = 2**30  # beyond it an integer is an object on MicroPython's heap


def runs_micropython(file: Path) -> bool:
    """Whether our firmware runs on what is drawn there: the gateway has other pins. Raises SourceError."""
    return Table.load(file).text("controller") == "ESP32"


def render(file: Path, source: Path) -> str:
    """The text of pins_<kind>.py; `source` is how the header names `file`. Raises SourceError."""
    root = Table.load(file)
    rules.check(root)
    module = Module(source)
    pins, numbers = root.table("pins"), root.table("numbers")
    for name, pin in pins.tables():
        module.constant(name, pin.integer("gpio", 0, rules.HIGHEST), pins, name, pin.text("use"))
    if pins.content and numbers.content:
        module.gap()
    for name in numbers.content:
        module.constant(name, numbers.integer(name, -_SMALL_INT, _SMALL_INT - 1), numbers, name)
    return module.text()
