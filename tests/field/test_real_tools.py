"""The ecosystem's own commands at a virtual board: esptool flashes it, mpremote talks to what then runs there."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from field_rig import Table
from stoep_field.board.console import Console
from stoep_field.board.loader import Loader
from stoep_field.errors import BoardError
from stoep_field.image.identity import HEAD, Identity
from stoep_field.image.image import Base, of_board
from stoep_field.image.layout import APP, STOEP
from stoep_twin.bench.client import SimulatedBench

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]
KID = "c0ffee01"


def run(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout.replace("\r", "")


@pytest.fixture(scope="module")
def own(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    """A board that the command esptool has flashed with one whole image, and read back."""
    folder = tmp_path_factory.mktemp("table")
    bench = SimulatedBench(folder / "bench", "bin", [""], start=1_780_293_600)
    table = Table(bench, folder / "work", base)
    port = table.port(1)
    whole = folder / "whole.bin"
    who = Identity("bin", 6, bytes.fromhex(KID), bytes(range(32)))
    whole.write_bytes(of_board(base, who, 7, {1: 600}, keeps_ring=False).whole())
    bench.hold_boot(port)
    esptool = ["esptool", "--chip", "esp32", "--port", port, "--before", "no-reset", "--after", "no-reset"]
    run(*esptool, "write-flash", "0x0", str(whole))
    assert "Verification successful" in run(*esptool, "verify-flash", "0x0", str(whole))
    yield table
    bench.close()


def test_the_board_begins_its_life_from_what_esptool_wrote(own: Table) -> None:
    own.bench.restart(own.port(1))
    with Console(own.bench, own.port(1)) as console:
        for _ in range(80):
            console.listen(0.25)
            if "sleep ms=" in console.log:
                break
    assert "boot cause=power epoch=8" in console.log  # the seventh was flashed
    assert "sleep ms=59" in console.log  # of 600 s: the setting that was flashed


def test_mpremote_tests_reads_and_copies(own: Table, tmp_path: Path) -> None:
    own.bench.restart(own.port(1))
    with Console(own.bench, own.port(1)) as console:
        console.visit()
    remote = ("mpremote", "connect", own.port(1))
    said = run(*remote, "resume", "exec", "from node import selftest; selftest.run()")
    assert f"identity kind=bin kid={KID} channel=6" in said
    assert "channel name=temperature counts=" in said
    assert said.rstrip().endswith("selftest done")
    logs = (
        "from node import crash, flash\nfrom node.life import Life\nprint(crash.last(), Life(flash.partition()).epoch)"
    )
    assert run(*remote, "resume", "exec", logs).strip() == "None 8"  # nobody's visit begins a life
    listed = run(*remote, "resume", "fs", "ls", ":/")
    assert "a/" in listed
    assert "boot.py" in listed
    content = bytes(range(256)) * 40
    (tmp_path / "there.bin").write_bytes(content)
    run(*remote, "resume", "fs", "cp", str(tmp_path / "there.bin"), ":/there.bin")
    assert hashlib.sha256(content).hexdigest() in run(*remote, "resume", "fs", "sha256sum", ":/there.bin")
    run(*remote, "resume", "fs", "cp", ":/there.bin", str(tmp_path / "back.bin"), "+", "fs", "rm", ":/there.bin")
    assert (tmp_path / "back.bin").read_bytes() == content
    run(*remote, "resume", "exec", "mark = 1")
    # Without `resume` it begins with a soft reset: boot.py runs again, what was there is gone, the board stays in hand.
    said = run(
        *remote, "exec", "import os, sys; print('mark' in globals(), sys.path[0], 'there.bin' in os.listdir('/'))"
    )
    assert said.strip() == "False a False"


def test_what_the_flash_does_not_hold_is_found_when_it_is_read_back(own: Table) -> None:
    chip = own.bench.clock.parent / "boards" / "board-1" / "flash.bin"
    whole = of_board(own.base, Identity("bin", 6, bytes.fromhex(KID), bytes(32)), 0, {}, keeps_ring=False)
    with Loader(own.bench, own.port(1)) as loader:
        loader.look()
        shares: list[float] = []
        loader.write(whole, shares.append)
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
        loader.verify(whole)
        for at in (whole.segments[-1].address + 5, APP.address + 70_000, STOEP.address + HEAD + 9):
            with chip.open("r+b") as file:
                file.seek(at)
                (byte,) = file.read(1)
                file.seek(at)
                file.write(bytes((byte ^ 1,)))
                file.flush()
                with pytest.raises(BoardError, match="does not hold what was written"):
                    loader.verify(whole)
                file.seek(at)
                file.write(bytes((byte,)))
        loader.verify(whole)
