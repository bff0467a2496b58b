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
    before, began, after = time.monotonic(), clock.virtual_us(), time.monotonic()
    time.sleep(0.05)
    earliest, now, latest = time.monotonic(), clock.virtual_us(), time.monotonic()
    assert (earliest - after) * 100e6 - 1000 <= now - began <= (latest - before) * 100e6 + 1000
    assert 0.009 < clock.real_seconds_until(clock.virtual_us() + 1_000_000) <= 0.01
    before, then = time.monotonic(), clock.utc_us()
    clock.jump(900.0)
    now, latest = clock.utc_us(), time.monotonic()
    assert 900_000_000 <= now - then <= 900_000_000 + (latest - before) * 100e6 + 1000
    assert told == [900_000_000]
    clock.close()


def test_the_gateways_clock_reads_the_same(tmp_path: Path) -> None:
    clock = Clockwork(tmp_path / "clock", _START * 1_000_000, 240.0)
    reader = FileClock(tmp_path / "clock")
    for _ in range(3):
        before, read, after = clock.utc_us() / 1e6, reader.utc(), clock.utc_us() / 1e6
        assert before - 0.01 <= read <= after + 0.01
        before, read, after = clock.virtual_us() / 1e6, reader.monotonic(), clock.virtual_us() / 1e6
        assert before - 0.01 <= read <= after + 0.01
        clock.jump(3600.0)
    assert reader.trusted()
    clock.close()
