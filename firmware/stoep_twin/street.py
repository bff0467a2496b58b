"""A street of virtual boards with its gateway and its city, put together and kept running."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stoep.resources import firmware_dir, hardware_dir, wire_dir
from stoep_twin import lighting, technician, truth
from stoep_twin.air import Air, Radio
from stoep_twin.auditor import Auditor, Taken, catalogue
from stoep_twin.boards import Board
from stoep_twin.broker import Broker
from stoep_twin.chips.lamp import Failing, Lamp
from stoep_twin.clockwork import Clockwork
from stoep_twin.console import Line as ConsoleLine
from stoep_twin.deliveries import Deliveries
from stoep_twin.faults import Kind
from stoep_twin.gateway import Gateway, Group, NodeEntry, write_registry, write_settings
from stoep_twin.judge import Verdict
from stoep_twin.line import Line
from stoep_twin.nursery import Nursery
from stoep_twin.order import Order
from stoep_twin.recording import Recording
from stoep_twin.subscriber import Subscriber
from stoep_twin.surroundings import DEFAULT_HEAP, Surroundings
from stoep_twin.wiring import Wiring
from stoep_twin.world import plan
from stoep_twin.world.cast import Cast
from stoep_twin.world.place import Place

_START_US = 1_780_293_600_000_000  # 2026-06-01T06:00:00Z
RADIO_CHANNEL = 6
EDGE_S = 0.1  # real: how far the true time of a reading and its time by the street's clocks may differ
_DRIFT_PPM = 50_000
_ONLINE_S = 15.0
_ANCHOR_S = 120.0
_SWITCH_S = 0.001  # no thread may keep the event loop waiting longer: it is on the way of every frame
_MOST_FINDINGS = 60


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    bins: int = 3
    benches: int = 0
    lampposts: int = 0
    speed: float = 240.0
    seconds: float | None = None
    loss: float = 0.05
    seed: int = 1
    directory: Path = Path("build/twin")
    broker: str = "embedded"
    kills: int = 0
    interval: int = 900
    heap: str = DEFAULT_HEAP
    scenario: str = ""
    faults: tuple[tuple[str, Kind], ...] = ()  # (part, how it is broken), wherever it is
    failing: Failing | None = None  # how all lamps' light is
    start: float | None = None  # Unix s at which virtual time begins
    cast: bool = False  # nobody is in the street but those whom the scenario sends
    passages: int = 0  # of a scenario, at least; 0: all

    @property
    def furniture(self) -> list[tuple[str, str]]:
        """(name, kind) of every node; where they stand is in `world/plan.py`."""
        numbers = {"bin": self.bins, "bench": self.benches, "lamppost": self.lampposts}
        return [(f"{kind}-{index}", kind) for kind, many in numbers.items() for index in range(1, many + 1)]


@dataclass
class Node:
    """One node, as the street's people know it."""

    entry: NodeEntry
    board: Board
    place: Place
    wiring: Wiring
    metres: float
    counts: dict[str, int] = field(default_factory=dict)  # of the last sample
    samples: int = 0
    said_at: float | None = None  # Unix s, true: the last sample
    booted: float = 0.0  # Unix s, true: its last start
    held: int | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)


