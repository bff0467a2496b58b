"""The one seam to MicroPython, and processes that do not outlive their parent."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stoep_twin import interpreter
from stoep_twin.nursery import Nursery


def test_the_command_runs_micropython(tmp_path: Path) -> None:
    script = tmp_path / "hello.py"
    script.write_text("import sys\nprint(sys.implementation.name, sys.argv[1:])\nsys.exit(7)\n")
    done = subprocess.run([*interpreter.command(), str(script), "a"], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "micropython ['a']"
    assert done.returncode == 7


def test_an_executable_named_by_the_user_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPYTHON", "/opt/micropython")
    assert interpreter.command() == ["/opt/micropython"]


@pytest.mark.parametrize("plain", [False, True])
def test_the_nursery_hands_over_descriptors_and_reports_exits(
    plain: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "say.py"
    script.write_text("import sys\nf = open(3, 'r+b')\nf.write(sys.stdin.read(2))\nprint('out')\nsys.exit(5)\n")
    if plain:
        wrapper = tmp_path / "micropython"
        wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} -P -c "{_WRAP}" "$@"\n')
        wrapper.chmod(0o755)
        monkeypatch.setenv("MICROPYTHON", str(wrapper))

    async def run() -> None:
        nursery = Nursery()
        nursery.open(tmp_path / "log")
        (in_r, in_w), (out_r, out_w), (link_r, link_w) = os.pipe(), os.pipe(), os.pipe()
        os.write(in_w, b"hi")
        child = nursery.start([str(script)], (in_r, out_w, out_w, link_w))
        for descriptor in (in_r, out_w, link_w):
            os.close(descriptor)
        status = await asyncio.wait_for(child.exited, 10)
        assert os.waitstatus_to_exitcode(status) == 5
        assert os.read(link_r, 10) == b"hi"
        assert os.read(out_r, 10) == b"out\n"
        for descriptor in (in_w, out_r, link_r):
            os.close(descriptor)
        nursery.close()

    asyncio.run(run())


_WRAP = "import sys, os; from micropython_run import run_main; os._exit(run_main(['m'] + sys.argv[1:]) & 255)"

_PARENT = """
import asyncio, os, sys
from pathlib import Path
from stoep_twin.nursery import Nursery
async def run():
    nursery = Nursery()
    nursery.open(Path(sys.argv[1]) / "log")
    null = os.open(os.devnull, os.O_RDWR)
    out = os.open(sys.argv[1] + "/pid", os.O_WRONLY | os.O_CREAT)
    nursery.start([sys.argv[1] + "/loop.py"], (null, out, out, null))
    print("up", flush=True)
    await asyncio.sleep(60)
asyncio.run(run())
"""


def test_boards_die_with_a_twin_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text("import os\nos.system('echo $PPID')\nwhile True: pass\n")
    with subprocess.Popen([sys.executable, "-c", _PARENT, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        end = time.monotonic() + 10
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().endswith("\n"):
            assert time.monotonic() < end
            time.sleep(0.01)
        board = int((tmp_path / "pid").read_text())
        os.kill(board, 0)
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + 5
    while Path(f"/proc/{board}").exists():
        assert time.monotonic() < end, "a board has outlived its twin"
        time.sleep(0.02)
