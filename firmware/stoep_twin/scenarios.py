"""Days that happen to a street: what befalls it when, in shares of the run."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

from stoep_twin import following
from stoep_twin.faults import Kind
from stoep_twin.street import Options, Street

_HOUR = 3600.0
_SPEED = 480.0
_BROWN_OUTS = 4  # a node and day
_AWAY = (3 / 8, 5 / 8)  # the gateway: six hours of a day
_SELDOM = 86_400  # seconds between two samples: the night is not theirs
_OF_LAMPS = {"follow-me": following.follow, "lamp-trouble": following.trouble, "night": following.night}
LOSSY = tuple(_OF_LAMPS)  # scenarios in a worse radio than usual
_DEAD = (7 / 16, 6 / 8)  # the climate sensor of every second node: it fails while the gateway is away


def options(scenario: str, given: Options) -> Options:
    """What a scenario sets that the user did not."""
    if scenario == "rough-day":
        if not (given.benches or given.lampposts):
            given = replace(given, bins=2, benches=2, lampposts=1)
        return replace(given, scenario=scenario, speed=_SPEED, seconds=given.seconds or 24 * _HOUR / _SPEED)
    if scenario == "budget":
        given = replace(given, bins=1, benches=1, lampposts=0, scenario=scenario)
        return replace(given, speed=120.0, seconds=given.seconds or 60.0)
    if scenario in _OF_LAMPS:
        given = replace(given, bins=0, benches=0, lampposts=following.LAMPS, speed=1.0, cast=True, scenario=scenario)
        if scenario == "night":
            return replace(given, start=following.night_of(given.seed), interval=_SELDOM)
        return replace(given, start=following.EVENING)
    known = ", ".join(("rough-day", "budget", *_OF_LAMPS))
    raise ValueError(f"there is no scenario {scenario!r}; there are: {known}")


async def befall(street: Street) -> None:
    """Do to the street what its scenario says. Ends when all of it has happened."""
    if street.options.scenario == "rough-day":
        await _rough_day(street)
    elif street.options.scenario in _OF_LAMPS:
        await _OF_LAMPS[street.options.scenario](street)


async def _rough_day(street: Street) -> None:
    whole = street.options.seconds or 0.0
    chance = random.Random(f"{street.options.seed}/rough")
    plan: list[tuple[float, Callable[[], Awaitable[None] | None]]] = []
    for node in street.nodes.values():
        plan += [(chance.uniform(0.03, 0.97), node.board.cut_power) for _ in range(_BROWN_OUTS)]
    victims = list(street.nodes)[::2]
    plan += [(_DEAD[0], lambda: _break(street, victims)), (_DEAD[1], lambda: _mend(street, victims))]
    plan += [(_AWAY[0], lambda: _away(street)), (_AWAY[1], lambda: _back(street))]
    begun = asyncio.get_running_loop().time()
    for share, act in sorted(plan, key=lambda planned: planned[0]):
        await asyncio.sleep(max(0.0, begun + share * whole - asyncio.get_running_loop().time()))
        done = act()
        if done is not None:
            await done


def _break(street: Street, victims: list[str]) -> None:
    for name in victims:
        street.break_part(name, "climate", Kind.ABSENT)


def _mend(street: Street, victims: list[str]) -> None:
    for name in victims:
        street.mend_part(name, "climate")


async def _away(street: Street) -> None:
    street.order.away()
    await street.gateway.down()


def _back(street: Street) -> None:
    street.gateway.up()
    street.order.back()
