"""One board on one USB cable: bare chip, line, and the two buttons BOOT and EN.

Plugged in it boots what its flash holds; with BOOT held it is in download mode. What is wrong with it, or with its
cable, is a `Fault`; `mend` ends it, as swapping the cable or the sensor does.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
from pathlib import Path

from stoep_twin import flash
from stoep_twin.bench.rom import CHIP, Rom
from stoep_twin.boards import Board
from stoep_twin.faults import Broken
from stoep_twin.faults import Kind as Breakage
from stoep_twin.line import ROM_BANNER, Line
from stoep_twin.wiring import Wiring

_MAGIC = b"\xe9"
_STARTS = (0x1000, 0x10000)  # bootloader and interpreter
_NVS = slice(0x9000, 0xF000)
_AGAIN_S = 0.5
_PULLED_AT = 60_000  # bytes into flashing


class Fault(enum.Enum):
    """What a technician meets."""

    CHARGE_ONLY = "charge-only"  # a cable without data lines
    WRONG_CHIP = "wrong-chip"
    PULLED = "pulled"  # unplugged in the middle of flashing
    SENSOR = "sensor"  # the climate sensor does not answer
    BROWN_OUT = "brown-out"
    STRAPPED = "strapped"  # GPIO 0 is held low


_SAYS = {
    Fault.BROWN_OUT: b"\r\nBrownout detector was triggered\r\n\r\n",
    Fault.STRAPPED: b"rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))\r\n"
    b"waiting for download\r\n",
}


class Plug:
    """`chip` is a new board's flash: blank, whatever the street's boards begin with."""

    def __init__(self, board: Board, wiring: Wiring, line: Line, chip: Path, fault: Fault | None) -> None:
        self.board, self._wiring, self._line, self._chip, self.fault = board, wiring, line, chip, fault
        self._life: asyncio.Task[None] | None = None
        self._rom: Rom | None = None
        self._written = 0
        self._loop = asyncio.get_running_loop()
        self.here = False
        line.close()  # nothing is plugged in yet
        chip.write_bytes(b"\xff" * flash.FLASH_BYTES)
        if fault is Fault.SENSOR:
            wiring.parts["climate"] = Broken(wiring.parts["climate"], Breakage.ABSENT)

    def plug_in(self) -> None:
        """The cable goes in."""
        if self.fault is Fault.CHARGE_ONLY:
            return
        self._line.open()
        self.here = True
        self._life = asyncio.create_task(self._live(), name=self.board.name)

    async def unplug(self) -> None:
        """It comes out, whatever goes on."""
        self.here = False
        await self._halt()
        self._line.close()

    async def switch_off(self) -> None:
        """The bench is cleared."""
        if self.here:
            await self.unplug()
        self.board.close()

    async def mend(self) -> None:
        """Whatever was wrong is not any more, and the cable is in."""
        if self.fault is Fault.SENSOR:
            part = self._wiring.parts["climate"]
            assert isinstance(part, Broken)
            self._wiring.parts["climate"] = part.chip
        self.fault = None
        if self.here:
            await self.unplug()
        self.plug_in()

    async def hold_boot(self) -> None:
        """BOOT held, EN pressed: download mode."""
        await self._halt()
        chip = "esp32s3" if self.fault is Fault.WRONG_CHIP else CHIP
        self._rom = Rom(self._line.lend(), self._chip, self.board.mac, chip, self._flashed)

    async def press_reset(self) -> None:
        """EN pressed."""
        await self._halt()
        self._life = asyncio.create_task(self._live(), name=self.board.name)

    async def _halt(self) -> None:
        if self._life is not None:
            self._life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._life
            self._life = None
        if self._rom is not None:
            await asyncio.to_thread(self._rom.stop)
            self._rom = None
            self._line.take_back()
            self._forget_nvs()

    def _forget_nvs(self) -> None:
        """It lies beside the chip's file: where that is blank, it is."""
        if not self._chip.read_bytes()[_NVS].strip(b"\xff"):
            self._chip.with_name("nvs.json").unlink(missing_ok=True)

    def _flashed(self, count: int) -> None:
        """From the loader's own thread."""
        self._written += count
        if self.fault is Fault.PULLED and self._written > _PULLED_AT and self.here:
            self.here = False
            self._loop.call_soon_threadsafe(self._pull)

    def _pull(self) -> None:
        self._pulling = self._loop.create_task(self.unplug())

    async def _live(self) -> None:
        says = _SAYS.get(self.fault) if self.fault else None
        if says is None and self._boots():
            await self.board.live()
        while True:
            self._line.say(ROM_BANNER if says is None else says)
            if says is None:
                self._line.say(b"invalid header: 0xffffffff\r\n")
            await asyncio.sleep(_AGAIN_S)

    def _boots(self) -> bool:
        with self._chip.open("rb") as chip:
            for at in _STARTS:
                chip.seek(at)
                if chip.read(1) != _MAGIC:
                    return False
        return self.fault is not Fault.WRONG_CHIP
