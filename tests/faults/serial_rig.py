"""The real bridge program in the real interpreter, with a radio, on a line that can be made bad in every way.

PlayedRadio ─ air ─ [Board: bridge/relay.py] ─ BadLine ─ pty ─ a gateway's end (serial_ends.py)
"""

import asyncio
import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from serial_noise import Noise

from stoep.resources import firmware_dir, hardware_dir
from stoep.wire import frame
from stoep.wire.serial import Hello
from stoep_twin import technician
from stoep_twin.air import Air, Radio
from stoep_twin.boards import Board
from stoep_twin.clockwork import Clockwork
from stoep_twin.line import RING, Line, unread
from stoep_twin.nursery import Nursery
from stoep_twin.surroundings import Surroundings
from stoep_twin.wiring import Wiring
from stoep_twin.world.place import Place

CHANNEL = 6
NODES = 4
_START = 1_780_293_600
_SHORTEST, _LONGEST = 24, 221
_POOL = 8192


class BadLine(Line):
    """A line whose bytes go through two `Noise`s."""

    def __init__(self, port: Path, up: Noise, down: Noise) -> None:
        super().__init__(port)
        self.up, self.down = up, down
        self.plugged_at = 0.0

    def plug(self) -> tuple[int, int]:
        self.down.listening = False  # until the program's first hello
        self.plugged_at = self._loop.time()
        return super().plug()

    def unplug(self) -> None:
        self.up.interrupted()
        self.down.pulled()
        self.down.listening = False
        super().unplug()

    def insert_down(self, garbage: bytes) -> None:
        """Bytes that no gateway sent; what the board's ring has no room for is lost."""
        self.down.interrupted()
        super()._send_down(garbage)

    def insert_up(self, garbage: bytes) -> None:
        """Bytes that no board sent."""
        self.up.interrupted()
        super()._send_up(garbage)

    def fill(self, garbage: bytes) -> int:
        """Keep a pool of `garbage` behind the ring, so that it is full again however fast the board reads."""
        assert self._to_board is not None
        self.down.interrupted()
        return os.write(self._to_board, garbage[: max(0, _POOL - unread(self._to_board))])

    def _send_down(self, data: bytes) -> None:
        room = RING - unread(self._to_board) if self._to_board is not None else 0
        super()._send_down(self.down.through(data, max(0, room)))

    def _send_up(self, data: bytes) -> None:
        super()._send_up(self.up.through(data))


class PlayedRadio:
    """A node's radio: sends frames with a true header, notes what the bridge puts on the air for it."""

    def __init__(self, air: Air, number: int, seed: int) -> None:
        self.kid = (0xC0FFEE00 + number).to_bytes(4, "big")
        self.mac = bytes.fromhex("240ac4000000")[:5] + bytes((number,))
        self.heard: Counter[bytes] = Counter()  # MAC ‖ frame, as in a SEND
        self._air = air
        self._chance = random.Random(f"{seed}/{number}")
        self._keys = frame.uplink_keys(self._chance.randbytes(32))
        self._counter = 0
        self._radio = Radio(self.mac, 5.0, False, self._hear, listening=True, channel=CHANNEL)
        air.join(self._radio)

    def say(self, longest: int = _LONGEST) -> None:
        """One frame to the bridge."""
        self._counter += 1
        plain = self._chance.randbytes(self._chance.randint(1, longest - _SHORTEST))
        sealed = frame.seal_uplink(self._keys, self.kid, self._counter, plain)
        self._air.transmit(self._radio, BRIDGE_MAC, sealed, lambda _: None)

    def _hear(self, _sender: bytes, _rssi: int, data: bytes) -> None:
        self.heard[self.mac + data] += 1


BRIDGE_MAC = bytes.fromhex("240ac4100000")


class Rig:
    """One bridge and its line. `findings` must stay empty, `board.starts` says how often it began anew."""

    def __init__(self, directory: Path, seed: int, firmware: Path | None = None) -> None:
        self.directory = directory
        self.said: list[str] = []
        self._firmware = firmware or firmware_dir()
        self.findings: list[str] = []
        self.up, self.down = Noise(f"{seed}/up"), Noise(f"{seed}/down")
        self.hellos: list[float] = []  # when the program said hello, on the line's clean side
        self._seed = seed
        self._life: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def built(self, *, commissioned: bool = True) -> AsyncIterator["Rig"]:
        self.directory.mkdir(parents=True, exist_ok=True)
        clock = Clockwork(self.directory / "clock", _START * 1_000_000, 1.0)
        nursery = Nursery()
        nursery.open(self.directory / "nursery.log")
        self.air = Air(0.0, self._seed)
        around = Surroundings(
            clock, nursery, self.air, self._firmware, lambda _, line: self.said.append(line.text), self.findings.append
        )
        wiring = Wiring(hardware_dir() / "bridge.toml", Place(1, 1, _START), time.monotonic, 1.0, 1)
        self.line = BadLine(self.directory / "port", self.up, self.down)
        self.up.watch = self._spoken
        radio = Radio(BRIDGE_MAC, 0.0, True, lambda *_: None)
        self.board = Board("bridge", self.directory / "board", BRIDGE_MAC, 0, wiring, radio, around, self.line)
        self.stranger = PlayedRadio(self.air, NODES + 1, self._seed)
        self.radios = [PlayedRadio(self.air, number, self._seed) for number in range(1, NODES + 1)]
        try:
            if commissioned:
                await technician.commission_bridge(self.board, CHANNEL)
            self._forget()
            yield self
        finally:
            await self.switch_off()
            self.line.close()
            nursery.close()
            self.board.close()
            clock.close()

    def _forget(self) -> None:
        for noise in (self.up, self.down):
            noise.sent.clear()
            noise.pulled()

    def _spoken(self, body: bytes) -> None:
        if body[0] == Hello.TYPE:
            self.hellos.append(time.monotonic())
            self.down.listening = True

    def plug_in(self) -> None:
        """A line where there was none: the cable."""
        self.line = BadLine(self.directory / "port", self.up, self.down)
        self.board._line = self.line

    def pull_out(self) -> None:
        """The cable, and with it the board's power (call `switch_off`)."""
        self.up.pulled()
        self.up.listening = False
        self.line.close()

    def switch_on(self) -> None:
        self._life = asyncio.create_task(self.board.live())

    async def switch_off(self) -> None:
        """The board's power is cut."""
        if self._life is not None:
            self._life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._life
            self._life = None

    async def greeted(self, since: float, seconds: float) -> float:
        """Wait for a hello after `since` (monotonic); how long it took, or infinity."""
        while time.monotonic() < since + seconds:
            if self.hellos and self.hellos[-1] > since:
                return self.hellos[-1] - since
            await asyncio.sleep(0.002)
        return float("inf")
