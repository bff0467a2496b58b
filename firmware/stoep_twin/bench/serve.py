"""The bench as a process: virtual boards on virtual cables, a bridge beside them, told what to do line by line.

    python -m stoep_twin.bench.serve    a line of JSON in, a line of JSON out

The first line says what is on the bench; when the input ends, it is cleared. `client.py` is the other end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import shutil
import sys
from pathlib import Path
from typing import Any

from stoep.resources import firmware_dir, hardware_dir
from stoep_twin import technician
from stoep_twin.air import Air, Radio
from stoep_twin.bench.plug import Fault, Plug
from stoep_twin.boards import Board
from stoep_twin.clockwork import Clockwork
from stoep_twin.line import Line
from stoep_twin.nursery import Nursery
from stoep_twin.surroundings import DEFAULT_HEAP, Surroundings
from stoep_twin.wiring import Wiring
from stoep_twin.world import plan
from stoep_twin.world.place import Place

_LONGEST = 1 << 20


class Bench:
    """What is on it; to be used from one event loop."""

    def __init__(self, wish: dict[str, Any]) -> None:
        self._folder = Path(wish["folder"])
        self._seed = int(wish["seed"])
        self._channel = int(wish["channel"])
        self._clock = Clockwork(self._folder / "clock", int(wish["start"]) * 1_000_000, float(wish["speed"]))
        self._nursery = Nursery()
        self._nursery.open(self._folder / "nursery.log")
        self._air = Air(0.0, self._seed)
        self._plugs: dict[str, Plug] = {}
        self._bridge: asyncio.Task[None] | None = None
        self._notes = (self._folder / "bench.log").open("a", encoding="utf-8")
        (self._folder / "ports").mkdir(exist_ok=True)
        kind = wish["kind"]
        for index, fault in enumerate(wish["boards"], 1):
            name = f"board-{index}"
            chip = self._folder / "boards" / name / "flash.bin"
            kept = {file: file.read_bytes() for file in (chip, chip.with_name("nvs.json")) if file.exists()}
            board, wiring, line = self._board(name, kind, index, None)
            plug = Plug(board, wiring, line, chip, Fault(fault) if fault else None)
            for file, content in kept.items():  # a board of an earlier day
                file.write_bytes(content)
            self._plugs[str(line.port)] = plug

    def _board(self, name: str, kind: str, index: int, firmware: Path | None) -> tuple[Board, Wiring, Line]:
        around = Surroundings(
            self._clock, self._nursery, self._air, firmware, lambda *_: None, self._note, DEFAULT_HEAP
        )
        now, speed = self._clock.utc_us() / 1e6, self._clock.speed
        spot = plan.Spot(plan.BRIDGE)
        place = Place(self._seed, index, now, spot, None)
        seed = random.Random(f"{self._seed}/{index}/parts").randrange(1 << 30)
        drawing = hardware_dir() / f"{kind}.toml"
        wiring = Wiring(drawing, place, lambda: self._clock.utc_us() / 1e6, speed, seed)
        mac = bytes.fromhex("240ac4") + (0x200000 + 256 * (self._seed % 256) + index).to_bytes(3, "big")
        radio = Radio(mac, spot.metres, name == "bridge", lambda *_: None)
        line = Line(self._folder / "ports" / name)
        folder = self._folder / "boards" / name
        shutil.rmtree(folder, ignore_errors=True)
        return Board(name, folder, mac, 0, wiring, radio, around, line), wiring, line

    def _note(self, text: str) -> None:
        self._notes.write(text + "\n")
        self._notes.flush()

    async def begin(self) -> dict[str, Any]:
        """Everything is plugged in."""
        board, _, line = self._board("bridge", "bridge", 0, firmware_dir())
        await technician.commission_bridge(board, self._channel)
        self._bridge = asyncio.create_task(board.live(), name="bridge")
        for plug in self._plugs.values():
            plug.plug_in()
        return {"bridge": str(line.port), "clock": str(self._clock.path)}

    async def act(self, wish: dict[str, Any]) -> dict[str, Any]:
        """One wish."""
        if wish["do"] == "ports":
            return {"ports": [[port, plug.board.name] for port, plug in self._plugs.items() if plug.here]}
        plug = self._plugs[wish["port"]]
        match wish["do"]:
            case "hold-boot" if plug.here:
                await plug.hold_boot()
            case "reset" if plug.here:
                await plug.press_reset()
            case "mend":
                await plug.mend()
            case "unplug" if plug.here:
                await plug.unplug()
        return {}

    async def end(self) -> None:
        """Cleared."""
        for plug in self._plugs.values():
            await plug.switch_off()
        if self._bridge is not None:
            self._bridge.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._bridge
        self._nursery.close()
        self._clock.close()
        self._notes.close()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(_LONGEST)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    bench: Bench | None = None
    try:
        while line := await reader.readline():
            wish = json.loads(line)
            if bench is None:
                bench = Bench(wish)
                said = await bench.begin()
            else:
                said = await bench.act(wish)
            print(json.dumps(said), flush=True)
    finally:
        if bench is not None:
            await bench.end()


if __name__ == "__main__":
    asyncio.run(_serve())
