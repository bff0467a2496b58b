"""The wiring diagram's source, in the language of WireViz: left ends to the left, right ends to the right.

JSON is YAML, so it is written as JSON, one thing a line; nothing but WireViz itself is needed to draw it.
"""

import html
import json
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from stoep_field.hardware.drawing import BOARD, Bundle, Drawing, End, Fitting, Run

_CODES = {
    "red": "RD",
    "orange": "OG",
    "brown": "BN",
    "black": "BK",
    "blue": "BU",
    "yellow": "YE",
    "white": "WH",
    "green": "GN",
    "violet": "VT",
    "grey": "GY",
    "green-yellow": "GNYE",
}
_WIDTH = 26  # characters
_OPTIONS = {"fontname": "Arial", "color_mode": "full", "bgcolor_connector": "WH", "bgcolor_cable": "WH"}


def render(drawing: Drawing, sheet: str) -> str:
    """What `wireviz` reads, of one sheet."""
    bundles = [bundle for bundle in drawing.bundles.values() if bundle.sheet == sheet]
    cables, connections = _cables(drawing, bundles)
    wired = {end.part for bundle in bundles for run in bundle.runs for end in (run.left, run.right)}
    connectors = {name: _connector(drawing, name, sheet) for name in drawing.parts if name in wired}
    lines = [
        "{",
        f'"metadata": {_json({"title": f"{drawing.kind}: {sheet}"})},',
        f'"options": {_json(_OPTIONS)},',
        '"connectors": {',
        *_entries(connectors),
        "},",
        '"cables": {',
        *_entries(cables),
        "},",
        '"connections": [',
        ",\n".join(_json(one) for one in connections),
        "]",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _entries(named: dict[str, Any]) -> Iterator[str]:
    yield ",\n".join(f"{_json(name)}: {_json(value)}" for name, value in named.items())


def _connector(drawing: Drawing, name: str, sheet: str) -> dict[str, Any]:
    part = drawing.parts[name]
    notes = [f"instead of {part.instead_of}"] if part.instead_of else []
    if name == BOARD and sheet == drawing.sheets()[-1]:
        notes += [f"{one.name}  {one.part}:  {_between(drawing, one)}" for one in drawing.fittings.values()]
    labels = [_label(drawing, End(name, terminal)) for terminal in drawing.terminals(name)]
    found = {"type": _text(part.part), "pins": labels, "show_pincount": False, "hide_disconnected_pins": name == BOARD}
    return {**found, "notes": html.escape("\n".join(notes), quote=False)} if notes else found


def _between(drawing: Drawing, fitting: Fitting) -> str:
    return " – ".join(drawing.shown(end).removeprefix(f"{BOARD}.") for end in fitting.between)


def _text(text: str) -> str:
    """In lines short enough for a box, as WireViz's hypertext."""
    return html.escape("\n".join(textwrap.wrap(text, _WIDTH)), quote=False)


def _label(drawing: Drawing, end: End) -> str:
    return drawing.shown(end).removeprefix(f"{end.part}.")


def _cables(drawing: Drawing, bundles: list[Bundle]) -> tuple[dict[str, Any], list[list[dict[str, list[Any]]]]]:
    cables: dict[str, Any] = {}
    connections: list[list[dict[str, list[Any]]]] = []
    for bundle in bundles:
        for name, runs in _strands(bundle):
            cables[name] = {
                "category": "bundle",
                "gauge": bundle.gauge,
                "length": bundle.metres,
                "colors": [_CODES[run.colour] for run in runs],
                "show_wirecount": False,
            }
            for number, run in enumerate(runs, 1):
                left, right = ({end.part: [_label(drawing, end)]} for end in (run.left, run.right))
                connections.append([left, {name: [number]}, right])
    return cables, connections


def _strands(bundle: Bundle) -> list[tuple[str, list[Run]]]:
    """The bundle as boxes of the drawing: apart by where they begin and end when a part is at both sides of it."""
    lefts, rights = {run.left.part for run in bundle.runs}, {run.right.part for run in bundle.runs}
    if not lefts & rights:
        return [(f"wires {bundle.name}", list(bundle.runs))]
    apart: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in bundle.runs:
        apart[run.left.part, run.right.part].append(run)
    return [(f"wires {bundle.name} {number}", runs) for number, runs in enumerate(apart.values(), 1)]
