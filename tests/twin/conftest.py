"""A bench: one virtual board with a firmware of the test's own."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from published_spy import PublishedSpy
from stoep.resources import hardware_dir
from stoep_twin.air import Air, Radio
from stoep_twin.boards import Board
from stoep_twin.chips.lamp import Lamp
from stoep_twin.clockwork import Clockwork
from stoep_twin.nursery import Nursery
from stoep_twin.states import State
from stoep_twin.surroundings import Surroundings
from stoep_twin.wiring import Wiring
from stoep_twin.world.place import Place

START = 1_780_293_600
SPEED = 100.0


@dataclass
class Bench:
    """What a test sees of its board."""

    board: Board
    clock: Clockwork
    air: Air
    place: Place
    lamp: Lamp | None = None
    lines: list[str] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def until(self, said: str, count: int = 1, seconds: float = 10.0) -> None:
        """Wait until the board has said a line `count` times."""
        async with asyncio.timeout(seconds):
            while sum(line == said for line in self.lines) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def until_lines(self, count: int, seconds: float = 20.0) -> None:
        """Wait until the board has said so many lines."""
        async with asyncio.timeout(seconds):
            while len(self.lines) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def stuck(self) -> None:
        """Wait until the board idles at the REPL."""
        async with asyncio.timeout(10):
            while self.board.state is not State.STUCK:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


Use = Callable[[Bench], Any]


@pytest.fixture(autouse=True)
def published_spy(monkeypatch: pytest.MonkeyPatch) -> Iterator[PublishedSpy]:
    """Whatever a gateway in this process composes for the city is held against its schema, in every test."""
    watching = PublishedSpy(monkeypatch)
    yield watching
    watching.judge()


@pytest.fixture
def on_bench(tmp_path: Path) -> Callable[..., Bench]:
    """`on_bench(main, use, files={})`: that firmware runs on such a board while `await use(bench)` looks on."""

    async def live(
        main: str, use: Use, boot: str, drift_ppm: int, speed: float, drawing: str, files: dict[str, str]
    ) -> Bench:
        firmware = tmp_path / "firmware"
        firmware.mkdir()
        (firmware / "boot.py").write_text(boot)
        (firmware / "main.py").write_text(main)
        for name, text in files.items():
            (firmware / name).parent.mkdir(parents=True, exist_ok=True)
            (firmware / name).write_text(text)
        clock = Clockwork(tmp_path / "clock", START * 1_000_000, speed)
        nursery = Nursery()
        nursery.open(tmp_path / "nursery.log")
        air = Air(0.0, 1)
        bench: Bench

        def said(_board: str, line: Any) -> None:
            bench.lines.append(line.text)
            bench.times.append(line.virtual_us)

        def fault(text: str) -> None:
            bench.faults.append(text)

        around = Surroundings(clock, nursery, air, firmware, said, fault)
        place = Place(1, 1, START)
        wiring = Wiring(hardware_dir() / f"{drawing}.toml", place, lambda: clock.utc_us() / 1e6, speed, 1)
        radio = Radio(b"\x24\x0a\xc4\x00\x00\x01", 10.0, False, lambda *_: None)
        board = Board("bin-1", tmp_path / "board", radio.mac, drift_ppm, wiring, radio, around)
        bench = Bench(board, clock, air, place, wiring.lamp)
        life = asyncio.create_task(board.live())
        try:
            await use(bench)
        finally:
            life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await life
            nursery.close()
            board.close()
            clock.close()
        return bench

    def run(
        main: str,
        use: Use,
        boot: str = "",
        drift_ppm: int = 0,
        speed: float = SPEED,
        drawing: str = "bin",
        files: dict[str, str] | None = None,
    ) -> Bench:
        return asyncio.run(live(main, use, boot, drift_ppm, speed, drawing, files or {}))

    return run
