"""The power budget: what a day takes by consumer, how long the battery lasts, what December's sun gives, how far each
supply is from its limit. The reckoning of a day is `stoep.energy`'s, as in the virtual street."""

from dataclasses import dataclass

from stoep import energy
from stoep_field.hardware import supply
from stoep_field.hardware.drawing import BOARD, Drawing

_HOURS = 24
_DAY_S = 86_400
_ALWAYS = ("samples_a_day", "measure_seconds")
_WAKING = (*_ALWAYS, "naps_a_sample", "waited_seconds", "radio_seconds", "start_seconds", "nap_seconds")
_CELL = {"battery_milliamp_hours": 1e6, "usable_percent": 100, "self_discharge_percent_a_month": 100}
_SUN = {"december_watt_hours": 1e4, "june_watt_hours": 1e4, "reaches_percent": 100}
_FULL_SUN = 1000  # W/m², at which panels are rated


@dataclass(frozen=True)
class Budget:
    """mAh a day by consumer, in the drawing's order, each at its own rail."""

    mah: dict[str, float]
    watt_hours: dict[str, float]  # a day, by consumer
    days: float | None  # on the battery, without sun
    december_mah: float | None  # that the panel brings on a day of December
    june_mah: float | None
    source_watts: float | None  # that the mains or the port gives, in the mean of a day

    @property
    def total_mah(self) -> float:
        return sum(self.mah.values())


def check(drawing: Drawing) -> None:
    """Raises SourceError where the day, the cell or the sun is not told as the reckoning needs it."""
    use = drawing.table.table("use")
    always = "always" in use.content and use.boolean("always")
    for key in _ALWAYS if always else _WAKING:
        use.number(key, 0, _DAY_S)
    use.only(("always", *_ALWAYS, *_WAKING, "lit_hours"))
    if "lit_hours" in use.content:
        use.number("lit_hours", 0, _HOURS)
    for name, words in (("power", _CELL), ("sun", _SUN)):
        if name in drawing.table.content:
            table = drawing.table.table(name)
            table.only(tuple(words))
            for key, highest in words.items():
                table.number(key, 0, highest)
    board = drawing.parts[BOARD]
    for mode in () if always else ("asleep", "running", "radio"):
        if mode not in board.microamps:
            raise board.table.error(f"microamps.{mode}", "is missing", "add it in µA")


def reckon(drawing: Drawing) -> Budget:
    mah = energy.day(drawing.plan, energy.Use.drawn(drawing.plan))
    hours = {name: value * _volts(drawing, _part(name)) / 1000 for name, value in mah.items()}
    power = drawing.plan.get("power")
    days = energy.days_on_battery(power, sum(mah.values())) if isinstance(power, dict) else None
    return Budget(
        mah,
        hours,
        days,
        december_mah=_harvest(drawing, "december_watt_hours"),
        june_mah=_harvest(drawing, "june_watt_hours"),
        source_watts=None if power else _source_watts(drawing, mah),
    )


def _harvest(drawing: Drawing, month: str) -> float | None:
    # A linear charger passes on the panel's milliamps, whatever its volts.
    sun, panel = drawing.plan.get("sun"), drawing.parts.get("solar")
    if not isinstance(sun, dict) or panel is None or panel.milliamps is None:
        return None
    return float(panel.milliamps / _FULL_SUN * sun["reaches_percent"] / 100 * sun[month])


def _part(consumer: str) -> str:
    return consumer.split(",", maxsplit=1)[0]


def _volts(drawing: Drawing, name: str) -> float:
    part, rails = drawing.parts[name], drawing.rails()
    rail = rails[part.supply][1] if part.supply else part.gives
    if rail is None:
        return 3.3
    return sum(rail.volts) / 2


def _source_watts(drawing: Drawing, mah: dict[str, float]) -> float:
    source = next(part for part in drawing.parts.values() if part.source in {"mains", "usb"})
    assert source.gives
    return _mean_milliamps(drawing, source.gives.name, mah) * sum(source.gives.volts) / 2 / 1000


