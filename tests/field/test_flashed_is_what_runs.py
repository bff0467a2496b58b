"""What was flashed is what runs: a board is commissioned, and reports to a real gateway from what is on its flash."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from field_rig import Table, registry
from stoep_field.commission.one import fingerprint
from stoep_field.commission.seen import AtGateway
from stoep_field.image import layout
from stoep_field.image.identity import read
from stoep_field.papers.handing import ByCommand
from stoep_twin.broker import Broker
from stoep_twin.gateway import write_settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


def fake_ssh(folder: Path) -> Path:
    """In the place of `ssh HOST`: what the shell over there would be given, one here is."""
    program = folder / "ssh"
    program.write_text(f'#!/bin/sh\nshift\nPATH="{Path(sys.executable).parent}:$PATH" exec sh -c "$*"\n')
    program.chmod(0o755)
    return program


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
        yield ByCommand([str(fake_ssh(folder)), "technician@gateway"], str(config), "test")
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
