"""Reads a drawing, `hardware/<kind>.toml`: each word has its type, and a word that nobody knows is refused."""

from pathlib import Path

from stoep_field.hardware.drawing import (
    COLOURS,
    CONTROLLERS,
    MODES,
    PRICES,
    ROLES,
    SHEETS,
    SOURCES,
    Bundle,
    Drawing,
    End,
    Fitting,
    Part,
    Pin,
    Rail,
    Run,
    Step,
)
from stoep_field.tables import Table

_WORDS = ("kind", "controller", "parts", "power", "sun", "use", "pins", "numbers", "fittings", "wires", "steps")
_PART = (
    *("part", "maker", "number", "price", "mount", "bus", "address", "baud", "instead_of", "role", "source", "supply"),
    *("volts", "logic", "gives", "terminals", "open", "joined", "microamps", "peak_milliamps", "milliamps", "seconds"),
)
_RAIL = ("rail", "at", "volts", "milliamps", "efficiency_percent")
_PIN = ("gpio", "part", "use", "wakes", "pull", "high", "undriven")
_FITTING = ("part", "number", "ohms", "between", "use")
_BUNDLE = ("sheet", "part", "maker", "price", "gauge", "metres", "ends", "runs")
_STEP = ("title", "do", "parts", "fittings", "wires", "check")
_MOST_METRES = 50
_MOST_MILLIAMPS = 100_000


def load(file: Path) -> Drawing:
    """Reads a drawing. Raises SourceError where a word is missing or of another type."""
    root = Table.load(file)
    root.only(_WORDS)
    controller = root.text("controller")
    if controller not in CONTROLLERS:
        raise root.error("controller", f"is {controller!r}", f"write one of {', '.join(CONTROLLERS)}")
    pins = {name: _pin(name, pin) for name, pin in root.table("pins").tables()}
    return Drawing(
        kind=root.text("kind"),
        controller=controller,
        table=root,
        parts={name: _part(name, part) for name, part in root.table("parts").tables()},
        pins=pins,
        fittings={name: _fitting(name, fitting) for name, fitting in root.table("fittings").tables()},
        bundles={name: _bundle(name, bundle) for name, bundle in root.table("wires").tables()},
        steps=tuple(_step(step) for step in root.each("steps")),
        numbers=dict(root.table("numbers").content),
    )


def _part(name: str, table: Table) -> Part:
    table.only(_PART)
    price = table.text("price")
    if price not in PRICES:
        raise table.error("price", f"is {price!r}", f"write one of {', '.join(PRICES)}")
    microamps = table.table("microamps") if "microamps" in table.content else None
    if microamps:
        microamps.only(MODES)
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
    )


def _rail(table: Table) -> Rail:
    table.only(_RAIL)
    percent = _optional(table, "efficiency_percent", 100)
    milliamps = table.number("milliamps", 1, _MOST_MILLIAMPS)
    return Rail(
        table.text("rail"), table.text("at"), _pair(table, "volts"), milliamps, percent / 100 if percent else None
    )


def _pin(name: str, table: Table) -> Pin:
    table.only(_PIN)
    gpio = table.integer("gpio", 0, 39)
    wakes = table.boolean("wakes") if "wakes" in table.content else False
    pull = _text(table, "pull")
    if pull not in {"", "up", "down"}:
        raise table.error("pull", f"is {pull!r}", "write up or down")
    return Pin(name, table, gpio, table.text("part"), table.text("use"), wakes, pull)


def _fitting(name: str, table: Table) -> Fitting:
    table.only(_FITTING)
    between = table.texts("between")
    if len(between) != 2:  # noqa: PLR2004 - a fitting has two legs
        raise table.error("between", f"has {len(between)} ends", "name the two terminals that it joins")
    left, right = (_end(table, "between", text) for text in between)
    ohms = _optional(table, "ohms", 1e9)
    return Fitting(name, table, table.text("part"), table.text("number"), ohms, (left, right), table.text("use"))


def _bundle(name: str, table: Table) -> Bundle:
    table.only(_BUNDLE)
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
    table.only(_STEP)
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
