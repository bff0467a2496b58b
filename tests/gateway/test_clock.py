"""The one source of time."""

import struct
import time
from pathlib import Path

import pytest

from gateway_rig import MORNING, write_clock
from stoep import clock as module
from stoep.cli.clock_witness import witness
from stoep.clock import FileClock, SystemClock
from stoep.errors import PermanentError


def test_the_systems_clock_is_the_systems() -> None:
    clock = SystemClock()
    assert clock.utc() == pytest.approx(time.time(), abs=1)
    assert clock.offset() == pytest.approx(clock.utc() - clock.monotonic(), abs=0.1)
    assert clock.boot() == SystemClock().boot()
    assert clock.trusted() in {True, False}


def test_where_the_kernel_may_not_be_asked_the_witness_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module.sys, "platform", "linux")
    monkeypatch.setattr(module, "WITNESS", tmp_path / "synchronised")
    monkeypatch.setattr(module, "kernel_says", lambda: None)
    assert not SystemClock().trusted()
    witness(tmp_path / "synchronised", lambda: True)
    assert SystemClock().trusted()
    witness(tmp_path / "synchronised", lambda: False)
    assert not SystemClock().trusted()


@pytest.mark.parametrize("says", [False, None])
def test_a_witness_that_knows_nothing_says_nothing(tmp_path: Path, *, says: bool | None) -> None:
    (tmp_path / "synchronised").touch()
    witness(tmp_path / "synchronised", lambda: says)
    witness(tmp_path / "synchronised", lambda: says)
    assert not (tmp_path / "synchronised").exists()


def test_the_twins_clock_runs_as_fast_as_it_is_told(tmp_path: Path) -> None:
    write_clock(tmp_path / "clock", utc=MORNING, speed=240)
    clock = FileClock(tmp_path / "clock")
    before, began, after = time.monotonic(), clock.monotonic(), time.monotonic()
    time.sleep(0.1)
    earliest, now, latest = time.monotonic(), clock.monotonic(), time.monotonic()
    assert 240 * (earliest - after) - 0.01 <= now - began <= 240 * (latest - before) + 0.01
    began, utc, now = clock.monotonic(), clock.utc(), clock.monotonic()
    assert began - 0.01 <= 1000 + utc - MORNING <= now + 0.01
    assert clock.offset() == pytest.approx(MORNING - 1000)
    assert clock.trusted()


def test_the_twins_clock_may_be_rewritten_in_place(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    write_clock(file, utc=MORNING)
    clock = FileClock(file)
    with file.open("r+b") as opened:
        opened.write(struct.pack("<8Q", 2, time.monotonic_ns() // 1000, 5_000_000_000, 0, 0, 0, 0, 2))
    assert clock.monotonic() == 5000
    assert not clock.trusted()


def test_a_half_written_clock_is_not_believed(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.write_bytes(struct.pack("<8Q", 2, 0, 0, 1000, 0, 1, 0, 1))
    with pytest.raises(PermanentError, match="half-written"):
        FileClock(file).monotonic()


@pytest.mark.parametrize("content", [None, b"short"])
def test_a_clock_file_that_cannot_be_used_says_so(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "clock").write_bytes(content)
    with pytest.raises(PermanentError, match="start the twin first"):
        FileClock(tmp_path / "clock")


def test_a_step_by_hand_ends_the_kernels_word_and_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ASK_AGAIN", 0.0)
    says = iter([True, False, True])
    monkeypatch.setattr(module, "_synchronised", lambda: next(says))
    clock = SystemClock()
    assert [clock.trusted() for _ in range(3)] == [True, False, True]
