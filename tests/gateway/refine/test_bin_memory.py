"""What is remembered of a bin: small, because a large street has hundreds, and the same as if it were not packed."""

import gc
import tracemalloc
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bin_windows import DISTANCE, KID, LEVEL, MIDNIGHT, level_at, window
from stoep.refine.bins.days import HOURS, Day
from stoep.refine.bins.memory import Bins
from stoep.refine.bins.recent import Recent
from stoep.refine.bins.sounding import Sounding
from stoep.refine.bins.weeks import Weeks
from stoep.store import window_rows
from stoep.store.database import Database
from stoep.store.series import Series, Taken
from stoep.store.windows import SECONDS, Window
from stoep.wire.channels import catalogue

_DAYS = 35
_KIB = 1024

_QUARTERS = st.integers(0, 11)
_WITHIN = st.sets(st.integers(0, SECONDS - 1), max_size=3)


@given(
    st.lists(st.tuples(_QUARTERS, _WITHIN, st.booleans()), max_size=20),
    _QUARTERS,
    st.floats(0, 12 * SECONDS),
    st.floats(0, 12 * SECONDS),
)
def test_recent_soundings_are_those_of_the_windows_that_were_put_last(
    put: list[tuple[int, set[int], bool]], forgotten: int, since: float, until: float
) -> None:
    recent = Recent(0)
    there: dict[int, list[Sounding]] = {}
    for number, (quarter, seconds, measured) in enumerate(put):
        start = quarter * SECONDS
        there[start] = [Sounding(start + at, number, 2 * number if measured else None) for at in sorted(seconds)]
        recent.put(start, start + SECONDS, there[start])
    recent.forget(forgotten * SECONDS)
    everything = [sounding for start in sorted(there) for sounding in there[start]]
    kept = [sounding for sounding in everything if sounding.at >= max(since, forgotten * SECONDS)]
    assert recent.between(since, until) == [sounding for sounding in kept if sounding.at < until]
    assert recent.since == forgotten * SECONDS


def test_a_day_comes_out_of_the_weeks_as_it_was_put() -> None:
    weeks = Weeks()
    days = [
        Day(739_000 + number, [number + hour / 2 for hour in range(HOURS)], [0.25] * HOURS, emptied)
        for number, emptied in enumerate((None, 1_780_000_000.5, 0.0))
    ]
    for day in (*days, days[1]):
        weeks.put(day)
    assert sorted(weeks) == [Day(number, list(came), list(seen), emptied) for number, came, seen, emptied in days]
    weeks.forget({739_000, 5})
    assert weeks.numbers() == {739_001, 739_002}


def _every_five_minutes(kid: bytes, index: int) -> Window:
    start = MIDNIGHT + index * SECONDS
    level = round(level_at(index))
    counts = {LEVEL: level, DISTANCE: 1200 - 10 * level + index % 3}
    samples = (Taken((start + second) * 1_000_000, 1, second + 1, 0, counts) for second in (7, 307, 607))
    return Window(kid, start, 1, samples=Series(samples))


def test_five_weeks_of_a_bin_are_less_than_sixteen_kilobytes(tmp_path: Path) -> None:
    database = Database(tmp_path / "stoep.db")
    bins = Bins(database, catalogue(), UTC)
    ours = [KID[:-1] + bytes((last,)) for last in range(3)]
    with database.transaction() as sql:
        for kid in ours:
            window_rows.save(sql, (_every_five_minutes(kid, index) for index in range(_DAYS * 96)))
    held = []
    tracemalloc.start()
    for kid in ours:
        for index in range(_DAYS * 96, _DAYS * 96 + 24):
            bins.fill(_every_five_minutes(kid, index))
        gc.collect()
        snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/refine/bins/*")])
        held.append(sum(trace.size for trace in snapshot.traces))
    tracemalloc.stop()
    for known in bins._bins.values():
        assert len(known.days.numbers()) == _DAYS - 1
        assert known.recent is not None
        assert len(known.recent.between(0, MIDNIGHT + 2 * _DAYS * 86_400)) > 3 * 96
    assert (held[-1] - held[0]) / (len(ours) - 1) < 16 * _KIB  # the first has what Python keeps for the next


@pytest.mark.parametrize("first", [0, 8])
def test_a_late_window_that_is_the_first_after_a_start_leaves_no_hole(tmp_path: Path, first: int) -> None:
    database = Database(tmp_path / "stoep.db")
    with database.transaction() as sql:
        window_rows.save(sql, [window(index, level_at(index)) for index in range(3 * 96)])
    undisturbed, late = (Bins(database, catalogue(), UTC) for _ in range(2))
    late.fill(window(3 * 96 - 1 - first, level_at(3 * 96 - 1 - first)))
    for bins in (undisturbed, late):
        bins.fill(window(3 * 96, level_at(3 * 96)))
    known = [next(iter(bins._bins.values())).recent for bins in (undisturbed, late)]
    assert known[0] is not None
    assert known[1] is not None
    since, until = MIDNIGHT + 96 * SECONDS, MIDNIGHT + 4 * 96 * SECONDS
    assert known[0].between(since, until) == known[1].between(since, until)


def test_a_late_window_of_yesterday_leaves_the_day_before_as_it_was(tmp_path: Path) -> None:
    database = Database(tmp_path / "stoep.db")
    midnight = 4 * 96
    with database.transaction() as sql:
        window_rows.save(sql, [window(index, level_at(index)) for index in range(midnight)])
    bins = Bins(database, catalogue(), UTC)
    for index in range(midnight, midnight + 7):
        bins.fill(window(index, level_at(index)))
    (known,) = bins._bins.values()
    before = {day.number: day for day in known.days}
    bins.fill(window(midnight - 1, level_at(midnight - 1)))
    bins.fill(window(midnight + 7, level_at(midnight + 7)))
    assert {day.number: day for day in known.days if day.number in before} == before
    assert sum(day.watched[12] for day in before.values()) > 3  # of 4 whole days
