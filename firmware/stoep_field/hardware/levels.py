"""Rules of levels: nothing drives the ESP32 beyond 3.3 V, dividers are what the firmware reckons with, pulls are there.

Sources: ESP32 data sheet, "DC characteristics" (VIH at most VDD + 0.3 V) and "ADC characteristics" (11 dB: to 3.1 V
with the calibration that MicroPython's `read_uv` uses); I2C specification UM10204, section 7.1 (pull-ups).
"""

from stoep_field.hardware.drawing import BOARD, Drawing, End, Fitting, Part, Pin
from stoep_field.hardware.nets import Nets

_MOST_VOLTS = 3.6
_MOST_ADC = 3.1
_I2C_OHMS = (1000, 10_000)
_PULL_OHMS = 100_000
_LIGHT_OHMS = 10_000
_CLOSE = 0.02  # of what the divider is said to be
_CLOSE_AMPS = 0.05
_ADC, _LIGHT, _POWER, _I2C = "_ADC", "_DIM", "_POWER", "I2C_"


def check(drawing: Drawing) -> None:
    """Raises SourceError at the first pin that would see too much, or float."""
    nets = Nets(drawing)
    for pin in drawing.pins.values():
        _check_level(drawing, pin, nets)
        if pin.name.endswith(_ADC):
            _check_divider(drawing, pin, nets)
        if pin.name.startswith(_I2C):
            _check_bus(drawing, pin, nets)
        if pin.name.endswith(_POWER) and pin.pull != "down":
            raise pin.table.error(
                "pull", "is missing: a supply floats at a reset", 'write "down", and fit the resistor'
            )
        if pin.pull:
            _check_pull(drawing, pin, nets)


def _check_level(drawing: Drawing, pin: Pin, nets: Nets) -> None:
    for end in nets.members(End(BOARD, pin.name)):
        part = drawing.parts[end.part]
        volts = _logic(drawing, part)
        if part.name != BOARD and volts is not None and volts > _MOST_VOLTS:
            problem = f"{end} gives {volts:g} V to a pin for 3.3 V"
            raise pin.table.error("gpio", problem, "put a level shifter or a divider between, or say its `logic` volts")


def _logic(drawing: Drawing, part: Part) -> float | None:
    if part.logic is not None:
        return part.logic
    rails = drawing.rails()
    if part.source and part.gives:
        return part.gives.volts[1]
    if part.source and part.volts:
        return part.volts[1]
    return rails[part.supply][1].volts[1] if part.supply else None


def _check_divider(drawing: Drawing, pin: Pin, nets: Nets) -> None:
    net, grounds = nets.of(End(BOARD, pin.name)), nets.grounds()
    legs = _resistors(drawing, pin, nets)
    lower = [one for one, far in legs if nets.of(far) in grounds]
    upper = [one for one, far in legs if nets.of(far) not in grounds]
    if len(lower) != 1 or len(upper) != 1 or net in grounds:
        problem = "is behind no divider of two resistors"
        raise pin.table.error("gpio", problem, "fit one from the voltage to the pin, one from the pin to GND")
    high, low = upper[0].ohms or 0, lower[0].ohms or 1
    told = f"{pin.name.removesuffix(_ADC)}_DIVIDER"
    ratio = (high + low) / low
    said = drawing.numbers.get(told)
    if said is None or abs(said / 1000 / ratio - 1) > _CLOSE:
        problem = f"is {said}, but {upper[0].name} and {lower[0].name} make {ratio * 1000:.0f}"
        raise drawing.table.table("numbers").error(told, problem, "correct the number or the resistors")
    source = drawing.parts[pin.part]
    volts = _logic(drawing, source) or 0.0
    if volts / ratio > _MOST_ADC:
        problem = f"sees {volts / ratio:.2f} V of {pin.part}'s {volts:g} V, and reads up to {_MOST_ADC:g} V"
        raise pin.table.error("gpio", problem, f"make {upper[0].name} larger")
    drawn = source.microamps.get("divider", 0)
    if drawn and abs(drawn / (volts / (high + low) * 1e6) - 1) > _CLOSE_AMPS:
        problem = f"is {drawn:g}, but {volts:g} V over {high + low:g} Ω make {volts / (high + low) * 1e6:.0f}"
        raise source.table.error("microamps.divider", problem, "correct it")


def _resistors(drawing: Drawing, pin: Pin, nets: Nets) -> list[tuple[Fitting, End]]:
    """Those with one leg at the pin, and where their other leg is."""
    net = nets.of(End(BOARD, pin.name))
    found = []
    for fitting in drawing.fittings.values():
        for near, far in (fitting.between, fitting.between[::-1]):
            if fitting.ohms is not None and nets.of(near) == net:
                found.append((fitting, far))
    return found


def _pulls(drawing: Drawing, pin: Pin, nets: Nets, up: bool) -> list[Fitting]:
    high = nets.of(End(BOARD, "3V3"))
    grounds = nets.grounds()
    return [
        fitting
        for fitting, far in _resistors(drawing, pin, nets)
        if (nets.of(far) == high if up else nets.of(far) in grounds)
    ]


def _check_bus(drawing: Drawing, pin: Pin, nets: Nets) -> None:
    found = _pulls(drawing, pin, nets, up=True)
    lowest, highest = _I2C_OHMS
    if len(found) != 1 or not lowest <= (found[0].ohms or 0) <= highest:
        fitted = ", ".join(f"{one.name} {one.ohms:g} Ω" for one in found) or "no resistor"
        remedy = f"fit one of {lowest} Ω to {highest} Ω"
        raise pin.table.error("use", f"{pin.name} is pulled up by {fitted}", f"{remedy} from 3V3")


def _check_pull(drawing: Drawing, pin: Pin, nets: Nets) -> None:
    found = _pulls(drawing, pin, nets, up=pin.pull == "up")
    most = _LIGHT_OHMS if pin.name.endswith(_LIGHT) else _PULL_OHMS
    if not found or (found[0].ohms or 0) > most:
        where = "3V3" if pin.pull == "up" else "GND"
        problem = f"no resistor of {most} Ω or less leads from {pin.name} to {where}"
        raise pin.table.error("pull", problem, "put it under [fittings]")
