"""One clock for boards and gateway: its page, its pace, its jumps."""

import time
from pathlib import Path

from stoep.clock import FileClock
from stoep_twin.clockwork import PAGE, Clockwork

_START = 1_780_293_600


def test_the_page_says_what_the_writer_means(tmp_path: Path) -> None:
    clock = Clockwork(tmp_path / "clock", _START * 1_000_000, 240.0)
    version, real, virtual, speed, offset, trusted, _, again = PAGE.unpack((tmp_path / "clock").read_bytes())
    assert version == again
    assert speed == 240_000
    assert trusted == 1
    assert virtual + offset == _START * 1_000_000
    assert abs(time.monotonic_ns() // 1000 - real) < 1_000_000
    clock.close()


def test_time_runs_at_its_speed_and_jumps_at_once(tmp_path: Path) -> None:
    clock = Clockwork(tmp_path / "clock", _START * 1_000_000, 100.0)
    told: list[int] = []
    clock.on_change(told.append)
    began, real = clock.virtual_us(), time.monotonic()
    time.sleep(0.05)
    gone, took = clock.virtual_us() - began, time.monotonic() - real
    assert 4_900_000 <= gone <= took * 100 * 1e6 + 100_000
    assert 0.009 < clock.real_seconds_until(clock.virtual_us() + 1_000_000) <= 0.01
    before = clock.utc_us()
    clock.jump(900.0)
    assert 900_000_000 <= clock.utc_us() - before < 910_000_000
    assert told == [900_000_000]
    clock.close()


def test_the_gateways_clock_reads_the_same(tmp_path: Path) -> None:
    clock = Clockwork(tmp_path / "clock", _START * 1_000_000, 240.0)
    reader = FileClock(tmp_path / "clock")
    for _ in range(3):
        assert abs(reader.utc() - clock.utc_us() / 1e6) < 2.0
        assert abs(reader.monotonic() - clock.virtual_us() / 1e6) < 2.0
        clock.jump(3600.0)
    assert reader.trusted()
    clock.close()
