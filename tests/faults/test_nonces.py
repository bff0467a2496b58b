"""No key ever seals two frames under one nonce, whatever is cut, reset, flashed, killed or restored in between."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import attack_restarts
import pytest

import tape
from stoep.resources import firmware_dir, hardware_dir
from stoep_twin import technician
from stoep_twin.air import Air, Radio
from stoep_twin.boards import Board, ScriptError
from stoep_twin.clockwork import Clockwork
from stoep_twin.nonces import NonceBook
from stoep_twin.nursery import Nursery
from stoep_twin.surroundings import Surroundings
from stoep_twin.wiring import Wiring
from stoep_twin.world.place import Place

_ROOT = Path(__file__).resolve().parents[2]
_ATTACK = _ROOT / "tests" / "faults" / "attack.py"
_KID = b"\xc0\xff\xee\x01"
_UPLINK = bytes.fromhex("8343a1010aa20444c0ffee010641")  # up to the counter


# -- the book ----------------------------------------------------------------------------------------------------------


def test_a_new_secret_begins_a_new_page() -> None:
    book = NonceBook()
    book.note(_UPLINK + b"\x01first")
    book.renew(_KID)
    book.note(_UPLINK + b"\x01other key")
    assert book.reused == []
    book.note(_UPLINK + b"\x01other key, other text")
    assert [header.counter for header in book.reused] == [1]


def test_the_new_secret_of_one_node_says_nothing_of_another() -> None:
    book = NonceBook()
    book.note(_UPLINK + b"\x01first")
    book.renew(b"\xc0\xff\xee\x02")
    book.note(_UPLINK + b"\x01second")
    assert len(book.reused) == 1


def test_a_copy_from_before_the_new_secret_is_a_copy() -> None:
    book = NonceBook()
    book.note(_UPLINK + b"\x01first")
    book.renew(_KID)
    book.note(_UPLINK + b"\x01first")
    book.note(_UPLINK + b"\x01other key")
    assert book.reused == []
    assert book.uplinks == 2


# -- one board, alone in the street ------------------------------------------------------------------------------------


@dataclass
class Lonely:
    """A node with the real firmware that nobody answers: four frames a wake."""

    board: Board
    air: Air
    directory: Path
    lines: list[str] = field(default_factory=list)

    async def frames(self, count: int) -> None:
        """Until it has sent that many more."""
        wanted = self.air.figures.sent + count
        async with asyncio.timeout(20):
            while self.air.figures.sent < wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


Act = Callable[[Lonely], Awaitable[None]]


async def _live(directory: Path, act: Act) -> Lonely:
    clock = Clockwork(directory / "clock", 1_780_293_600_000_000, 600.0)
    nursery, air = Nursery(), Air(0.0, 1)
    nursery.open(directory / "nursery.log")
    lonely: Lonely
    around = Surroundings(
        clock, nursery, air, firmware_dir(), lambda _, line: lonely.lines.append(line.text), lambda _: None
    )
    wiring = Wiring(hardware_dir() / "bin.toml", Place(1, 1, 1_780_293_600.0), lambda: clock.utc_us() / 1e6, 600.0, 1)
    radio = Radio(b"\x24\x0a\xc4\x00\x00\x01", 10.0, False, lambda *_: None)
    board = Board("bin-1", directory / "board", radio.mac, 0, wiring, radio, around)
    lonely = Lonely(board, air, directory / "board")
    await technician.commission_node(board, "bin", _KID, bytes(32), 6, 60)
    life = asyncio.create_task(board.live())
    try:
        await act(lonely)
    finally:
        life.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await life
        nursery.close()
        board.close()
        clock.close()
    return lonely


def test_a_board_commissioned_again_while_it_runs_does_not_go_on_with_the_old_counters(tmp_path: Path) -> None:
    async def act(lonely: Lonely) -> None:
        await lonely.frames(1)
        await technician.commission_again(lonely.board, "bin", _KID, bytes(range(32)), 6, 60)
        lonely.air.nonces.renew(_KID)
        await lonely.frames(4)
        lonely.board.cut_power()
        await lonely.frames(10)

    lonely = asyncio.run(_live(tmp_path, act))
    assert lonely.air.nonces.reused == []
    assert lonely.air.nonces.uplinks >= 15


def test_a_board_does_not_become_another_node_with_the_readings_of_the_old_one(tmp_path: Path) -> None:
    async def act(lonely: Lonely) -> None:
        await lonely.frames(1)
        with pytest.raises(ScriptError, match=f"was node {_KID.hex()} .* erase its flash first"):
            await technician.commission_again(lonely.board, "bin", b"\xc0\xff\xee\x02", bytes(range(32)), 6, 60)
        await lonely.frames(2)
        await technician.flash_anew(lonely.board, "bin", b"\xc0\xff\xee\x02", bytes(range(32)), 6, 60)
        await lonely.frames(2)

    lonely = asyncio.run(_live(tmp_path, act))
    assert lonely.air.nonces.reused == []
    assert lonely.air.nonces.uplinks >= 5


def test_an_identity_whose_counter_is_gone_is_silent_and_says_that_it_must_be_commissioned(tmp_path: Path) -> None:
    async def act(lonely: Lonely) -> None:
        await lonely.frames(4)
        async with lonely.board.hands:
            lonely.board.erase(2, 3)
            lonely.board.cut_power()
            sent, said = lonely.air.figures.sent, len(lonely.lines)
        async with asyncio.timeout(20):
            while lonely.lines[said:].count("failed ValueError") < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert lonely.air.figures.sent == sent
        await technician.flash_anew(lonely.board, "bin", _KID, bytes(range(32)), 6, 60)
        lonely.air.nonces.renew(_KID)
        await lonely.frames(4)

    lonely = asyncio.run(_live(tmp_path, act))
    assert "commission this board again, with a new secret" in (lonely.directory / "console.raw").read_text()
    assert lonely.air.nonces.reused == []


# -- a street that is left no peace ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_nonce_is_used_twice_over_any_restarts(tmp_path: Path) -> None:
    found = attack_restarts.campaign(tmp_path / "street", seed=3, restarts=45)
    assert found.reused == []
    assert found.problems == []
    assert found.uplinks >= 150
    assert tape.validate(tmp_path / "street", renewed=found.secrets)["uplink"] >= 150
    assert found.acts.keys() >= {"power cut", "EN button", "reset", "flashed anew", "commissioned again"}
    assert found.acts.keys() >= {"watchdog", "gateway killed"}


def _sabotaged(directory: Path, file: str, right: str, wrong: str) -> dict[str, Any]:
    """The figures of a street in which everything comes from a copy of the project with one line changed."""
    copy = directory / "project"
    for room in ("gateway", "firmware", "hardware"):
        shutil.copytree(_ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert text.count(right) == 1, f"{file} has changed: sabotage it elsewhere"
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    result = directory / "attack.json"
    done = subprocess.run(
        [sys.executable, str(_ATTACK), "--only", "restarts", "--restarts", "14", "--result", str(result)],
        env={**os.environ, "PYTHONPATH": f"{copy / 'gateway'}:{copy / 'firmware'}", "TMPDIR": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.exists(), done.stdout + done.stderr
    assert done.returncode == 1
    found: dict[str, Any] = json.loads(result.read_text())
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "right", "wrong", "whose"),
    [
        ("firmware/node/life.py", "        free = self.reserved\n", "        free = 1\n", "instance=None"),
        ("gateway/stoep/service/service.py", "secrets.token_bytes(frame.INSTANCE)", "b'same'", "b'same'"),
    ],
    ids=["a node that begins to count again", "a gateway that comes back under the same instance"],
)
def test_a_nonce_used_twice_is_found(tmp_path: Path, file: str, right: str, wrong: str, whose: str) -> None:
    found = _sabotaged(tmp_path, file, right, wrong)
    assert found["nonces_reused"]
    assert any(whose in finding for finding in found["findings"])
