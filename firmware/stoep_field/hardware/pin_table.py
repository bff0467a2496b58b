"""The pin table: which GPIO leads by which wire to which terminal, and which levels are left when nobody drives it."""

from collections.abc import Iterator

from stoep_field.hardware.drawing import BOARD, Drawing, End, Pin

_HEAD = (
    "| GPIO | name in the firmware | leads to | wire | what for |",
    "|---|---|---|---|---|",
)


def render(drawing: Drawing) -> str:
    """Markdown; one row a pin, by number, or by terminal where the controller is no ESP32."""
    rows = sorted(_pins(drawing)) if drawing.pins else list(_terminals(drawing))
    lines = [
        f"# Pins of the {drawing.kind}",
        "",
        f"{drawing.parts[BOARD].part}. Made from `hardware/{drawing.kind}.toml`.",
        "",
    ]
    if not drawing.pins:
        return "\n".join([*lines, "| terminal | leads to | wire |", "|---|---|---|", *(row for _, row in rows)]) + "\n"
    return "\n".join([*lines, *_HEAD, *(row for _, row in rows)]) + "\n"


def _pins(drawing: Drawing) -> Iterator[tuple[int, str]]:
    for pin in drawing.pins.values():
        far, wires = _leads(drawing, End(BOARD, pin.name))
        yield pin.gpio, f"| {pin.gpio} | `{pin.name}` | {far} | {wires} | {_use(pin)} |"


def _terminals(drawing: Drawing) -> Iterator[tuple[int, str]]:
    for number, terminal in enumerate(drawing.terminals(BOARD)):
        far, wires = _leads(drawing, End(BOARD, terminal))
        yield number, f"| {terminal} | {far} | {wires} |"


def _use(pin: Pin) -> str:
    return pin.use + ("; wakes the board" if pin.wakes else "") + (f"; pulled {pin.pull}" if pin.pull else "")


def _leads(drawing: Drawing, end: End) -> tuple[str, str]:
    """Where the wires from a terminal lead, and their colours; fittings where there are no wires."""
    runs = [run for bundle in drawing.bundles.values() for run in bundle.runs if end in (run.left, run.right)]
    if runs:
        fars = [run.right if run.left == end else run.left for run in runs]
        return ", ".join(map(str, fars)), ", ".join(dict.fromkeys(run.colour for run in runs))
    legs = [fitting for fitting in drawing.fittings.values() if end in fitting.between]
    return ", ".join(f"{leg.name} to {leg.between[leg.between[0] == end]}" for leg in legs), "on the carrier"