class Street:
    """Everything of one run. `async with street.running():` is its life."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.site = "twin" if options.broker in ("embedded", "mosquitto") else f"twin-{secrets.token_hex(3)}"
        self.directory = options.directory.resolve()
        start = _START_US if options.start is None else round(options.start * 1e6)
        start += random.Random(f"{options.seed}/start").randrange(900) * 1_000_000
        self.clock = Clockwork(self.directory / "clock", start, options.speed)
        self.tape = Recording(self.directory)
        self.air = Air(options.loss, options.seed, tape=self.tape)
        self.tolerance_us = round(EDGE_S * options.speed * 1e6)
        self.auditor = Auditor(catalogue(wire_dir()), self.tolerance_us)
        self.order = Order(lambda: self.clock.utc_us() / 1e6)
        self.broker = Broker(options.broker, self.directory)
        self.verdict: Verdict | None = None
        self.missed: list[str] = []  # bounds, in words
        spots = plan.spots([kind for _, kind in options.furniture], options.seed)
        self._spots = dict(zip(options.furniture, spots, strict=True))
        posts = [spot.metres for (_, kind), spot in self._spots.items() if kind == "lamppost"]
        self.cast = Cast(options.seed, posts) if options.cast else None
        self.nodes: dict[str, Node] = {}
        self.boards: list[Board] = []
        self.findings: list[str] = []
        self.faults = 0
        self.stuck = 0
        self.untrue = 0
        self.budgets: dict[str, dict[str, float]] = {}  # by kind, see budget.py
        self.status: dict[str, Any] = {}  # the gateway's own, as the city has it
        self.last_delivery = time.monotonic()
        self._before: Counter[str] = Counter()  # counted by gateway processes that are gone
        self.started = time.monotonic()
        self.first_boot = self.started
        self.first_window: float | None = None
        self.on_first_window: Callable[[str, Any], None] = lambda _node, _message: None
        self.group = self._group()
        self._nursery = Nursery()
        self._tasks: list[asyncio.Task[None]] = []

    # -- life ----------------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Build the street and boot its boards; everything is stopped at the end, however that comes."""
        sys.setswitchinterval(_SWITCH_S)
        try:
            await self._build()
            yield
        finally:
            await self._tear_down()

    def _group(self) -> Group | None:
        lamps = [(name, spot.metres) for (name, kind), spot in self._spots.items() if kind == "lamppost"]
        told = lighting.KNOWN and len(lamps) > 1
        return Group("street", secrets.token_bytes(32), tuple(lamps)) if told else None

    async def _build(self) -> None:
        options = self.options
        self.broker.start()
        self._nursery.open(self.directory / "nursery.log")
        around = Surroundings(self.clock, self._nursery, self.air, firmware_dir(), self._said, self.fault, options.heap)
        self.line = Line(self.directory / "bridge")
        self.bridge = self._board("bridge", 0, "bridge", plan.Spot(plan.BRIDGE), around, self.line)[0]
        for index, ((name, kind), spot) in enumerate(self._spots.items(), 1):
            board, place, wiring = self._board(name, index, kind, spot, around, None)
            entry = NodeEntry((0xC0FFEE00 + index).to_bytes(4, "big"), name, kind, secrets.token_bytes(32))
            self.nodes[name] = Node(entry, board, place, wiring, spot.metres)
            if wiring.lamp is not None:
                wiring.lamp.fail(options.failing)
            for part, how in options.faults:
                self.break_part(name, part, how)
        config = write_settings(
            self.directory,
            self.site,
            [node.entry for node in self.nodes.values()],
            self.line.port,
            self.clock.path,
            self.broker.address,
            self.group,
        )
        self.subscriber = Subscriber(self.broker.address, self.site, self._heard, Deliveries(self.directory))
        self.subscriber.start()
        self.gateway = Gateway(config, self.directory / "gateway.log", self.fault)
        self._tasks.append(asyncio.create_task(self.gateway.keep(), name="gateway"))
        self._tasks.append(asyncio.create_task(self._wind(), name="clock"))
        await technician.commission_bridge(self.bridge, RADIO_CHANNEL)
        for node in self.nodes.values():
            await technician.commission_node(
                node.board, node.entry.kind, node.entry.kid, node.entry.secret, RADIO_CHANNEL, options.interval
            )
        await self._boot()

    async def _boot(self) -> None:
        end = time.monotonic() + _ONLINE_S
        while self.status.get("status") != "online":
            self.check()
            if time.monotonic() > end:
                raise RuntimeError(f"the gateway is not online after {_ONLINE_S:.0f} s: {self.gateway.last_words()}")
            await asyncio.sleep(0.05)
        self.first_boot = time.monotonic()
        self._tasks.append(asyncio.create_task(self.bridge.live(), name="bridge"))
        self._tasks.append(asyncio.create_task(self._boot_nodes(), name="boot"))

    async def _boot_nodes(self) -> None:
        # One after the other within one report interval, as somebody walks down the street with batteries.
        apart = min(0.3, self.options.interval / self.options.speed / max(1, len(self.nodes)))
        for node in self.nodes.values():
            await asyncio.sleep(apart)
            self._tasks.append(asyncio.create_task(node.board.live(), name=node.entry.name))

    async def _wind(self) -> None:
        while True:
            await asyncio.sleep(_ANCHOR_S)
            self.clock.anchor()

    def _board(
        self, name: str, index: int, kind: str, spot: plan.Spot, around: Surroundings, line: Line | None
    ) -> tuple[Board, Place, Wiring]:
        seed = self.options.seed
        place = Place(seed, index, self.clock.utc_us() / 1e6, spot, self.cast)
        wiring_seed = random.Random(f"{seed}/{index}/parts").randrange(1 << 30)
        wiring = Wiring(
            hardware_dir() / f"{kind}.toml", place, lambda: self.clock.utc_us() / 1e6, self.options.speed, wiring_seed
        )
        mac = bytes.fromhex("240ac4") + (0x100000 + index).to_bytes(3, "big")
        radio = Radio(mac, spot.metres, line is not None, lambda *_: None)
        drift = random.Random(f"{seed}/{index}/drift").randint(-_DRIFT_PPM, _DRIFT_PPM)
        directory = self.directory / "boards" / name
        board = Board(name, directory, mac, drift, wiring, radio, around, line)
        self.boards.append(board)
        return board, place, wiring

    async def _tear_down(self) -> None:
        for task in self._tasks:
            if task.get_name() != "gateway":
                task.cancel()
        boards = [task for task in self._tasks if task.get_name() != "gateway"]
        await asyncio.gather(*boards, return_exceptions=True)
        if hasattr(self, "gateway"):
            await self.gateway.stop()
            await asyncio.sleep(0.1)  # what it sent last is still on its way to the subscriber
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if hasattr(self, "subscriber"):
            self.subscriber.stop()
        if hasattr(self, "line"):
            self.line.close()
        for board in self.boards:
            board.close()
        self.broker.stop()
        self._nursery.close()
        self.clock.close()
        self.tape.close()

    # -- what befalls it -----------------------------------------------------------------------------------------------

    async def renew(self, name: str, *, erased: bool = True) -> None:
        """Commission a node again under the same kid with a new secret; `erased`: its flash, too, is new."""
        node = self.nodes[name]
        node.entry = entry = replace(node.entry, secret=secrets.token_bytes(32))
        act = technician.flash_anew if erased else technician.commission_again
        await act(node.board, entry.kind, entry.kid, entry.secret, RADIO_CHANNEL, self.options.interval)
        self.air.nonces.renew(entry.kid)
        write_registry(self.directory, [node.entry for node in self.nodes.values()], self.group)

    def break_part(self, name: str, part: str, kind: Kind) -> None:
        """A part of a node, by its name in the drawing or its maker's, fails; a node without it is none the worse."""
        self.nodes[name].wiring.break_part(part, kind)

    def mend_part(self, name: str, part: str) -> None:
        """It is well again."""
        self.nodes[name].wiring.mend_part(part)

    def switch_off(self, name: str) -> None:
        """A lamppost, with its lamp, has no power until it is switched on; a bridge or any other node, too."""
        board, lamp = self._with_lamp(name)
        if lamp is not None:
            lamp.supply(False)
        board.switch_off()

    def switch_on(self, name: str) -> None:
        """Its power is back."""
        board, lamp = self._with_lamp(name)
        if lamp is not None:
            lamp.supply(True)
        board.switch_on()

    def _with_lamp(self, name: str) -> tuple[Board, Lamp | None]:
        node = self.nodes.get(name)
        return (self.bridge, None) if node is None else (node.board, node.wiring.lamp)

    def end_at_once(self) -> None:
        """Kill everything, politely to nobody."""
        if hasattr(self, "gateway"):
            self.gateway.end()
        self.broker.stop()
        self._nursery.close()

    def check(self) -> None:
        """Raise what a task of the street has died of."""
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    # -- what is heard -------------------------------------------------------------------------------------------------

    def fault(self, text: str) -> None:
        """Something that must not happen: it makes the run fail."""
        self.faults += 1
        if "stuck at the REPL" in text:
            self.stuck += 1
        self.find(text)

    def find(self, text: str) -> None:
        """Something worth telling; bounded."""
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(text)

    def _said(self, board: str, line: ConsoleLine) -> None:
        node = self.nodes.get(board)
        word = line.word
        if word == "failed":
            self.fault(f"{board}: {line.text}; see console.raw in its directory")
        elif node is None:
            return
        elif word == "boot":
            node.booted = self.clock.utc_us(line.virtual_us) / 1e6
        elif word == "sample":
            self._sampled(node, line)
        elif word == "alarm":
            alarm = line.fields()
            self.order.raise_alarm(board, int(alarm["epoch"]), int(alarm["number"]))
        elif word == "held":
            node.held = int(line.fields().get("count", "0"))
            if node.held == 0:
                node.settled.set()
        elif word == "uncommissioned" or (word == "sensor" and line.fields().get("failures") == "1"):
            self.find(f"{board}: {line.text}")

    def _sampled(self, node: Node, line: ConsoleLine) -> None:
        fields = line.fields()
        order = (int(fields.pop("epoch")), int(fields.pop("seq")))
        fields.pop("tick", None)
        node.counts = {name: int(value) for name, value in fields.items()}
        node.samples += 1
        at = self.clock.utc_us(line.virtual_us)
        self.auditor.take(node.entry.name, Taken(at, order, node.counts))
        before, node.said_at = node.said_at, at / 1e6
        if self.options.faults:
            return  # what a broken part says is not the world
        slack = 2 * EDGE_S * self.options.speed
        wrong = truth.untrue(node.place, node.counts, at / 1e6, slack, before, node.wiring.lamp, node.booted)
        self.untrue += len(wrong)
        if wrong:
            self.find(f"{node.entry.name}: {', '.join(wrong)}")

    def _heard(self, topic: str, message: Any) -> None:
        name, _, what = topic.partition("/")
        if topic == "gateway" and isinstance(message, dict):
            known = self.status.get("instance")
            if known is not None and message.get("instance", known) != known:
                self._before.update(self.status.get("counters", {}))
            # A last will names neither instance nor counters; those before it stand.
            self.status = {**self.status, **message}
        else:
            self.order.hear(name, what, message)
        if what == "window":
            if self.first_window is None:
                self.first_window = time.monotonic() - self.first_boot
                self.on_first_window(name, message)
            self.last_delivery = time.monotonic()
            self.auditor.deliver(name, message)

    def counted(self, name: str) -> int:
        """A counter of the gateway, over all its lives."""
        return int(self._before[name] + self.status.get("counters", {}).get(name, 0))

    @property
    def outbox(self) -> int | None:
        """What the gateway has decided but the city has not confirmed; None when it has not said."""
        counters = self.status.get("counters")
        return None if counters is None else int(counters.get("outbox", 0))
