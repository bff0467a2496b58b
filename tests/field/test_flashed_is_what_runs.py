"""What was flashed is what runs: real esptool, then the firmware from the flash it left, then a real gateway."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from field_rig import Table, registry
from stoep_field.board import selftest
from stoep_field.board.console import Console
from stoep_field.commission.one import fingerprint
from stoep_field.commission.seen import AtGateway
from stoep_field.image import layout
from stoep_field.image.identity import Identity, read
from stoep_field.image.image import of_board
from stoep_field.papers.handing import ByCommand
from stoep_twin.broker import Broker
from stoep_twin.gateway import write_settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]
KID = "c0ffee01"


@contextlib.contextmanager
def gateway(folder: Path, bridge: str, clock: Path) -> Iterator[ByCommand]:
    """A real service that knows nobody yet, at the bench's bridge, by the bench's clock."""
    folder.mkdir()
    broker = Broker("embedded", folder)
    broker.start()
    config = write_settings(folder, "test", [], Path(bridge), clock, broker.address)
    with (folder / "gateway.log").open("wb") as log:
        command = [sys.executable, "-m", "stoep", "gateway", "--config", str(config)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield ByCommand([], str(config), "test")
    finally:
        process.terminate()
        process.wait(20)
        broker.stop()


def test_a_commissioned_board_reports_to_its_gateway_and_another_takes_its_place(
    table: Callable[..., Table], tmp_path: Path
) -> None:
    own = table("", "")
    own.bench.unplug(own.port(2))
    with gateway(tmp_path / "gateway", own.bench.bridge, own.bench.clock) as way:
        (outcome,) = own.commission(["Grote Markt 3"], way=way, seen=AtGateway(way))
        assert outcome.error is None
        row = next(row for row in way.status()["table"] if row["node"] == "grote-markt-3")
        assert row["last_heard"] is not None
        check_what_runs(own, tmp_path)
        old = own.board("grote-markt-3")
        own.bench.unplug(own.port(1))
        own.bench.mend(own.port(2))
        (outcome,) = own.commission(["grote-markt-3"], way=way, seen=AtGateway(way), replacing=old)
        assert outcome.error is None
    new = own.board("grote-markt-3")
    assert (new.place, new.replaces) == ("Grote Markt 3", old.kid)
    (entry,) = registry(tmp_path / "gateway").nodes.values()
    assert (entry.kid.hex(), fingerprint(entry.secret)) == (new.kid, new.fingerprint)
    assert new.kid != old.kid
    assert new.fingerprint != old.fingerprint


def check_what_runs(own: Table, tmp_path: Path) -> None:
    board = own.board("grote-markt-3")
    entry = registry(tmp_path / "gateway").nodes[bytes.fromhex(board.kid)]
    assert (entry.name, entry.kind, entry.place) == ("grote-markt-3", "bin", "Grote Markt 3")
    assert fingerprint(entry.secret) == board.fingerprint
    assert board.secret == ""  # whoever finds the laptop finds no key
    chip = (own.bench.clock.parent / "boards" / "board-1" / "flash.bin").read_bytes()
    assert chip[layout.TABLE : layout.TABLE + 4096] == layout.table()
    for segment in own.base.segments:
        assert chip[segment.address : segment.address + len(segment.data)] == segment.data
    held = read(chip[layout.STOEP.address :])
    assert held.identity is not None
    assert held.identity.secret == entry.secret


def test_the_command_esptool_flashes_a_board_that_then_runs_it(table: Callable[..., Table], tmp_path: Path) -> None:
    own = table("")
    port = own.port(1)
    whole = tmp_path / "whole.bin"
    who = Identity("bin", 6, bytes.fromhex(KID), bytes(range(32)))
    whole.write_bytes(of_board(own.base, who, 7, {1: 600}, keeps_ring=False).whole())
    own.bench.hold_boot(port)
    esptool = [sys.executable, "-m", "esptool", "--chip", "esp32", "--port", port]
    esptool += ["--before", "no-reset", "--after", "no-reset"]
    subprocess.run([*esptool, "write-flash", "0x0", str(whole)], check=True, capture_output=True, timeout=60)
    done = subprocess.run([*esptool, "verify-flash", "0x0", str(whole)], check=True, capture_output=True, timeout=60)
    assert b"Verification successful" in done.stdout
    own.bench.restart(port)
    with Console(own.bench, port) as console:
        console.visit()
        said = console.run(selftest.SCRIPT)
        assert said.failure == ""
        assert f"identity kind=bin kid={KID} channel=6" in said.out
    own.bench.restart(port)
    with Console(own.bench, port) as console:
        until = 40
        while "held first=" not in console.log and until:
            console.listen(0.5)
            until -= 1
    assert "boot cause=power epoch=8" in console.log
    assert "sleep ms=5" in console.log  # less than 600 s: the setting that was flashed


def test_the_simulation_runs_nothing_but_the_flash(table: Callable[..., Table]) -> None:
    """A blank chip says what a real one says, whatever lies in this checkout."""
    own = table("")
    with Console(own.bench, own.port(1)) as console, pytest.raises(Exception, match="has no program"):
        console.visit()
    assert "invalid header: 0xffffffff" in console.log
