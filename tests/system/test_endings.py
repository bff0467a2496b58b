"""However a street ends, it leaves no process behind."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Wait = Callable[[Path, str, float], None]
_FIRST_WINDOW = "the city has its first window"


def _start(streets: Any) -> tuple[subprocess.Popen[bytes], Path]:
    out = streets.directory / "out"
    with out.open("wb") as file:
        # A session of its own, and the signal to the whole group: what a terminal does.
        process = subprocess.Popen(
            streets.command("--loss", "0"), env=streets.env, stdout=file, stderr=file, start_new_session=True
        )
    return process, out


@pytest.mark.slow
def test_ctrl_c_ends_in_order(streets: Any, wait_for: Wait) -> None:
    process, out = _start(streets)
    wait_for(out, _FIRST_WINDOW, 30)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) == 0
    assert "good" in out.read_text().splitlines()[-1]
    assert streets.nobody_left()


@pytest.mark.slow
@pytest.mark.parametrize("ends", [(signal.SIGINT, signal.SIGINT), (signal.SIGHUP,), (signal.SIGKILL,)])
def test_the_hard_ways_end_at_once(streets: Any, wait_for: Wait, ends: tuple[signal.Signals, ...]) -> None:
    process, out = _start(streets)
    wait_for(out, "running: 3 nodes", 30)
    for number, end in enumerate(ends):
        if number:
            wait_for(out, "once more", 5)
        os.killpg(process.pid, end)
    assert process.wait(3) != 0
    assert streets.nobody_left()


_ON_TERMINAL = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


# Leads the session as make does: it hears of the hang-up, and waits for its child all the same.
_LIKE_MAKE = ["sh", "-c", 'trap : HUP; "$0" "$@"; exit $?']


@pytest.mark.slow
@pytest.mark.parametrize("leader", [[], _LIKE_MAKE], ids=["alone", "below make"])
def test_a_terminal_that_is_closed_takes_everything_with_it(streets: Any, leader: list[str]) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _ON_TERMINAL, *leader, *streets.command("--loss", "0")],
        env={**streets.env, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    seen = b""
    while b"bin-3" not in seen:
        seen += os.read(master, 65536)
    assert b"stoep twin" in seen
    os.close(master)
    assert process.wait(5) != 0
    assert streets.nobody_left()
