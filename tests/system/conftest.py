"""Whole streets, started as a user starts them."""

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import published
import tape
from stoep.resources import firmware_dir
from stoep_twin import recording

_MARK = "STOEP_TEST_STREET"


class Streets:
    """Starts `stoep twin` in a directory of the test's, and knows which processes came of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.mark = f"{_MARK}={uuid.uuid4().hex}".encode()
        name, value = self.mark.decode().split("=")
        self.env = {**os.environ, name: value, "PYTHONUNBUFFERED": "1"}
        self._validated = False

    def command(self, *options: str) -> list[str]:
        return [sys.executable, "-P", "-m", "stoep", "twin", "--dir", str(self.directory / "street"), *options]

    def run(self, *options: str, seconds: float = 110, env: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        """Exit status and summary."""
        summary = self.directory / "summary.json"
        done = subprocess.run(
            self.command("--summary", str(summary), *options),
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert summary.exists(), done.stdout + done.stderr + self.log()
        said = self.validate()
        assert said["uplink"] > 0, "nothing was said in the street"
        assert said["reply"] > 0, "nothing was answered in the street"
        return done.returncode, json.loads(summary.read_text())

    def validate(self) -> Counter[str]:
        """Hold every frame that was in the air against the contract, once."""
        if self._validated or not (self.directory / "street" / recording.FILE).exists():
            return Counter()
        self._validated = True
        return tape.validate(self.directory / "street")

    def log(self) -> str:
        log = self.directory / "street" / "gateway.log"
        return log.read_text(errors="replace")[-3000:] if log.exists() else "the gateway has no log"

    def alive(self) -> list[str]:
        """Every process that inherited the mark."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and entry.name != str(os.getpid()):
                try:
                    if self.mark in (entry / "environ").read_bytes():
                        found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
                except OSError:
                    continue
        return found

    def nobody_left(self, seconds: float = 5.0) -> bool:
        end = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True


@pytest.fixture(autouse=True)
def deliveries(tmp_path: Path) -> Iterator[None]:
    """Whatever a city gets in a street of these tests is held against its schema."""
    yield
    published.validate_streets(tmp_path)


@pytest.fixture
def streets(tmp_path: Path) -> Iterator[Streets]:
    made = Streets(tmp_path)
    yield made
    assert made.nobody_left(), made.alive()
    made.validate()


@pytest.fixture
def wait_for() -> Callable[[Path, str, float], None]:
    """Wait until a file holds a text."""

    def wait(path: Path, text: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not path.exists() or text not in path.read_text(errors="replace"):
            assert time.monotonic() < end, f"no {text!r} in {path}: {path.read_text() if path.exists() else 'no file'}"
            time.sleep(0.05)

    return wait


@pytest.fixture
def own_firmware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """A copy of the firmware that the street's boards run, to break; beside it a folder `street`."""

    def copied() -> Path:
        copy = tmp_path / "firmware"
        shutil.copytree(firmware_dir(), copy, ignore=shutil.ignore_patterns("stoep_*"))
        monkeypatch.setattr("stoep_twin.street.firmware_dir", lambda: copy)
        (tmp_path / "street").mkdir()
        return copy

    return copied
