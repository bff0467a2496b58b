"""The fleet's condition as documents: what the city reads of each node and of all of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from stoep.fleet.battery import Remaining
from stoep.fleet.condition import Condition, Use, problems

_DIGITS = 3


def _days(battery: Remaining | None) -> dict[str, int | None] | None:
    """Whole days; "latest" null: beyond what can be told."""
    if battery is None:
        return None
    rounded = (None if days is None else round(days) for days in (battery.days, battery.soonest, battery.latest))
    return dict(zip(("days", "soonest", "latest"), rounded, strict=True))


def node(condition: Condition, *, silent: bool) -> dict[str, Any]:
    """For the node's `state.health`."""
    return {
        "silent": silent,
        "failing": list(condition.failing),
        "battery_left": _days(condition.battery),
        "clock_ppm": condition.ppm,
        "usable": {"verdict": condition.use.value, "windows": condition.good, "expected": condition.windows},
    }


def fleet(conditions: Iterable[Condition], heard: Mapping[bytes, float], now: float, started: float) -> dict[str, Any]:
    """For the `gateway` message: counts, and by name those somebody should look at.

    `heard`: Unix seconds at which each kid was last heard since `started`.
    """
    known = list(conditions)
    old = [one for one in known if one.use is not Use.NEW]
    usable = sum(one.use is Use.USABLE for one in old)
    return {
        "nodes": len(known),
        "usable": usable,
        "of": len(old),
        "share": round(usable / len(old), _DIGITS) if old else None,
        "silent": [one.name for one in known if one.silent(heard.get(one.kid), now, started)],
        "failing": {one.name: list(one.failing) for one in known if one.failing},
        "drifting": [one.name for one in known if one.drifting],
        "battery_days": {
            one.name: round(one.battery.days)
            for one in known
            if one.battery is not None and one.battery.days is not None
        },
    }


def row(condition: Condition, heard: float | None, now: float, started: float) -> dict[str, Any]:
    """For whoever stands in the street: `stoep status` and the metrics."""
    times = [at for at in (heard, condition.heard) if at is not None]
    return {
        "node": condition.name,
        "kid": condition.kid.hex(),
        "kind": condition.kind,
        "last_heard": round(max(times)) if times else None,
        "silent": condition.silent(heard, now, started),
        "waiting_here": condition.here,
        "waiting_there": condition.there,
        "volts": condition.volts,
        "battery_left": _days(condition.battery),
        "clock_ppm": condition.ppm,
        "usable": condition.use.value,
        "windows": condition.good,
        "windows_expected": condition.windows,
        "problems": problems(condition, heard, now, started),
    }
