"""A node on a heap as small as the board's, with just enough around it that every part of a wake runs.

One virtual bin with the compiled firmware; in the place of bridge and gateway a radio that opens its frames and answers
with the gateway's own stages. The stand-ins of the board's modules lie in the same heap, so what they take is measured
and given on top.
"""

import asyncio
import contextlib
import shutil
import tempfile
import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import compiled
import heap
from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock
from stoep.resources import firmware_dir, hardware_dir
from stoep.wire.light import MOST_LAMPS, SECRET, Lamp, Light, Plan, Share
from stoep_twin import boards, technician
from stoep_twin.air import Air, Radio
from stoep_twin.boards import Board
from stoep_twin.clockwork import Clockwork
from stoep_twin.console import Line
from stoep_twin.nursery import Nursery
from stoep_twin.surroundings import Surroundings
from stoep_twin.wiring import Wiring
from stoep_twin.world.place import Place

START = 1_780_293_600
SPEED = 3000.0
CHANNEL = 6
WAKES = 16
DEAF = range(3, 9)  # wakes whose frames nobody answers: a backlog grows, and drains after them
_STAND_INS = "import host, machine, esp32, espnow, network, time\n"


def _light(kid: bytes, utc: float) -> Light:
    """As much as a lamppost may be told of: a night, and a group of twelve."""
    lamps = tuple(Lamp(bytes((at,)) * 3 + kid[3:] if at else kid, 250 * at) for at in range(MOST_LAMPS))
    night = round(utc) - 3600
    plan = Plan(night, night + 50_000, 1000, 600, night, night + 40_000, night, night + 30_000)
    return Light(7, plan.since(round(utc)), Share(3, bytes(SECRET), 0, lamps))


@dataclass
class Wakes:
    """What came of a life."""

    lines: list[str]
    faults: list[str]
    lit: bool  # it has a lamp, and is told something unasked

    def count(self, word: str) -> int:
        return sum(line.split(maxsplit=1)[0] == word for line in self.lines if line)

    @property
    def failure(self) -> str | None:
        """Why this was not a sound life, or None."""
        if self.faults:
            return self.faults[0]
        if self.count("failed"):
            return next(line for line in self.lines if line.startswith("failed"))
        held = [line for line in self.lines if line.startswith("held")]  # a tired node lets wakes pass
        if self.lit and not self.count("unasked"):
            return f"heard nothing unasked, ended with {self.lines[-2:]}"
        if self.count("held") < WAKES or not held[-1].endswith("count=1"):
            return f"ended with {self.lines[-2:]}"
        return None


class _Answering:
    """Bridge and gateway in one radio."""

    def __init__(self, air: Air, chain: Chain) -> None:
        self.deaf = False
        self._air, self._chain = air, chain
        self._node, self._wishes = b"", 0
        self._radio = Radio(b"\x24\x0a\xc4\x10\x00\x00", 0.0, True, self._hear, listening=True, channel=CHANNEL)
        air.join(self._radio)

    def _hear(self, sender: bytes, _rssi: int, frame: bytes) -> None:
        self._node = sender
        reply = None if self.deaf else self._chain.say(frame)
        self._chain.commit()
        if reply is not None:
            self._air.transmit(self._radio, sender, reply, lambda _heard: None)

    def speak(self) -> None:
        """Unasked: other settings."""
        self._wishes += 1
        self._chain.wish({1: 900, 8: 1000 + self._wishes % 100})
        said = self._chain.intake.unasked(self._chain.node.kid)
        if said is not None:
            self._air.transmit(self._radio, self._node, said.reply.frame, lambda _heard: None)