def _mean_milliamps(drawing: Drawing, rail: str, mah: dict[str, float]) -> float:
    found = 0.0
    volts = sum(drawing.rails()[rail][1].volts) / 2
    for part in drawing.parts.values():
        if part.supply != rail:
            continue
        found += sum(value for name, value in mah.items() if _part(name) == part.name) / _HOURS
        if part.gives:
            passed = _mean_milliamps(drawing, part.gives.name, mah)
            factor = sum(part.gives.volts) / 2 / volts / part.gives.efficiency if part.gives.efficiency else 1.0
            found += passed * factor
    return found


def render(drawing: Drawing) -> str:
    """Markdown: the day's table, the battery and the sun, the supplies."""
    budget = reckon(drawing)
    lines = [f"# Power budget of the {drawing.kind}", "", _basis(drawing), "", "![a day by consumer](budget.svg)", ""]
    lines += [*_table(budget), "", *_battery(drawing, budget), *_sun(drawing, budget)]
    if budget.source_watts is not None:
        lines += [f"Drawn from the source, with what the supplies lose: {budget.source_watts:.1f} W in the mean.", ""]
    lines += ["## Supplies", "", "What each may be asked for at once, all peaks together.", ""]
    lines += ["| rail | given by | volts | asked, mA | gives, mA |", "|---|---|---|---|---|"]
    for name, (giver, rail) in drawing.rails().items():
        volts = f"{rail.volts[0]:g} to {rail.volts[1]:g}" if rail.volts[0] != rail.volts[1] else f"{rail.volts[0]:g}"
        lines.append(f"| {name} | {giver.name} | {volts} | {supply.load(drawing, name):.0f} | {rail.milliamps:.0f} |")
    return "\n".join(lines) + "\n"


def _table(budget: Budget) -> list[str]:
    total = sum(budget.watt_hours.values())
    if budget.source_watts is not None:
        rows = [f"| {name} | {value:.3f} |" for name, value in budget.watt_hours.items()]
        return ["| consumer | Wh a day |", "|---|---|", *rows, f"| **all** | **{total:.1f}** |"]
    rows = [f"| {name} | {mah:.3f} | {budget.watt_hours[name] * 1000:.2f} |" for name, mah in budget.mah.items()]
    rows.append(f"| **all** | **{budget.total_mah:.2f}** | **{total * 1000:.1f}** |")
    return ["| consumer | mAh a day | mWh a day |", "|---|---|---|", *rows]


def _basis(drawing: Drawing) -> str:
    use = drawing.plan["use"]
    assert isinstance(use, dict)
    if use.get("always"):
        return f"It never sleeps. {use['samples_a_day']:g} samples a day. Nothing here was measured on a board."
    naps, radio = use["naps_a_sample"] * use["samples_a_day"], use["radio_seconds"] * 1000
    return (
        f"{use['samples_a_day']:g} samples a day, {naps:.0f} wakes that only count a movement, {radio:.0f} ms of radio "
        "a sample, as `stoep twin --scenario budget` counts them; currents from data sheets, as the drawing's comments "
        "say. Nothing here was measured on a board."
    )


def _battery(drawing: Drawing, budget: Budget) -> list[str]:
    power = drawing.plan.get("power")
    if not isinstance(power, dict) or budget.days is None:
        return []
    usable, leak = power["usable_percent"], power["self_discharge_percent_a_month"]
    cell = f"{power['battery_milliamp_hours']} mAh, {usable} % of it usable, {leak} % lost a month by itself"
    return [f"**{budget.days:.0f} days** on {cell}, and nothing charged.", ""]


def _sun(drawing: Drawing, budget: Budget) -> list[str]:
    sun, panel = drawing.plan.get("sun"), drawing.parts.get("solar")
    if not isinstance(sun, dict) or not panel or budget.december_mah is None:
        return []
    times = budget.december_mah / budget.total_mah
    said = (
        f"A day of **December** in Flanders gives {budget.december_mah:.0f} mAh, {times:.1f} times what the day takes: "
        f"{sun['december_watt_hours']} Wh/m² on the flat, {sun['reaches_percent']} % of it on the panel, "
        f"{panel.milliamps:g} mA in full sun, through a linear charger. June gives {budget.june_mah:.0f} mAh. "
        "Below 0 °C the charger stops, and the cell alone carries the bench."
    )
    return [said, ""]


def board_of(consumer: str) -> bool:
    """Whether this consumer is the board in one of its modes."""
    return _part(consumer) == BOARD
