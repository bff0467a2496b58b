"""Each kind of node is taken through the self-test on a virtual board of its own drawing, without flashing it."""

import asyncio
from pathlib import Path

import pytest

from stoep.resources import firmware_dir, hardware_dir
from stoep.wire.channels import catalogue
from stoep_field.board import selftest
from stoep_twin import technician
from stoep_twin.air import Air, Radio
from stoep_twin.boards import Board
from stoep_twin.clockwork import Clockwork
from stoep_twin.faults import Broken
from stoep_twin.faults import Kind as Breakage
from stoep_twin.nursery import Nursery
from stoep_twin.surroundings import DEFAULT_HEAP, Surroundings
from stoep_twin.wiring import Wiring
from stoep_twin.world.place import Place

START, SPEED, CHANNEL = 1_780_293_600, 1000.0, 6
MAC, KID = bytes.fromhex("240ac4100001"), bytes.fromhex("c0ffee01")
PARTS = {
    "bin": {"climate", "range", "motion", "battery"},
    "bench": {"climate", "passers", "battery", "solar"},
    "lamppost": {"climate", "passers", "particles", "co2", "lamp"},
}


async def take_through(folder: Path, kind: str, broken: str | None) -> selftest.Result:
    """What the tool makes of the words of a board of this kind, one of whose parts does not answer."""
    clock = Clockwork(folder / "clock", START * 1_000_000, SPEED)
    nursery = Nursery()
    nursery.open(folder / "nursery.log")
    around = Surroundings(clock, nursery, Air(0.0, 1), firmware_dir(), lambda *_: None, lambda _: None, DEFAULT_HEAP)
    wiring = Wiring(hardware_dir() / f"{kind}.toml", Place(1, 1, START), lambda: clock.utc_us() / 1e6, SPEED, 1)
    if broken is not None:
        wiring.parts[broken] = Broken(wiring.parts[broken], Breakage.ABSENT)
    board = Board("node", folder / "node", MAC, 0, wiring, Radio(MAC, 10.0, False, lambda *_: None), around)
    try:
        await technician.commission_node(board, kind, KID, bytes(range(32)), CHANNEL, 900)
        async with board.hands:
            await board.run_script(selftest.SCRIPT)
    finally:
        nursery.close()
        board.close()
        clock.close()
    log = (folder / "node" / "console.log").read_text().splitlines()
    said = [line.split(" ", 1)[1] for line in log]  # before that, its time
    return selftest.judge(kind, KID.hex(), MAC, "\n".join(said))


def test_no_kind_is_forgotten() -> None:
    assert set(PARTS) == set(catalogue().kinds.values())


@pytest.mark.parametrize("kind", PARTS)
def test_a_board_that_is_well_passes(kind: str, tmp_path: Path) -> None:
    result = asyncio.run(take_through(tmp_path, kind, None))
    assert [f"{check.about} {check.words}" for check in result.failed()] == []
    assert {check.about for check in result.checks} == {"identity", "micropython", "radio", *PARTS[kind]}


@pytest.mark.parametrize(("kind", "part"), [("bench", "climate"), ("lamppost", "lamp"), ("lamppost", "particles")])
def test_a_part_that_does_not_answer_is_named(kind: str, part: str, tmp_path: Path) -> None:
    result = asyncio.run(take_through(tmp_path, kind, part))
    (check,) = result.failed()
    assert check.about == part
    assert "does not answer" in check.words
