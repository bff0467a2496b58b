"""Rules of supply: who feeds whom, with enough volts and amperes, and behind a fuse.

A rail's load is the sum of what its parts draw at the most, all at once: cautious, for nobody adds capacitors in the
street. Through a converter it is reckoned at the highest voltage given and the lowest taken.
"""

from stoep_field.hardware.drawing import Drawing, End, Part, Rail
from stoep_field.hardware.nets import Nets

_NEEDED = {"battery": ("fuse", "polarity"), "mains": ("fuse",)}
_MILLIAMPS_A_SQUARE = 4000  # mA per mm² of copper, cautious for bundles in a warm box
_LOW_VOLTAGE = 60  # V; beyond it a supply has no ground of ours
_MAINS_GAUGE = 0.75  # mm²; IEC 60335-1, table 11: up to 6 A


def check(drawing: Drawing) -> None:
    """Raises SourceError at the first part that is not fed as it must be."""
    _check_givers(drawing)
    rails = drawing.rails()
    for part in drawing.parts.values():
        if part.supply:
            _check_volts(part, rails)
    for giver, rail in rails.values():
        _check_load(drawing, giver, rail)
    nets = Nets(drawing, through=True)
    for part in drawing.parts.values():
        if part.supply:
            _check_fed(drawing, part, rails[part.supply], nets)
        if part.source in _NEEDED:
            _check_protection(drawing, part)


def load(drawing: Drawing, name: str, above: tuple[str, ...] = ()) -> float:
    """mA that a rail is asked for at the most, with all that hangs on rails made from it."""
    return sum(drawn for _, drawn in loads(drawing, name, above))


def loads(drawing: Drawing, name: str, above: tuple[str, ...] = ()) -> list[tuple[Part, float]]:
    """The parts that hang on a rail, and the mA that each asks for at the most."""
    giver, rail = drawing.rails()[name]
    if name in above:
        raise giver.table.error("supply", f"{name} is fed from itself", "feed it from the battery or the mains")
    found = []
    for part in drawing.parts.values():
        if part.supply == name:
            passed = _passed_on(drawing, part, rail, (*above, name)) if part.gives else 0.0
            found.append((part, part.peak_milliamps + passed))
    return found


def _passed_on(drawing: Drawing, part: Part, taken: Rail, above: tuple[str, ...]) -> float:
    assert part.gives
    asked = load(drawing, part.gives.name, above)
    if part.gives.efficiency is None:
        return asked
    return asked * part.gives.volts[1] / (taken.volts[0] * part.gives.efficiency)


def _check_givers(drawing: Drawing) -> None:
    given: dict[str, str] = {}
    for part in drawing.parts.values():
        if not part.gives:
            continue
        if part.gives.name in given:
            problem = f"{part.gives.name} is given by {given[part.gives.name]} already"
            raise part.table.error("gives.rail", problem, "two supplies on one wire fight: rename one")
        if part.gives.at not in part.terminals:
            raise part.table.error("gives.at", f"{part.gives.at!r} is no terminal of it", "name one of its terminals")
        given[part.gives.name] = part.name


def _check_volts(part: Part, rails: dict[str, tuple[Part, Rail]]) -> None:
    if part.supply not in rails:
        raise part.table.error("supply", f"nothing gives {part.supply!r}", f"use one of {', '.join(rails)}")
    if part.volts is None:
        raise part.table.error("volts", "is missing", "write [lowest, highest] from the data sheet")
    lowest, highest = rails[part.supply][1].volts
    if lowest < part.volts[0] or highest > part.volts[1]:
        problem = f"{part.volts[0]:g} V to {part.volts[1]:g} V, but {part.supply} has {lowest:g} V to {highest:g} V"
        raise part.table.error("volts", problem, "feed it from another rail, or choose another part")


def _check_load(drawing: Drawing, giver: Part, rail: Rail) -> None:
    asked = loads(drawing, rail.name)
    total = sum(drawn for _, drawn in asked)
    if total > rail.milliamps:
        who = ", ".join(f"{part.name} {drawn:.0f}" for part, drawn in sorted(asked, key=lambda one: -one[1])[:3])
        problem = f"{rail.name} is asked for {total:.0f} mA ({who}), and gives {rail.milliamps:.0f}"
        raise giver.table.error("gives.milliamps", problem, "take a stronger one, or hang less on it")


def _check_fed(drawing: Drawing, part: Part, fed: tuple[Part, Rail], nets: Nets) -> None:
    giver, rail = fed
    source = End(giver.name, rail.at)
    if not any(nets.same(source, End(part.name, terminal)) for terminal in drawing.terminals(part.name)):
        problem = f"no wire leads from {source} to it"
        raise part.table.error("supply", problem, "draw it under [wires], or name the rail that feeds it")
    grounds = {nets.of(ground) for ground in nets.grounds()}
    plug = len(drawing.terminals(part.name)) == 1  # carries both
    returns = any(nets.of(End(part.name, terminal)) in grounds for terminal in drawing.terminals(part.name))
    if rail.volts[1] <= _LOW_VOLTAGE and not plug and not returns:
        raise part.table.error("supply", "no wire leads from it to the board's ground", "draw it under [wires]")


def _check_protection(drawing: Drawing, source: Part) -> None:
    assert source.gives
    needed = _NEEDED[source.source]
    start = End(source.name, source.gives.at)
    nets = Nets(drawing)
    _follow(drawing, nets, start, (), needed, source)
    asked = load(drawing, source.gives.name)
    for fuse in (part for part in drawing.parts.values() if part.role == "fuse"):
        if fuse.milliamps is None or fuse.milliamps < asked:
            raise fuse.table.error("milliamps", f"blows at {asked:.0f} mA, which is asked for", "take the next size")
        _check_gauges(drawing, fuse, source, fuse.milliamps)


def _follow(
    drawing: Drawing, nets: Nets, start: End, passed: tuple[str, ...], needed: tuple[str, ...], source: Part
) -> None:
    # Along the copper from the source; behind a part that protects, on at its other terminals.
    for end in nets.members(start):
        part = drawing.parts[end.part]
        if part is source or part.role in passed:
            continue
        if part.role in needed:
            for terminal in part.terminals:
                if terminal not in {end.terminal, "G"}:
                    _follow(drawing, nets, End(part.name, terminal), (*passed, part.role), needed, source)
            continue
        missing = [role for role in needed if role not in passed]
        if missing:
            problem = f"{start} reaches {end} without {' and '.join(missing)} on the way"
            raise source.table.error("source", problem, f"lead it through a part with role = {missing[0]!r}")


def _check_gauges(drawing: Drawing, fuse: Part, source: Part, milliamps: float) -> None:
    for bundle in drawing.bundles.values():
        if not any(end.part in {fuse.name, source.name} for run in bundle.runs for end in (run.left, run.right)):
            continue
        if source.source == "mains" and bundle.gauge < _MAINS_GAUGE:
            raise bundle.table.error("gauge", f"{bundle.gauge:g} mm² is too thin for the mains", "take 0.75 or more")
        if bundle.gauge * _MILLIAMPS_A_SQUARE < milliamps:
            problem = f"{bundle.gauge:g} mm² glows before the fuse of {milliamps:.0f} mA blows"
            raise bundle.table.error("gauge", problem, "take a thicker wire or a smaller fuse")