@dataclass
class Bench:
    """Compiled firmware and stand-ins in a folder, for any number of lives of one kind of node."""

    folder: Path
    kind: str

    def __post_init__(self) -> None:
        # A module's path lies in the heap, and a board's is short.
        short = Path(tempfile.mkdtemp())
        self._short = weakref.finalize(self, shutil.rmtree, short)
        self.firmware = compiled.firmware(short / "f", firmware_dir())
        self.stand_ins = compiled.compile_to(short / "s", boards.STAND_INS, "")
        shutil.copy(boards.STAND_INS / "board.py", self.stand_ins)
        self._lives = 0

    def live(self, size: int) -> Wakes:
        """A node's first wakes on a heap of so many bytes."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(boards, "STAND_INS", self.stand_ins)
            return asyncio.run(self._live(size))

    def visit(self, size: int) -> list[str]:
        """What the technician's self-test says on a heap of so many bytes. Raises ScriptError."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(boards, "STAND_INS", self.stand_ins)
            return asyncio.run(self._visit(size))

    async def _visit(self, size: int) -> list[str]:
        async with self._board(size, [], []) as (board, _, node):
            await technician.commission_node(board, self.kind, node.kid, node.secret, CHANNEL, 900)
            async with board.hands:
                await board.run_script("from node import selftest\nselftest.run()\n")
        log = (self.folder / f"life-{self._lives}" / "board" / "console.log").read_text()
        return [line.split(" ", 1)[1] for line in log.splitlines()]

    def stand_ins_bytes(self) -> int:
        """What the stand-ins hold of the heap once loaded."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(boards, "STAND_INS", self.stand_ins)
            loaded = asyncio.run(self._measure(_STAND_INS))
        return loaded - int(heap.say("import gc; gc.collect(); print(gc.mem_alloc())"))

    async def _measure(self, imports: str) -> int:
        async with self._board(1 << 20, [], []) as (board, _, _), board.hands:
            await board.run_script(imports + "import gc\ngc.collect()\nprint('alloc', gc.mem_alloc())\n")
        log = (self.folder / f"life-{self._lives}" / "board" / "console.log").read_text()
        return int(log.split("alloc ")[1])

    async def _live(self, size: int) -> Wakes:
        wakes = Wakes([], [], self.kind == "lamppost")
        async with self._board(size, wakes.lines, wakes.faults) as (board, answering, node):
            await technician.commission_node(board, self.kind, node.kid, node.secret, CHANNEL, 900)
            life = asyncio.create_task(board.live())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._watch(board, wakes, answering), 20)
            life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await life
        return wakes

    async def _watch(self, board: Board, wakes: Wakes, answering: _Answering) -> None:
        while wakes.count("held") < WAKES and not wakes.faults and not wakes.count("failed"):
            answering.deaf = wakes.count("held") in DEAF
            if wakes.lit and not wakes.count("unasked") and wakes.count("held") > max(DEAF) + 1:
                answering.speak()
                await asyncio.sleep(0.05)
            board.reset_if_asleep()  # a ring between two samples would only be taken for the end of a nap
            await asyncio.sleep(0.002)

    @contextlib.asynccontextmanager
    async def _board(
        self, size: int, lines: list[str], faults: list[str]
    ) -> AsyncIterator[tuple[Board, _Answering, PlayedNode]]:
        self._lives += 1
        folder = self.folder / f"life-{self._lives}"
        folder.mkdir()
        clock = Clockwork(folder / "clock", START * 1_000_000, SPEED)
        nursery = Nursery()
        nursery.open(folder / "nursery.log")
        air = Air(0.0, 1)
        node = PlayedNode()
        answering = _Answering(air, Chain(folder / "stoep.db", TurnedClock(), node, self.kind, _light))

        def said(_board: str, line: Line) -> None:
            lines.append(line.text)

        around = Surroundings(clock, nursery, air, self.firmware, said, faults.append, str(size))
        place = Place(1, 1, START)
        wiring = Wiring(hardware_dir() / f"{self.kind}.toml", place, lambda: clock.utc_us() / 1e6, SPEED, 1)
        radio = Radio(b"\x24\x0a\xc4\x10\x00\x01", 10.0, False, lambda *_: None)
        board = Board("node-1", folder / "board", radio.mac, 0, wiring, radio, around)
        try:
            yield board, answering, node
        finally:
            nursery.close()
            board.close()
            clock.close()
