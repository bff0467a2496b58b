"""The USB line: a baud rate both ways, a ring of 260 bytes, a name that stays."""

import asyncio
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import serial

from stoep_twin.line import BAUD, RING, ROM_BANNER, Line, unread


async def _echoed(port: serial.Serial, stdout: int, payload: bytes) -> float:
    """How long `payload` of the board's was under way to the gateway."""
    start = time.monotonic()
    writing = asyncio.create_task(asyncio.to_thread(os.write, stdout, payload))
    assert await asyncio.to_thread(port.read, len(payload)) == payload
    await writing
    return time.monotonic() - start


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


def test_the_gateway_reads_what_the_board_writes_at_the_lines_pace(tmp_path: Path) -> None:
    async def run() -> None:
        line = Line(tmp_path / "bridge")
        with serial.Serial(str(tmp_path / "bridge"), BAUD, timeout=3, exclusive=True) as port:
            stdin, stdout = line.plug()
            assert await asyncio.to_thread(port.read, len(ROM_BANNER)) == ROM_BANNER
            assert 0.09 <= await _echoed(port, stdout, os.urandom(9216)) < 0.4  # 0.1 s at this rate
            assert await _echoed(port, stdout, b"short message") < 0.05
        os.close(stdin)
        os.close(stdout)
        line.close()
        assert not (tmp_path / "bridge").is_symlink()

    asyncio.run(run())


def test_a_board_that_does_not_read_loses_what_its_ring_cannot_hold(tmp_path: Path) -> None:
    async def run() -> None:
        line = Line(tmp_path / "bridge")
        stdin, stdout = line.plug()
        with serial.Serial(str(tmp_path / "bridge"), BAUD, timeout=1) as port:
            port.write(bytes(range(256)) + bytes(44))
            await _until(lambda: unread(stdin) + line.dropped == 300)
            assert line.dropped == 300 - RING
            assert os.read(stdin, 300)[:256] == bytes(range(256))
            port.write(b"again")
            await _until(lambda: unread(stdin) == 5)
            assert os.read(stdin, 300) == b"again"
        os.close(stdin)
        os.close(stdout)
        line.close()

    asyncio.run(run())


def test_bytes_reach_the_board_no_faster_than_the_baud_rate(tmp_path: Path) -> None:
    async def run() -> None:
        line = Line(tmp_path / "bridge")
        stdin, stdout = line.plug()
        os.set_blocking(stdin, False)
        with serial.Serial(str(tmp_path / "bridge"), BAUD, timeout=1) as port:
            total = 0
            start = time.monotonic()
            for piece in range(200, 4001, 200):  # less than the ring holds, so that a late reader loses nothing
                port.write(bytes(200))
                while total < piece and time.monotonic() - start < 5:
                    if unread(stdin):
                        total += len(os.read(stdin, 260))
                    await asyncio.sleep(0)
            took = time.monotonic() - start
            assert total == 4000
            assert took >= 0.9 * (4000 - 400) / (BAUD / 10)
        os.close(stdin)
        os.close(stdout)
        line.close()

    asyncio.run(run())


def test_the_name_survives_a_gateway_and_a_board_that_go_and_come(tmp_path: Path) -> None:
    async def run() -> None:
        line = Line(tmp_path / "bridge")
        target = (tmp_path / "bridge").readlink()
        for _ in range(2):
            stdin, stdout = line.plug()
            with serial.Serial(str(tmp_path / "bridge"), BAUD, timeout=1, exclusive=True) as port:
                port.write(b"x")
                await _until(partial(unread, stdin))
                assert os.read(stdin, 10) == b"x"
            os.close(stdin)
            os.close(stdout)
            line.unplug()
        assert (tmp_path / "bridge").readlink() == target
        line.close()

    asyncio.run(run())
