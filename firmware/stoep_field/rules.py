"""What an ESP32-WROOM-32 allows: every drawing is held against it before anything is made from the drawing.

Sources: ESP32 datasheet, sections 2.2 (pin functions) and 2.4 (strapping pins); ESP32-WROOM-32E datasheet, section 3;
technical reference manual, sections 4.7 (RTC IO) and 29.3 (ADC2 is the radio's while that is on).
"""

from stoep_field.tables import Table

HIGHEST = 39
_CONSOLE = (1, 3)
_FLASH = range(6, 12)
_ABSENT = (20, 24, *range(28, 32))
_STRAPPING = {
    0: "chooses the boot mode",
    2: "chooses the boot mode",
    5: "times SDIO",
    12: "sets the flash's voltage",
    15: "silences the boot messages",
}
_INPUT_ONLY = range(34, 40)
_ADC1 = range(32, 40)
_RTC = (0, 2, 4, *range(12, 16), *range(25, 28), *range(32, 40))
_INPUTS = ("_RX", "_IN", "_ADC", "_OUT", "_INT")  # how a pin's name says that the ESP32 only listens on it
_LIGHT = "_DIM"  # a pin that dims a lamp: what it leaves the lamp when nobody drives it is drawn and checked
_PULLS = {"up": True, "down": False}  # the level of a pin that nobody drives
_SILENT = "none"  # a part that says nothing to the board: supply, box
_BUSES = ("i2c", "uart", "pin", "adc", _SILENT)
_I2C = (0x08, 0x77)  # addresses that are not reserved


def check(drawing: Table) -> None:
    """Raises SourceError at the first thing that this chip cannot do, or that two parts want of one."""
    parts, pins = drawing.table("parts"), drawing.table("pins")
    addresses: dict[int, str] = {}
    for name, part in parts.tables():
        _check_part(part, name, addresses)
    users: dict[int, str] = {}
    for name, pin in pins.tables():
        gpio = pin.integer("gpio", 0, HIGHEST)
        if gpio in users:
            raise pin.error("gpio", f"{gpio} is {users[gpio]}'s already", "wire it to a free GPIO")
        users[gpio] = name
        _check_gpio(pin, name, gpio)
        if name.endswith(_LIGHT):
            _check_light(pin)
        if pin.text("part") not in parts.content:
            raise pin.error("part", f"{pin.text('part')!r} is not under [parts]", "name one that is")
    if addresses and not {"I2C_SDA", "I2C_SCL"} <= pins.content.keys():
        raise drawing.error("pins", "has no I2C_SDA and I2C_SCL", "draw the bus that a part is on")


def _check_part(part: Table, name: str, addresses: dict[int, str]) -> None:
    part.text("part")
    bus = part.text("bus")
    if bus not in _BUSES:
        raise part.error("bus", f"is {bus!r}", f"write one of {', '.join(_BUSES)}")
    if bus == "i2c":
        address = part.integer("address", *_I2C)
        if address in addresses:
            raise part.error("address", f"0x{address:02x} is {addresses[address]}'s already", "strap one to another")
        addresses[address] = name
    if bus == _SILENT and "microamps" not in part.content:
        return
    currents = part.table("microamps")
    if not currents.content:
        raise part.error("microamps", "is empty", "give the current of each mode")
    for mode, current in currents.content.items():
        if not isinstance(current, int | float) or isinstance(current, bool) or current < 0:
            raise currents.error(mode, f"is {current!r}", "write µA from the datasheet")


def _check_gpio(pin: Table, name: str, gpio: int) -> None:
    if gpio in _FLASH:
        raise pin.error("gpio", f"{gpio} belongs to the flash chip", "choose one outside 6-11")
    if gpio in _ABSENT:
        raise pin.error("gpio", f"{gpio} is not led out of the module", "choose one that is, such as 25-27")
    if gpio in _CONSOLE:
        raise pin.error("gpio", f"{gpio} is the serial console's", "choose another than 1 and 3")
    if gpio in _STRAPPING:
        raise pin.error("gpio", f"{gpio} {_STRAPPING[gpio]} at a reset", "choose one that is not sampled then")
    if gpio in _INPUT_ONLY and not name.endswith(_INPUTS):
        raise pin.error("gpio", f"{gpio} can only be an input", f"use 4-33, or a name ending in {', '.join(_INPUTS)}")
    if name.endswith("_ADC") and gpio not in _ADC1:
        raise pin.error("gpio", f"{gpio} is not on ADC1, and ADC2 is dead with the radio on", "use one of 32-39")
    if pin.content.get("wakes", False) is not False and (pin.content["wakes"] is not True or gpio not in _RTC):
        raise pin.error("gpio", f"{gpio} cannot wake the chip from deep sleep", "use an RTC GPIO, such as 25-27, 32-39")
    if name.endswith("_POWER") and gpio not in _RTC:
        raise pin.error("gpio", f"{gpio} floats in deep sleep, and a supply with it", "use an RTC GPIO, such as 25-27")


def _check_light(pin: Table) -> None:
    """Every output floats at a reset: a resistor beside the chip says what that means to the lamp."""
    pull, high, undriven = pin.text("pull"), pin.text("high"), pin.text("undriven")
    if pull not in _PULLS:
        raise pin.error("pull", f"is {pull!r}", "give the pin a resistor of 10 kΩ or less, and write up or down")
    if high != "dark":
        raise pin.error("high", f"is {high!r}", "turn the driver round: a PWM that stops is low, and must be lit")
    if undriven != "lit":
        raise pin.error("undriven", f"is {undriven!r}, and a reset would be dark", "draw it so that it is lit")
    if _PULLS[pull]:
        raise pin.error("undriven", f"is not so: pulled {pull}, and high is {high}", "pull it down")
