"""Real mpremote at a virtual board: the raw REPL of the real interpreter, over a pseudo-terminal."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from field_rig import Table
from stoep_field.board.console import Console
from stoep_field.board.loader import Loader
from stoep_field.image.identity import Identity
from stoep_field.image.image import of_board

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


class Remote:
    """The command `mpremote`, at a board that lets it in."""

    def __init__(self, own: Table) -> None:
        self._port = own.port(1)
        who = Identity("bin", 6, bytes.fromhex("c0ffee01"), bytes(range(32)))
        with Loader(own.bench, self._port) as loader:
            loader.look()
            loader.write(of_board(own.base, who, 0, {}, keeps_ring=False), lambda _: None)
        own.bench.restart(self._port)
        with Console(own.bench, self._port) as console:
            console.visit()

    def __call__(self, *words: str) -> str:
        command = [sys.executable, "-m", "mpremote", "connect", self._port, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout.replace("\r", "")


def test_self_test_logs_and_files(table: Callable[..., Table], tmp_path: Path) -> None:
    remote = Remote(table(""))
    said = remote("resume", "exec", "from node import selftest; selftest.run()")
    assert "identity kind=bin kid=c0ffee01" in said
    assert "channel name=temperature counts=" in said
    assert said.rstrip().endswith("selftest done")
    logs = (
        "from node import crash, flash; from node.life import Life; print(crash.last(), Life(flash.partition()).epoch)"
    )
    assert remote("resume", "exec", logs).strip() == "None 0"  # nobody's visit begins a life
    assert "a/" in remote("resume", "fs", "ls", ":/")
    assert "boot.py" in remote("resume", "fs", "ls", ":/")
    content = bytes(range(256)) * 40
    (tmp_path / "there.bin").write_bytes(content)
    remote("resume", "fs", "cp", str(tmp_path / "there.bin"), ":/there.bin")
    assert hashlib.sha256(content).hexdigest() in remote("resume", "fs", "sha256sum", ":/there.bin")
    remote("resume", "fs", "cp", ":/there.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == content
    remote("resume", "fs", "rm", ":/there.bin")
    assert "there.bin" not in remote("resume", "fs", "ls", ":/")


def test_a_soft_reset_runs_boot_and_keeps_the_board_in_hand(table: Callable[..., Table]) -> None:
    remote = Remote(table(""))
    remote("resume", "exec", "mark = 1")
    assert remote("resume", "eval", "'mark' in globals()").strip() == "True"
    assert remote("eval", "'mark' in globals()").strip() == "False"  # without resume it begins with a soft reset
    assert remote("resume", "exec", "import sys; print(sys.path[0])").strip() == "a"  # boot.py chose the slot
