"""Rules of joints: each wire ends at both sides, each terminal is thought about, each thing is in one step."""

from collections.abc import Iterable, Iterator

from stoep_field.hardware.drawing import BOARD, Bundle, Drawing, End, Run, Step
from stoep_field.hardware.nets import Nets
from stoep_field.tables import Table

_MAINS = {"L": "brown", "N": "blue", "PE": "green-yellow"}  # IEC 60445
_EARTH = "green-yellow"
_FEEDS = ("red", "orange")


def check(drawing: Drawing) -> None:
    """Raises SourceError at the first loose end."""
    for table, key, end in _ends(drawing):
        _check_end(drawing, table, key, end)
    for part in drawing.parts.values():
        for terminal in (*part.open, *(one for group in part.joined for one in group)):
            if terminal not in part.terminals:
                raise part.table.error("open", f"{terminal!r} is no terminal of it", "name some of its terminals")
    _check_terminals(drawing)
    nets, through = Nets(drawing), Nets(drawing, through=True)
    _check_shorts(drawing, nets)
    for bundle in drawing.bundles.values():
        _check_colours(drawing, bundle, nets, through)
    _check_steps(drawing)


def _ends(drawing: Drawing) -> Iterator[tuple[Table, str, End]]:
    for bundle in drawing.bundles.values():
        for number, run in enumerate(bundle.runs, 1):
            yield bundle.table, f"runs[{number}]", run.left
            yield bundle.table, f"runs[{number}]", run.right
    for fitting in drawing.fittings.values():
        yield from ((fitting.table, "between", end) for end in fitting.between)


def _check_end(drawing: Drawing, table: Table, key: str, end: End) -> None:
    if end.part not in drawing.parts:
        raise table.error(key, f"{end} ends at no part", f"use one of {', '.join(drawing.parts)}")
    part = drawing.parts[end.part]
    if end.terminal in part.open:
        raise table.error(
            key, f"{end} is meant to stay open", f"take it out of parts.{part.name}.open, or the wire away"
        )
    if end.terminal not in drawing.terminals(end.part):
        known = ", ".join(drawing.terminals(end.part)) or "none"
        raise table.error(key, f"{part.name} has no terminal {end.terminal!r}", f"it has {known}")


def _check_terminals(drawing: Drawing) -> None:
    used = {end for _, _, end in _ends(drawing)}
    for part in drawing.parts.values():
        for terminal in drawing.terminals(part.name):
            if End(part.name, terminal) in used or terminal in part.open:
                continue
            if part.name == BOARD and terminal in drawing.pins:
                pin = drawing.pins[terminal]
                raise pin.table.error("gpio", f"no wire leads to {terminal}", "draw it under [wires]")
            raise part.table.error("terminals", f"{terminal} is not connected", "draw its wire, or list it under open")


def _check_shorts(drawing: Drawing, nets: Nets) -> None:
    feeds = {f"the supply {rail.name}": End(giver.name, rail.at) for giver, rail in drawing.rails().values()}
    pins = {f"the pin {name}": End(BOARD, name) for name in drawing.pins}
    taken: dict[End, str] = dict.fromkeys(nets.grounds(), "ground")
    for name, end in {**feeds, **pins}.items():
        net = nets.of(end)
        if net in taken:
            raise drawing.table.error("wires", f"join {name} and {taken[net]}", f"{end} must not lead there")
        taken[net] = name


def _check_colours(drawing: Drawing, bundle: Bundle, nets: Nets, through: Nets) -> None:
    grounds = nets.grounds()
    first: dict[str, End] = {}
    for number, run in enumerate(bundle.runs, 1):
        key = f"runs[{number}]"
        grounded = nets.of(run.left) in grounds
        if grounded and run.colour in _FEEDS:
            raise bundle.table.error(key, f"a {run.colour} wire leads to ground", "make it black")
        if run.colour == "black" and not grounded and _low(drawing, run):
            raise bundle.table.error(key, f"the black wire {run.left} to {run.right} is not ground", "choose a colour")
        for mains, colour in _mains(drawing, run):
            if run.colour != colour:
                raise bundle.table.error(key, f"{mains} of the mains is {run.colour}", f"make it {colour} (IEC 60445)")
        if run.colour == _EARTH and not any(end.terminal == "PE" for end in (run.left, run.right)):
            raise bundle.table.error(key, f"{_EARTH} is for the earth alone", "choose another colour")
        other = first.setdefault(run.colour, run.left)
        if not through.same(other, run.left):
            raise bundle.table.error(key, f"{run.colour} is {other}'s in this bundle already", "choose another colour")


def _mains(drawing: Drawing, run: Run) -> Iterable[tuple[str, str]]:
    for end in (run.left, run.right):
        if drawing.parts[end.part].source == "mains" and end.terminal in _MAINS:
            yield end.terminal, _MAINS[end.terminal]


def _low(drawing: Drawing, run: Run) -> bool:
    return not any(drawing.parts[end.part].source == "battery" for end in (run.left, run.right))


def _check_steps(drawing: Drawing) -> None:
    placed: dict[str, int] = {}
    for number, step in enumerate(drawing.steps, 1):
        for kind, names, known in (
            ("parts", step.parts, drawing.parts),
            ("fittings", step.fittings, drawing.fittings),
            ("wires", step.wires, drawing.bundles),
        ):
            for name in names:
                if name not in known:
                    raise step.table.error(kind, f"{name!r} is not in the drawing", f"use some of {', '.join(known)}")
                if f"{kind}.{name}" in placed:
                    raise step.table.error(kind, f"{name!r} is in step {placed[f'{kind}.{name}']} already", "once")
                placed[f"{kind}.{name}"] = number
        _check_order(drawing, step, placed)
    for kind, things in (("parts", drawing.parts), ("fittings", drawing.fittings), ("wires", drawing.bundles)):
        for name in things:
            if f"{kind}.{name}" not in placed:
                raise drawing.table.error(f"{kind}.{name}", "is in no step of the guide", "say under [[steps]] when")


def _check_order(drawing: Drawing, step: Step, placed: dict[str, int]) -> None:
    ends = [end for name in step.wires for run in drawing.bundles[name].runs for end in (run.left, run.right)]
    ends += [end for name in step.fittings for end in drawing.fittings[name].between]
    for end in ends:
        if f"parts.{end.part}" not in placed:
            raise step.table.error("wires", f"{end} is wired before {end.part} is there", "put the part first")
