"""A drawing, `hardware/<kind>.toml`, as typed data: read once, so that every product and every rule sees the same.

`hardware/README.md` says what the words mean. Each thing keeps the table that it came from, to name it in errors.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from stoep_field.tables import Table

BOARD = "board"
GROUND = "GND"
PRICES = ("€", "€€", "€€€", "€€€€")  # up to 5, 20, 100 euros; beyond
COLOURS = ("red", "orange", "brown", "black", "blue", "yellow", "white", "green", "violet", "grey", "green-yellow")
ESP32 = "ESP32"
CONTROLLERS = (ESP32, "Raspberry Pi")
ROLES = ("fuse", "polarity", "switch")
SOURCES = ("battery", "mains", "panel", "usb")
SHEETS = ("supply", "signals")  # of the wiring diagram, each a picture that fits a page
MODES = ("asleep", "watching", "divider", "measuring", "running", "radio", "off", "lit", "dark")


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
