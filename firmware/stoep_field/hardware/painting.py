"""Draws: WireViz and Graphviz the wiring, matplotlib the budget. Only `make hardware` needs them."""

import importlib.util
import shutil
from typing import Any

from stoep_field.hardware.budget import Budget, board_of

_APT = "sudo apt install graphviz fonts-liberation"
_PIP = "pip install 'stoep[drawings]'"
_BOARD, _PARTS, _SUN = "#3b6ea5", "#c9803a", "#d9b300"
_INCH = 0.34  # a bar's height


class PaintingError(Exception):
    """A drawing program is missing; says which, and how to get it."""


def tools() -> None:
    """Raises PaintingError unless all drawing programs are here."""
    if shutil.which("dot") is None:
        raise PaintingError(f"Graphviz is missing: {_APT}")
    for name in ("matplotlib", "wireviz"):
        if importlib.util.find_spec(name) is None:
            raise PaintingError(f"{name} is missing: {_PIP}")


def wiring(source: str) -> tuple[str, bytes]:
    """The wiring diagram as SVG and PNG."""
    from wireviz.wireviz import parse

    graph = parse(_yaml(source), return_types="harness").graph
    graph.attr("graph", ranksep="0.5", nodesep="0.25")
    return graph.pipe(format="svg").decode("utf-8"), graph.pipe(format="png")


def _yaml(source: str) -> Any:
    import yaml

    return yaml.safe_load(source)


def bars(kind: str, budget: Budget) -> str:
    """A day by consumer, the hungriest on top, and what December's sun brings beside what the day takes; as SVG."""
    import io

    import matplotlib as mpl
    from matplotlib.figure import Figure

    shown, unit = (budget.watt_hours, "Wh") if budget.source_watts is not None else (budget.mah, "mAh")
    rows = [(name, value) for name, value in sorted(shown.items(), key=lambda one: one[1]) if value > 0]
    total = sum(shown.values())
    with mpl.rc_context({"svg.hashsalt": "stoep"}):
        panels = 1 if budget.december_mah is None else 2
        heights = [_INCH * len(rows), 3 * _INCH][:panels]
        figure = Figure(figsize=(7.5, 1.1 * panels + sum(heights)), layout="constrained")
        axes = figure.subplots(panels, squeeze=False, height_ratios=heights)[:, 0]
        title = f"What a day of the {kind} takes: {total:.3g} {unit}"
        _panel(axes[0], title, unit, rows, [_BOARD if board_of(name) else _PARTS for name, _ in rows])
        if budget.december_mah is not None:
            pair = [("the day takes", total), ("the sun brings", budget.december_mah)]
            _panel(axes[1], "A day of December", unit, pair, [_PARTS, _SUN])
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def _panel(axes: Any, title: str, unit: str, rows: list[tuple[str, float]], colours: list[str]) -> None:
    drawn = axes.barh([name for name, _ in rows], [value for _, value in rows], color=colours)
    axes.bar_label(drawn, labels=[f"{value:.2g}" if value < 100 else f"{value:.0f}" for _, value in rows], padding=3)  # noqa: PLR2004
    axes.margins(x=0.12)
    axes.set_title(title, loc="left")
    axes.set_xlabel(f"{unit} a day")
    axes.spines[["top", "right"]].set_visible(False)
