"""How a run ends: the boards stop sampling but report until everything is acknowledged, open windows are brought to
their end, the outbox drains; only then is counted."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from stoep.resources import hardware_dir
from stoep_twin import budget, technician
from stoep_twin.auditor import WINDOW_S
from stoep_twin.budget import Spent
from stoep_twin.street import Street
from stoep_twin.summary import Summary, quantile

_REPORT_S = 2.5  # real, between two reports of a board that only reports
_SETTLE_S = 60.0
_COMPLETE_S = 30.0
_HURRIED_S = 6.0
_QUIET_S = 8.0
_GRACE_S = 75  # virtual: the gateway waits 60 s after a window's end
_PATIENCE_S = 6 * 3600 + 900  # virtual
_SHORTEST_INTERVAL, _LONGEST_INTERVAL = 5, 86_400
_LOOK_S = 0.1


async def wind_down(street: Street, hurry: asyncio.Event) -> None:
    """Bring a running street to its end; with `hurry` set, or as soon as it is, in a few seconds."""
    street.budgets = _budgets(street)  # what comes now is not a day's work
    nodes = list(street.nodes.values())
    interval = round(_REPORT_S * street.options.speed)
    interval = max(_SHORTEST_INTERVAL, min(_LONGEST_INTERVAL, interval))
    for node in nodes:
        await technician.change_settings(node.board, sampling=0, interval=interval)
        node.settled.clear()
        node.board.reset_if_asleep()
    if not await _until(street, lambda: all(node.settled.is_set() for node in nodes), _SETTLE_S, hurry):
        for node in nodes:
            if not node.settled.is_set():
                street.find(f"{node.entry.name}: still holds {node.held} samples that are not acknowledged")
    await _end_windows(street)
    await _complete(street, hurry)
    if street.auditor.audit().lost and street.options.scenario:
        # A life between two brown-outs of which no exchange is known: the gateway waits that long before it estimates.
        await _end_windows(street, _PATIENCE_S)
        await _complete(street, hurry)


async def _complete(street: Street, hurry: asyncio.Event) -> None:
    began = time.monotonic()
    if not await _until(street, lambda: _is_complete(street, began), _COMPLETE_S, hurry):
        street.find(f"the city did not get everything in time: outbox {street.outbox}")


async def _end_windows(street: Street, more_s: int = 0) -> None:
    # Time may jump only while no board is awake: one that measures or waits would take the jump for its own delay.
    last = street.auditor.last_taken_us()
    if last is None:
        return
    window_us = WINDOW_S * 1_000_000
    target = ((last + street.tolerance_us) // window_us + 1) * window_us + (_GRACE_S + more_s) * 1_000_000
    async with contextlib.AsyncExitStack() as asleep:
        for node in street.nodes.values():
            await asleep.enter_async_context(node.board.taken())
        ahead = (target - street.clock.utc_us()) / 1e6
        if ahead > 0:
            street.clock.jump(ahead)


def _is_complete(street: Street, began: float) -> bool:
    # Either everything is in, or what is not will not come any more: several reports have brought nothing.
    if street.outbox != 0:
        return False
    if time.monotonic() - max(began, street.last_delivery) > _QUIET_S:
        return True
    audit = street.auditor.audit()
    return not (audit.lost or audit.duplicates or audit.values_wrong)


async def _until(street: Street, true: Callable[[], bool], seconds: float, hurry: asyncio.Event) -> bool:
    start = time.monotonic()
    while not true():
        street.check()
        gone = time.monotonic() - start
        if gone > (_HURRIED_S if hurry.is_set() else seconds):
            return False
        await asyncio.sleep(_LOOK_S)
    return True


def summarise(street: Street) -> Summary:
    """Count."""
    audit, air, options = street.auditor.audit(), street.air.figures, street.options
    reused = [f"a nonce was used twice: {header}" for header in street.air.nonces.reused]
    return Summary(
        readings_taken=audit.readings_taken,
        readings_delivered=audit.readings_delivered,
        lost=audit.lost,
        duplicates=audit.duplicates,
        redelivered=audit.redelivered,
        values_wrong=audit.values_wrong,
        frames_sent=air.sent,
        frames_lost_in_air=air.lost,
        reply_ms_p50=quantile(air.reply_ms, 0.5),
        reply_ms_p99=quantile(air.reply_ms, 0.99),
        wall_seconds=round(time.monotonic() - street.started, 1),
        windows=audit.windows,
        seed=options.seed,
        speed=options.speed,
        loss=options.loss,
        bins=options.bins,
        benches=options.benches,
        lampposts=options.lampposts,
        kills=street.gateway.kills,
        stuck_boards=street.stuck,
        faults=street.faults,
        readings_untrue=street.untrue,
        nonces_reused=len(reused),
        alarms_while_away=street.order.raised,
        alarms_after_backlog=len(street.order.late),
        alarms_missing=street.order.raised - street.order.delivered,
        channels=_channels(street),
        budgets=street.budgets,
        lamps=street.verdict,
        lamps_missed=street.missed,
        findings=audit.findings + street.findings + street.order.late + reused[:5],
    )


def _budgets(street: Street) -> dict[str, dict[str, float]]:
    by_kind: dict[str, list[Spent]] = {}
    for node in street.nodes.values():
        spent = Spent(node.samples, node.board.starts, street.air.nonces.by_kid[node.entry.kid], node.board.upkeep)
        by_kind.setdefault(node.entry.kind, []).append(spent)
    drawings = hardware_dir()
    return {
        kind: budget.figures(drawings / f"{kind}.toml", spent, street.options.interval)
        for kind, spent in by_kind.items()
        if any(one.samples for one in spent) and budget.has_battery(drawings / f"{kind}.toml")
    }


def _channels(street: Street) -> dict[str, list[str]]:
    # What every node of a kind has delivered: a channel that only some have is missing.
    by_kind: dict[str, set[str]] = {}
    for name, node in street.nodes.items():
        has = street.auditor.channels(name)
        by_kind[node.entry.kind] = by_kind.get(node.entry.kind, has) & has
    return {kind: sorted(channels) for kind, channels in sorted(by_kind.items())}
