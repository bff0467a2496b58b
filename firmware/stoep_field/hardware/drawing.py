"""A drawing, `hardware/<kind>.toml`, as typed data: read once, so that every product and every rule sees the same.

`hardware/README.md` says what the words mean. Each thing keeps the table that it came from, to name it in errors.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from stoep_field.tables import Table

BOARD = "board"
GROUND = "GND"
PRICES = ("€", "€€", "€€€", "€€€€")  # up to 5, 20, 100 euros; beyond
COLOURS = (*("red", "orange", "brown", "black", "blue", "yellow", "white", "green", "violet", "grey", "green-yellow"),)
ESP32 = "ESP32"
ROLES = ("fuse", "polarity", "switch")
SOURCES = ("battery", "mains", "panel", "usb")
SHEETS = ("supply", "signals")  # of the wiring diagram, each a picture that fits a page
_MOST_METRES = 50
_MOST_MILLIAMPS = 100_000


class End(NamedTuple):
    """One terminal of one part."""

    part: str
    terminal: str

    def __str__(self) -> str:
        return f"{self.part}.{self.terminal}"


@dataclass(frozen=True)
class Rail:
    """A supply that a part gives: its volts (lowest, highest) and how many mA it may be asked for."""

    name: str
    at: str  # the terminal
    volts: tuple[float, float]
    milliamps: float
    efficiency: float | None  # of a converter, 0 to 1; None: it passes on the current that it takes (linear, a switch)


@dataclass(frozen=True)
class Part:
    name: str
    table: Table
    part: str
    maker: str
    number: str
    price: str
    mount: str
    bus: str
    terminals: tuple[str, ...]
    open: tuple[str, ...]  # terminals that are meant to stay unconnected
    joined: tuple[tuple[str, ...], ...]  # terminals that are one inside the part
    microamps: dict[str, float]
    peak_milliamps: float
    supply: str = ""  # the rail it is fed from
    volts: tuple[float, float] | None = None
    logic: float | None = None  # how high its outputs go
    gives: Rail | None = None
    role: str = ""  # fuse, polarity, switch: what passes a supply on
    source: str = ""  # battery, mains, panel, usb
    instead_of: str = ""
    milliamps: float | None = None  # of a fuse, a panel
    watts: float | None = None


@dataclass(frozen=True)
class Pin:
    name: str
    table: Table
    gpio: int
    part: str
    use: str
    wakes: bool
    pull: str  # up, down or nothing: the resistor outside the chip


class Run(NamedTuple):
    """One wire."""

    left: End
    colour: str
    right: End


@dataclass(frozen=True)
class Bundle:
    """Wires that are led together."""

    name: str
    table: Table
    gauge: float  # mm²
    metres: float
    ends: tuple[str, str]
    runs: tuple[Run, ...]
    sheet: str  # of the wiring diagram
    part: str = ""  # when it is bought as it is
    maker: str = ""
    price: str = "€"


@dataclass(frozen=True)
class Fitting:
    """A resistor or capacitor between two terminals on the carrier."""

    name: str
    table: Table
    part: str
    number: str
    ohms: float | None
    between: tuple[End, End]
    use: str


@dataclass(frozen=True)
class Step:
    table: Table
    title: str
    do: str
    check: str
    parts: tuple[str, ...]
    fittings: tuple[str, ...]
    wires: tuple[str, ...]


@dataclass(frozen=True)
class Drawing:
    kind: str
    controller: str
    table: Table
    parts: dict[str, Part]
    pins: dict[str, Pin]
    fittings: dict[str, Fitting]
    bundles: dict[str, Bundle]
    steps: tuple[Step, ...]
    numbers: dict[str, int] = field(default_factory=dict)

    @property
    def plan(self) -> dict[str, object]:
        """The TOML as it was read."""
        return self.table.content

    def terminals(self, part: str) -> tuple[str, ...]:
        """A part's terminals; the board's pins count among its own."""
        own = self.parts[part].terminals
        return (*own, *self.pins) if part == BOARD else own

    def shown(self, end: End) -> str:
        """A terminal as people find it: a pin of the board by its number, too."""
        is_pin = end.part == BOARD and end.terminal in self.pins
        return f"{BOARD}.IO{self.pins[end.terminal].gpio} {end.terminal}" if is_pin else str(end)

    def sheets(self) -> list[str]:
        """The sheets that its wiring takes."""
        return [sheet for sheet in SHEETS if any(bundle.sheet == sheet for bundle in self.bundles.values())]

    def rails(self) -> dict[str, tuple[Part, Rail]]:
        """By name: who gives it, and what it is."""
        return {part.gives.name: (part, part.gives) for part in self.parts.values() if part.gives}


def load(file: Path) -> Drawing:
    """Reads a drawing. Raises SourceError where a word is missing or of another type."""
    root = Table.load(file)
    pins = {name: _pin(name, pin) for name, pin in root.table("pins").tables()}
    return Drawing(
        kind=root.text("kind"),
        controller=root.text("controller"),
        table=root,
        parts={name: _part(name, part) for name, part in root.table("parts").tables()},
        pins=pins,
        fittings={name: _fitting(name, fitting) for name, fitting in root.table("fittings").tables()},
        bundles={name: _bundle(name, bundle) for name, bundle in root.table("wires").tables()},
        steps=tuple(_step(step) for step in root.each("steps")),
        numbers=dict(root.table("numbers").content),
    )


def _part(name: str, table: Table) -> Part:
    price = table.text("price")
    if price not in PRICES:
        raise table.error("price", f"is {price!r}", f"write one of {', '.join(PRICES)}")
    microamps = table.table("microamps") if "microamps" in table.content else None
    draws = {mode: microamps.number(mode, 0, 1e9) for mode in microamps.content} if microamps else {}
    highest = max(draws.values(), default=0.0) / 1000
    peak = _optional(table, "peak_milliamps", _MOST_MILLIAMPS)
    return Part(
        name=name,
        table=table,
        part=table.text("part"),
        maker=table.text("maker"),
        number=table.text("number"),
        price=price,
        mount=table.text("mount"),
        bus=table.text("bus"),
        terminals=_texts(table, "terminals"),
        open=_texts(table, "open"),
        joined=tuple(tuple(group) for group in table.content.get("joined", [])),
        microamps=draws,
        peak_milliamps=highest if peak is None else peak,
        supply=_text(table, "supply"),
        volts=_pair(table, "volts") if "volts" in table.content else None,
        logic=_optional(table, "logic", 400),
        gives=_rail(table.table("gives")) if "gives" in table.content else None,
        role=_one_of(table, "role", ROLES),
        source=_one_of(table, "source", SOURCES),
        instead_of=_text(table, "instead_of"),
        milliamps=_optional(table, "milliamps", _MOST_MILLIAMPS),
        watts=_optional(table, "watts", 1e4),
    )


def _rail(table: Table) -> Rail:
    percent = _optional(table, "efficiency_percent", 100)
    milliamps = table.number("milliamps", 1, _MOST_MILLIAMPS)
    return Rail(
        table.text("rail"), table.text("at"), _pair(table, "volts"), milliamps, percent / 100 if percent else None
    )


def _pin(name: str, table: Table) -> Pin:
    gpio = table.integer("gpio", 0, 39)
    wakes = table.boolean("wakes") if "wakes" in table.content else False
    pull = _text(table, "pull")
    if pull not in {"", "up", "down"}:
        raise table.error("pull", f"is {pull!r}", "write up or down")
    return Pin(name, table, gpio, table.text("part"), table.text("use"), wakes, pull)


def _fitting(name: str, table: Table) -> Fitting:
    between = table.texts("between")
    if len(between) != 2:  # noqa: PLR2004 - a fitting has two legs
        raise table.error("between", f"has {len(between)} ends", "name the two terminals that it joins")
    left, right = (_end(table, "between", text) for text in between)
    ohms = _optional(table, "ohms", 1e9)
    return Fitting(name, table, table.text("part"), table.text("number"), ohms, (left, right), table.text("use"))


def _bundle(name: str, table: Table) -> Bundle:
    ends = table.texts("ends")
    if len(ends) != 2:  # noqa: PLR2004 - so has a wire
        raise table.error("ends", f"says how {len(ends)} of a wire's two ends are made", "say it of both")
    sheet = _text(table, "sheet") or SHEETS[-1]
    if sheet not in SHEETS:
        raise table.error("sheet", f"is {sheet!r}", f"write one of {', '.join(SHEETS)}")
    return Bundle(
        name=name,
        table=table,
        gauge=table.number("gauge", 0.05, 16),
        metres=table.number("metres", 0.01, _MOST_METRES),
        ends=(ends[0], ends[1]),
        runs=tuple(_run(table, number, run) for number, run in enumerate(table.array("runs"), 1)),
        sheet=sheet,
        part=_text(table, "part"),
        maker=_text(table, "maker") or "any",
        price=_text(table, "price") or "€",
    )


def _run(table: Table, number: int, run: object) -> Run:
    key = f"runs[{number}]"
    if not isinstance(run, list) or len(run) != 3 or not all(isinstance(word, str) and word for word in run):  # noqa: PLR2004
        raise table.error(
            key, f"is {run!r}, no wire with two ends", 'write ["part.terminal", "colour", "part.terminal"]'
        )
    left, colour, right = run
    if colour not in COLOURS:
        raise table.error(key, f"{colour!r} is no colour of a wire here", f"use one of {', '.join(COLOURS)}")
    return Run(_end(table, key, left), colour, _end(table, key, right))


def _end(table: Table, key: str, text: str) -> End:
    part, dot, terminal = text.partition(".")
    if not (dot and part and terminal):
        raise table.error(key, f"{text!r} names no terminal", "write part.terminal")
    return End(part, terminal)


def _step(table: Table) -> Step:
    parts, fittings, wires = (_texts(table, key) for key in ("parts", "fittings", "wires"))
    return Step(table, table.text("title"), table.text("do"), table.text("check"), parts, fittings, wires)


def _texts(table: Table, key: str) -> tuple[str, ...]:
    return tuple(table.texts(key)) if key in table.content else ()


def _text(table: Table, key: str) -> str:
    return table.text(key) if key in table.content else ""


def _one_of(table: Table, key: str, known: tuple[str, ...]) -> str:
    text = _text(table, key)
    if text and text not in known:
        raise table.error(key, f"is {text!r}", f"write one of {', '.join(known)}")
    return text


def _optional(table: Table, key: str, highest: float) -> float | None:
    return table.number(key, 0, highest) if key in table.content else None


def _pair(table: Table, key: str) -> tuple[float, float]:
    values = table.content.get(key)
    if not isinstance(values, list) or len(values) != 2 or not all(isinstance(one, int | float) for one in values):  # noqa: PLR2004
        raise table.error(key, f"is {values!r}", "write [lowest, highest]")
    lowest, highest = float(values[0]), float(values[1])
    if lowest > highest:
        raise table.error(key, f"is {values!r}, the wrong way round", "write [lowest, highest]")
    return lowest, highest
