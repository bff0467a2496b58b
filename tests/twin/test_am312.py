"""The PIR's model against its data sheet, and what it counts of a street."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stoep_twin.chips.am312 import AM312, HOLD_S
from stoep_twin.world import pir
from stoep_twin.world.place import Place
from stoep_twin.world.plan import Spot

_START = 1_780_293_600.0
_SUMMER_TIME = 7200.0
_LATENCY = 0.1
_DEAF = 30.0  # the firmware counts no sooner after a movement
_WARM = 1060.0
_NOBODY = 1e12  # somebody comes at last: the street has no end


class _Bench:
    """One chip, powered at 1,000 s."""

    def __init__(self, *passed: float) -> None:
        self.now = 1000.0
        people = (*passed, _NOBODY)
        self.chip = AM312(lambda since: iter([at for at in people if at >= since]), lambda: self.now, _LATENCY)
        self.now = 1100.0

    def high(self, at: float) -> bool:
        self.now = at
        return self.chip.level("OUT")


def test_its_output_is_high_soon_after_somebody_passes_and_for_the_delay_time() -> None:
    bench = _Bench(1200.0)
    assert [bench.high(at) for at in (1199.9, 1200.05, 1200.15, 1202.3, 1202.5)] == [False, False, True, True, False]
    assert bench.chip.next_level("OUT", True, 1100.0) == 1200.0 + _LATENCY
    assert bench.chip.next_level("OUT", False, 1201.0) == 1200.0 + _LATENCY + HOLD_S
    assert bench.chip.next_level("OUT", True, 1201.0) == 1201.0
    assert bench.chip.next_level("OUT", False, 1100.0) == 1100.0


def test_who_moves_on_holds_it_high() -> None:
    bench = _Bench(1200.0, 1202.0, 1204.0)
    assert all(bench.high(at) for at in (1200.2, 1202.45, 1206.3))
    assert not bench.high(1206.5)
    assert bench.chip.next_level("OUT", False, 1200.2) == 1204.0 + _LATENCY + HOLD_S


def test_after_it_has_gone_low_it_is_blind_for_the_block_time() -> None:
    bench = _Bench(1200.0, 1203.5, 1300.0, 1304.5)
    assert not bench.high(1203.7)
    assert bench.high(1304.7)


def test_it_is_high_for_no_reason_while_it_warms_up() -> None:
    bench = _Bench(1030.0, 1059.0)
    assert bench.high(1030.2)
    assert bench.chip.next_level("OUT", False, 1001.0) == _WARM
    assert not bench.high(_WARM + 0.1)
    bench.now = 2000.0
    bench.chip.reset()
    assert bench.high(2059.0)
    assert not bench.high(2061.0)


def _day(place: Place) -> list[float]:
    return list(itertools.takewhile(lambda at: at < _START + 86400, place.glimpses(_START)))


def _movements(glimpses: list[float]) -> list[float]:
    found = glimpses[:1]
    for at in glimpses:
        if at >= found[-1] + _DEAF:
            found.append(at)
    return found


def test_people_pass_as_the_day_has_it_and_as_the_seed_says() -> None:
    place = Place(1, 1, _START)
    day = _day(place)
    assert day == sorted(day)
    assert day == _day(Place(1, 1, 0.0))
    assert day != _day(Place(1, 2, _START, Spot(100.0)))
    assert day != _day(Place(2, 1, _START))
    later = [at for at in day if at >= _START + 40_000]
    assert list(itertools.islice(place.glimpses(_START + 40_000), 20)) == later[:20]
    movements = _movements(day)
    hours = [int((at + _SUMMER_TIME) % 86400 // 3600) for at in movements]
    rush, night = sum(hour in (7, 8, 16, 17) for hour in hours), sum(hour in (0, 1, 2, 3) for hour in hours)
    assert rush > 5 * night
    assert 60 < len(movements) < 400
    assert max(hours.count(hour) for hour in range(24)) < 60  # more would saturate the firmware's count


def test_a_street_holds_no_pulse_that_depends_on_when_one_asks() -> None:
    chip = AM312(Place(1, 1, _START, Spot(37.5, tree=True)).glimpses, lambda: _START, pir.sheet().latency_seconds)
    at, edges = _START + 600.0, []
    for rises in itertools.islice(itertools.cycle((True, False)), 400):
        found = chip.next_level("OUT", rises, at)
        assert found is not None
        edges.append((found, rises))
        at = found
    for edge, rises in reversed(edges):
        assert chip.next_level("OUT", rises, edge - 0.05) == edge


_WATCH = """
import esp32, machine
print("woken", machine.wake_reason())
esp32.wake_on_ext0(machine.Pin(33, machine.Pin.IN), esp32.WAKEUP_ANY_HIGH)
if machine.wake_reason() == 2:
    print("done")
machine.deepsleep(1_000_000)
"""


def test_who_passes_wakes_the_board(on_bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    passes = _START + 150.0

    def glimpses(_: Place, since: float) -> Iterator[float]:
        return iter([at for at in (passes, passes + 30, passes + 60, _NOBODY) if at >= since])

    monkeypatch.setattr(Place, "glimpses", glimpses)
    monkeypatch.setattr("stoep_twin.chips.am312._WARM_UP_S", 0.0)
    bench = on_bench(_WATCH, lambda bench: bench.until("done"), drawing="bench")
    assert bench.lines[0] == "woken 0"
    assert bench.lines[1:3] == ["woken 2", "done"]
    assert passes + _LATENCY <= bench.clock.utc_us(bench.times[1]) / 1e6 < passes + 29
