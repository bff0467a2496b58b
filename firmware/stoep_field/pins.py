"""A kind's pins and numbers, checked against what an ESP32-WROOM-32 can do with each GPIO."""

from pathlib import Path

from stoep_field.module import Module
from stoep_field.tables import Table

_HIGHEST = 39
_CONSOLE = (1, 3)
_FLASH = range(6, 12)
_ABSENT = (20, 24, *range(28, 32))
_INPUT_ONLY = range(34, 40)
_ADC1 = range(32, 40)
_INPUTS = ("_RX", "_IN", "_ADC")  # how a pin's name says that the ESP32 only listens on it
_SMALL_INT = 2**30  # beyond it an integer is an object on MicroPython's heap


def render(file: Path, source: Path) -> str:
    """The text of pins_<kind>.py; `source` is how the header names `file`. Raises SourceError."""
    root = Table.load(file)
    module = Module(source)
    parts, pins, numbers = root.table("parts"), root.table("pins"), root.table("numbers")
    users: dict[int, str] = {}
    for name, pin in pins.tables():
        gpio = pin.integer("gpio", 0, _HIGHEST)
        if gpio in users:
            raise pin.error("gpio", f"{gpio} is {users[gpio]}'s already", "wire it to a free GPIO")
        users[gpio] = name
        _check(pin, name, gpio)
        if pin.text("part") not in parts.content:
            raise pin.error("part", f"{pin.text('part')!r} is not under [parts]", "name one that is")
        module.constant(name, gpio, pins, name, pin.text("use"))
    if pins.content and numbers.content:
        module.gap()
    for name in numbers.content:
        module.constant(name, numbers.integer(name, -_SMALL_INT, _SMALL_INT - 1), numbers, name)
    return module.text()


def _check(pin: Table, name: str, gpio: int) -> None:
    if gpio in _FLASH:
        raise pin.error("gpio", f"{gpio} belongs to the flash chip", "choose one outside 6-11")
    if gpio in _ABSENT:
        raise pin.error("gpio", f"{gpio} is not led out of the module", "choose one that is, such as 25-27")
    if gpio in _CONSOLE:
        raise pin.error("gpio", f"{gpio} is the serial console's", "choose another than 1 and 3")
    if gpio in _INPUT_ONLY and not name.endswith(_INPUTS):
        raise pin.error("gpio", f"{gpio} can only be an input", f"use 0-33, or a name ending in {', '.join(_INPUTS)}")
    if name.endswith("_ADC") and gpio not in _ADC1:
        raise pin.error("gpio", f"{gpio} is not on ADC1, and ADC2 is dead with the radio on", "use one of 32-39")
