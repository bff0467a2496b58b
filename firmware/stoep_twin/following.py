"""The scenarios of the lamps: here people are sent, things go wrong, and what the lamps made of it is judged.

`follow-me` runs in real time, for the lamps reckon in it. `night` runs in real time around everything that a PIR sees,
and jumps over the hours between: a board's ticks jump with them, in steps that are short beside anything it remembers.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property

from stoep_twin import judge, lighting
from stoep_twin.judge import Post, Span
from stoep_twin.stranger import Stranger
from stoep_twin.street import RADIO_CHANNEL, Node, Street
from stoep_twin.world import plan, weather
from stoep_twin.world.hours import DAY, HOUR, hour_of
from stoep_twin.world.passages import Block, Planner, moved
from stoep_twin.world.people import Kind, Trajectory
from stoep_twin.world.wind import Gust

LAMPS = 6
EVENING = dt.datetime(2026, 11, 2, 22, 30, tzinfo=dt.UTC).timestamp()  # well within the dim hours
_NIGHTS_BEGIN = dt.datetime(2026, 11, 1, 21, 5, tzinfo=dt.UTC).timestamp()
_NIGHT_S = 7.5 * HOUR  # up to shortly before the dim hours end
_NIGHTS = 30
_TREES = 1, 4  # lamps with one beside them, in a street that has fewer

_READY_S, _CALM_S = 150.0, 200.0  # how long lamps may take to go to their dim level
_WARM_S = 66.0  # virtual: a PIR says nothing in the minute after its power came, by a clock that may be slow
_STEADY_S = 1.0
_LOOK_S = 0.1
_SOON_S = 2.0
_DARKER = 0.003  # of full light
_BEFORE_S, _AFTER_S = 1.0, 6.0  # a glimpse: a PIR is high for 2.3 s after it, and blind for 2
_STEP_S, _LIT_STEP_S, _TURN_S = 20.0, 1.0, 0.06  # jumps, and what the boards have between two


class Stage:
    """A street of lamps, those who pass them, and what became of the lamps' power."""

    def __init__(self, street: Street) -> None:
        assert street.cast is not None
        self._street = street
        self._cast = street.cast
        self._passages: list[list[int]] = []
        self._dead: dict[str, list[Span]] = defaultdict(list)
        self._beginning: dict[str, list[Span]] = defaultdict(list)
        self.since: float | None = None

    @cached_property
    def lamps(self) -> list[Node]:
        """In the order of the street."""
        return sorted((node for node in self._street.nodes.values() if node.wiring.lamp), key=lambda node: node.metres)

    def now(self) -> float:
        """Unix s."""
        return self._street.clock.utc_us() / 1e6

    async def ready(self) -> bool:
        """Wait until all lamps have heard their plan and their PIRs see; whether they do."""
        began = self.now()
        end = asyncio.get_running_loop().time() + _READY_S
        while len(self._street.nodes) < self._street.options.lampposts or not self.is_calm():
            if asyncio.get_running_loop().time() > end:
                lit = [node.entry.name for node in self.lamps if not self._is_dim(node)]
                self._street.fault(f"not at the dim level {_READY_S:.0f} s after the boot: {', '.join(lit)}")
                return False
            await asyncio.sleep(_LOOK_S)
        await self._until(began + _WARM_S)
        self.since = self.now()
        return True

    def _is_dim(self, node: Node) -> bool:
        assert node.wiring.lamp is not None
        return node.wiring.lamp.history.last <= lighting.LEVELS.dim + _DARKER

    def is_calm(self) -> bool:
        """Whether no lamp is more than dim, or on its way."""
        return all(self._is_dim(node) and self.now() - self._changed(node) > _STEADY_S for node in self.lamps)

    def _changed(self, node: Node) -> float:
        assert node.wiring.lamp is not None
        return node.wiring.lamp.history.changed

    async def calm(self, begun: float | None = None) -> None:
        """Wait until nobody is followed any more, and a lamp whose power came at `begun` sees again."""
        if begun is not None:
            await self._until(begun + _WARM_S)
        end = asyncio.get_running_loop().time() + _CALM_S
        while not self.is_calm():
            if asyncio.get_running_loop().time() > end:
                lit = [node.entry.name for node in self.lamps if not self._is_dim(node)]
                self._street.find(f"still lit {_CALM_S:.0f} s after everybody had gone: {', '.join(lit)}")
                return
            await asyncio.sleep(_LOOK_S)

    async def play(self, block: Block, at: float | None = None, act: Callable[[], object] = lambda: None) -> None:
        """Send everybody of a block, and wait until they have gone; `act` happens `at` seconds from its beginning."""
        begins = self.now() + _SOON_S
        for passage in block.passages:
            people = moved(passage, begins).people
            self._passages.append(list(range(len(self._cast.people), len(self._cast.people) + len(people))))
            for one in people:
                self._cast.enter(one)
        if at is not None:
            await self._until(begins + at)
            act()
        await self._until(begins + block.lasts)

    async def _until(self, when: float) -> None:
        while (left := when - self.now()) > 0:  # noqa: ASYNC110 -- virtual time, which may jump
            await asyncio.sleep(min(left, _STEADY_S) / self._street.clock.speed)

    def has_no_power(self, node: Node, since: float) -> None:
        """From a time until now."""
        self._dead[node.entry.name].append((since, self.now()))

    def has_begun(self, node: Node, since: float) -> None:
        """From its start at a time until now."""
        self._beginning[node.entry.name].append((since, self.now()))

    def judge(self, at_least: int) -> None:
        """Everything since the lamps were ready."""
        street = self._street
        if self.since is None:
            street.verdict, street.missed = judge.Verdict(), ["the lamps were not ready: nothing was judged"]
            return
        posts = [self._post(node) for node in self.lamps]
        span = self.since, self.now()
        street.verdict = judge.judge(posts, self._passages, self._cast.people, lighting.LEVELS, span)
        street.missed = judge.misses(street.verdict, at_least)

    def _post(self, node: Node) -> Post:
        lamp, name = node.wiring.lamp, node.entry.name
        assert lamp is not None
        rises = self._cast.rises(node.metres)
        return Post(node.metres, lamp.history, rises, self._dead[name], self._beginning[name])


