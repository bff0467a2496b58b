"""The assembly guide: the drawing's steps in order, with what belongs to each, and what to check before going on."""

from collections.abc import Iterator

from stoep_field.hardware.drawing import Drawing, Step


def render(drawing: Drawing) -> str:
    """Markdown, to be read on a telephone or printed."""
    intro = (
        f"{len(drawing.steps)} steps, each with a check: do not go on before it passes. What to buy is in "
        "[bom.csv](bom.csv), which pin is which in [pins.md](pins.md), what it draws in [budget.md](budget.md). "
        f"Made from `hardware/{drawing.kind}.toml`."
    )
    sheets = [line for sheet in drawing.sheets() for line in (f"![wiring: {sheet}](wiring-{sheet}.svg)", "")]
    lines = [f"# Building a {drawing.kind}", "", intro, "", *sheets]
    for number, step in enumerate(drawing.steps, 1):
        lines += _step(drawing, number, step)
    return "\n".join(lines).rstrip() + "\n"


def _step(drawing: Drawing, number: int, step: Step) -> Iterator[str]:
    yield from (f"## {number}. {step.title}", "", step.do, "")
    if step.parts:
        yield from (f"- **{name}**: {_part(drawing, name)}" for name in step.parts)
        yield ""
    if step.fittings:
        yield from ("| fitting | value | from | to | what for |", "|---|---|---|---|---|")
        for fitting in (drawing.fittings[name] for name in step.fittings):
            legs = " | ".join(drawing.shown(end) for end in fitting.between)
            yield f"| {fitting.name} | {fitting.part} | {legs} | {fitting.use} |"
        yield ""
    for name in step.wires:
        yield from _wires(drawing, name)
    yield from (f"**Check.** {step.check}", "")


def _part(drawing: Drawing, name: str) -> str:
    part = drawing.parts[name]
    return f"{part.part} ({part.maker}), {part.mount}"


def _wires(drawing: Drawing, name: str) -> Iterator[str]:
    bundle = drawing.bundles[name]
    length = f"{bundle.metres * 100:.0f} cm" if bundle.metres < 1 else f"{bundle.metres:g} m"
    yield f"Wires **{name}**: {bundle.gauge:g} mm², {length}; left end: {bundle.ends[0]}; right end: {bundle.ends[1]}."
    yield from ("", "| from | colour | to |", "|---|---|---|")
    yield from (f"| {drawing.shown(run.left)} | {run.colour} | {drawing.shown(run.right)} |" for run in bundle.runs)
    yield ""
