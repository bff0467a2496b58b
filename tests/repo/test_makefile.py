"""`make` explains itself, and stops in its first second on a machine that cannot go on."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
A_SECOND = 2  # on a machine that is busy with other tests


def make(*words: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a fresh clone as `make` looks at before it installs anything; its path has a space in it."""
    clone = tmp_path / "a clone"
    clone.mkdir()
    shutil.copy(ROOT / "Makefile", clone)
    shutil.copytree(ROOT / ".ci", clone / ".ci")
    return clone


def test_help_is_the_default_and_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony
    said = make().stdout
    assert re.findall(r"^  ([\w-]+) +\S", said, re.MULTILINE) == phony[1].split()
    for variable in ("FOR", "PYTHON"):
        assert variable in said


def unfit_python(folder: Path, *, version: tuple[int, int], missing: str = "") -> Path:
    """A stand-in for another machine's Python, as far as the check in .ci/python looks."""
    python = folder / "python"
    (folder / "sitecustomize.py").write_text(
        f"import sys\nsys.version_info = {version!r}\nsys.version = '{version[0]}.{version[1]}.2 (main)'\n"
        f"if {missing!r}: sys.modules[{missing!r}] = None\n"
    )
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{folder}" exec python3 "$@"\n')
    python.chmod(0o755)
    return python


@pytest.mark.parametrize(
    ("version", "missing", "remedy"),
    [((3, 9), "", "stoep needs 3.11"), ((3, 11), "ensurepip", "sudo apt install python3-venv")],
)
def test_an_unfit_python_is_named_at_once(
    checkout: Path, tmp_path: Path, version: tuple[int, int], missing: str, remedy: str
) -> None:
    started = time.monotonic()
    done = make("run", f"PYTHON={unfit_python(tmp_path, version=version, missing=missing)}", cwd=checkout)
    assert time.monotonic() - started < A_SECOND
    assert done.returncode != 0
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert remedy in said
    assert not (checkout / "build").exists()


def test_a_python_that_is_not_there_is_named(checkout: Path) -> None:
    done = make("run", "PYTHON=python3.999", cwd=checkout)
    assert done.returncode != 0
    assert "no python3.999; sudo apt install" in done.stderr


def test_without_mosquitto_and_without_root_the_one_line_is_printed(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash
    identity = tmp_path / "id"
    identity.write_text(f"#!{bash}\necho 1000\n")
    identity.chmod(0o755)
    done = subprocess.run(
        [bash, ROOT / ".ci/mosquitto"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "error: the tests need the mosquitto broker and strace: sudo apt install mosquitto strace\n"


def test_clean_removes_what_a_run_made(checkout: Path) -> None:
    for room in ("build/twin", "gateway/stoep/__pycache__", "firmware", "tests"):
        (checkout / room).mkdir(parents=True)
    assert make("clean", cwd=checkout).returncode == 0
    assert not (checkout / "build").exists()
    assert not (checkout / "gateway/stoep/__pycache__").exists()