# -- follow-me ---------------------------------------------------------------------------------------------------------


async def follow(street: Street) -> None:
    """All passages, then a few more while something is wrong; or as many as were asked for, and nothing wrong."""
    stage, asked = Stage(street), street.options.passages
    blocks = _enough(street, asked)
    at_least = asked or sum(len(block.passages) for block in blocks)
    try:
        if not await stage.ready():
            return
        for block in blocks:
            await stage.play(block)
            await stage.calm()
        if not asked:
            await _trouble(street, stage)
    finally:
        stage.judge(at_least)


async def trouble(street: Street) -> None:
    """Only what goes wrong."""
    stage = Stage(street)
    try:
        if await stage.ready():
            await _trouble(street, stage)
    finally:
        stage.judge(10)


def _ends(street: Street) -> tuple[float, float]:
    lamps = [node.metres for node in street.nodes.values() if node.wiring.lamp]
    return (min(lamps), max(lamps)) if lamps else (0.0, 0.0)


def _enough(street: Street, asked: int) -> list[Block]:
    blocks: list[Block] = []
    for block in Planner(street.options.seed, *_ends(street)).blocks():
        if asked and sum(len(done.passages) for done in blocks) >= asked:
            break
        blocks.append(block)
    return blocks


async def _trouble(street: Street, stage: Stage) -> None:
    planner = Planner(f"{street.options.seed}/trouble", *_ends(street))
    stranger = Stranger(street.air, stage.lamps[2].metres, RADIO_CHANNEL)
    await _without_a_lamp(street, stage, planner)
    await _under_attack(stage, planner, stranger)
    try:
        await street.gateway.down()
        await stage.play(planner.trouble())
    finally:
        street.gateway.up()
    await stage.calm()
    try:
        street.switch_off("bridge")
        await stage.play(planner.trouble())
    finally:
        street.switch_on("bridge")
    await stage.calm()
    await _with_a_cold_boot(stage, planner)


