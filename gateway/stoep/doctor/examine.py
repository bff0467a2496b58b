"""The whole examination, one finding after the other: from what is written down to the machine and the city."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stoep import settings
from stoep.clock import SystemClock
from stoep.doctor import bridges, bus, card, city, disk, memory, power, time
from stoep.doctor.finding import Finding, good, trouble, warning
from stoep.doctor.machine import Machine
from stoep.errors import SettingsError
from stoep.service import brokers
from stoep.service.check import check
from stoep.settings import Settings
from stoep.status.ask import NotRunningError, ask


def examine(config: Path, machine: Machine) -> Iterator[Finding]:
    """Each as soon as it is known: some take seconds. What runs is asked, not tried: it holds ports and names."""
    report = check(config)
    for error in report.errors:
        yield trouble("settings", f"{error.file}: {error.key or 'the file'} {error.problem}", error.remedy)
    if report.errors:
        yield from _machine(machine)
        return
    chosen = settings.load(config)
    yield good("settings", f"{config} is right: {report.nodes} nodes, {report.groups} lamp groups")
    store = chosen.path(chosen.store.path)
    try:
        said = ask(store)
    except NotRunningError as error:
        words, _, remedy = str(error).partition(": ")
        yield trouble("service", words, remedy)
        yield from bridges.look(chosen.bridge)
        yield _city(chosen)
    else:
        yield good("service", f"stoep {said['version']} runs")
        yield from bridges.running(said)
        yield _told(said)
    if chosen.cabinet.bme280:
        yield bus.look(machine, chosen.cabinet.address)
    yield memory.look(machine, store.parent)
    yield disk.room(store.parent)
    yield disk.speed(store.parent)
    yield card.look(machine, store.parent)
    yield from _machine(machine)


def _machine(machine: Machine) -> Iterator[Finding]:
    yield time.look(SystemClock())
    yield power.look(machine)


def _city(chosen: Settings) -> Finding:
    try:
        return city.look(brokers.city(chosen))
    except SettingsError as error:
        return trouble("city", f"{error.key or error.file} {error.problem}", error.remedy)


def _told(said: dict[str, Any]) -> Finding:
    """What the running service says of its own connection."""
    uplink = said.get("uplink", {})
    if uplink.get("connected"):
        return good("city", f"connected, {said['counters'].get('outbox', 0)} messages wait")
    problem = uplink.get("problem")
    if problem is None:
        return warning("city", "not connected yet", "ask again in a minute")
    words, _, remedy = problem.partition("; ")
    return trouble("city", words, remedy or "is the broker up, is a firewall between?")