async def _without_a_lamp(street: Street, stage: Stage, planner: Planner) -> None:
    victim = stage.lamps[2]
    off = stage.now()
    try:
        street.switch_off(victim.entry.name)
        await stage.play(planner.trouble())
    finally:
        street.switch_on(victim.entry.name)
        stage.has_no_power(victim, off)
        on = stage.now()
    try:
        await stage.calm(on)
    finally:
        stage.has_begun(victim, on)


async def _under_attack(stage: Stage, planner: Planner, stranger: Stranger) -> None:
    # What was heard is said again while nobody is there; then there is no end of it while people pass.
    await stranger.say_again()
    flood = asyncio.create_task(stranger.flood())
    try:
        await stage.play(planner.trouble())
    finally:
        flood.cancel()
    await stage.calm()


async def _with_a_cold_boot(stage: Stage, planner: Planner) -> None:
    # As the walker comes to the lamp.
    victim, block = stage.lamps[3], planner.trouble()
    walker = block.passages[-1].people[0]
    (begins, whence), (ends, whither) = walker.path
    at = begins + (ends - begins) * (victim.metres - 12.0 - whence) / (whither - whence)
    cut: list[float] = []

    def act() -> None:
        cut.append(stage.now())
        victim.board.cut_power()

    try:
        await stage.play(block, at, act)
        await stage.calm(*cut)
    finally:
        if cut:
            stage.has_begun(victim, cut[0])


# -- a night -----------------------------------------------------------------------------------------------------------


def night_of(seed: int) -> float:
    """When the windiest of thirty nights begins (Unix s)."""

    def blown(night: int) -> float:
        return sum(max(0.0, gust.peak - 6.0) for gust in _gusts(seed, _NIGHTS_BEGIN + night * DAY, _NIGHT_S))

    return _NIGHTS_BEGIN + max(range(_NIGHTS), key=blown) * DAY


def _gusts(seed: int, since: float, lasts: float) -> Sequence[Gust]:
    wind = weather.of(seed).wind
    hours = range(hour_of(since), hour_of(since + lasts) + 1)
    return [gust for hour in hours for gust in wind.gusts(hour) if since <= gust.begins < since + lasts]


async def night(street: Street) -> None:
    """A night of branches and one cat, and nobody else."""
    stage = Stage(street)
    assert street.cast is not None
    assert street.options.start is not None
    ends = street.options.start + _NIGHT_S
    try:
        if not await stage.ready():
            return
        begins = stage.now() + _SOON_S
        gusts = _gusts(street.options.seed, begins, ends - begins)
        for number in _trees(street):
            street.cast.shake(stage.lamps[number].metres, gusts)
        street.cast.prowl(_cat(random.Random(f"{street.options.seed}/cat"), begins + (ends - begins) / 3, stage))
        while stage.now() < ends:
            await _pass_time(street, stage, ends)
    finally:
        stage.judge(0)


def _trees(street: Street) -> Sequence[int]:
    """The lamps beside which this street has trees, two at least."""
    spots = plan.spots(["lamppost"] * LAMPS, street.options.seed)
    trees = [number for number, spot in enumerate(spots) if spot.tree]
    return trees if len(trees) > 1 else _TREES


async def _pass_time(street: Street, stage: Stage, ends: float) -> None:
    assert street.cast is not None
    now = stage.now()
    glimpse = street.cast.next_glimpse(now - _AFTER_S)
    left = (ends if glimpse is None else min(ends, glimpse)) - _BEFORE_S - now
    if left <= 0:  # soon, or just now
        await asyncio.sleep(_LOOK_S)
        return
    street.clock.jump(min(left, _STEP_S if stage.is_calm() else _LIT_STEP_S))
    await asyncio.sleep(_TURN_S)


def _cat(chance: random.Random, begins: float, stage: Stage) -> Trajectory:
    # Along the fronts from lamp to lamp, with rests.
    first, last = stage.lamps[0].metres, stage.lamps[-1].metres
    path = [(begins, chance.uniform(first, last))]
    for _ in range(8):
        whither = min(last, max(first, path[-1][1] + chance.uniform(-60, 60)))
        path.append((path[-1][0] + abs(whither - path[-1][1]) / chance.uniform(0.6, 1.4) + 0.01, whither))
        path.append((path[-1][0] + chance.uniform(2, 30), whither))
    return Trajectory(Kind.CAT, chance.uniform(0.5, 6.0), tuple(path))
