"""What a bin's windows say of it, through the store: level, emptying, forecast, and what a restart knows again."""

from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from bin_windows import DISTANCE, KID, LEVEL, MIDNIGHT, level_at, window
from gateway_chain import Chain
from gateway_rig import WIRE, PlayedNode, TurnedClock, sample
from stoep.refine.bins import memory
from stoep.refine.bins.memory import Bins
from stoep.store import window_rows
from stoep.store.database import Database
from stoep.store.series import Series, Taken
from stoep.store.windows import SECONDS, Fill, Window
from stoep.wire.channels import catalogue
from window_reports import report


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    return Chain(tmp_path / "stoep.db", clock, node)


def stored(database: Database, quarters: range) -> None:
    with database.transaction() as sql:
        window_rows.save(sql, [window(index, level_at(index)) for index in quarters])


def filled(index: int, bins: Bins) -> Fill:
    said = bins.fill(window(index, level_at(index)))
    assert said is not None
    return said


def test_after_a_few_days_a_bin_is_known(tmp_path: Path) -> None:
    database = Database(tmp_path / "stoep.db")
    stored(database, range(6 * 96 - 6))
    bins = Bins(database, catalogue(), UTC)
    for index in range(6 * 96 - 6, 6 * 96):
        said = filled(index, bins)
    assert said.emptied == MIDNIGHT + (5 * 96 + 24) * SECONDS + 7
    assert said.robust == pytest.approx(level_at(index), abs=1)
    assert said.full_in is not None
    hours, soonest, latest = said.full_in
    assert soonest < hours < latest
    assert hours == pytest.approx(54, rel=0.25)  # 60 points: two days of 28, and the next morning's first


def test_a_restart_reads_its_weeks_again_a_few_days_with_each_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "stoep.db")
    stored(database, range(8 * 96))
    read: list[int] = []
    between = window_rows.between

    def counted(*asked: Any) -> list[Window]:
        found = list(between(*asked))
        read.append(len(found))
        return found

    monkeypatch.setattr(memory.window_rows, "between", counted)
    bins = Bins(database, catalogue(), UTC)
    said = [filled(8 * 96 + index, bins) for index in range(6)]
    assert max(read) <= 2.25 * 96 + 4
    assert len(read) <= 1 + 2 * 6
    assert said[0].full_in is not None
    assert said[-1].full_in is not None


def test_a_late_window_is_told_by_itself_and_changes_what_its_day_was(tmp_path: Path) -> None:
    database = Database(tmp_path / "stoep.db")
    stored(database, range(3 * 96))
    bins = Bins(database, catalogue(), UTC)
    before = filled(3 * 96 + 40, bins)
    late = bins.fill(window(2 * 96, 77.0))
    assert late == Fill(77.0, reason="what is past is no forecast")
    with database.transaction() as sql:
        window_rows.save(sql, [window(2 * 96 + index, 97.0) for index in range(30, 60)])
    again = bins.fill(window(2 * 96 + 59, 97.0))
    assert again is not None
    assert filled(3 * 96 + 41, bins) != before


def test_a_bin_that_reports_every_minute_costs_three_soundings_a_window(tmp_path: Path) -> None:
    bins = Bins(Database(tmp_path / "stoep.db"), catalogue(), UTC)
    bins.fill(window(40, 30, samples=15))
    (known,) = bins._bins.values()
    assert known.recent is not None
    assert len(known.recent.between(0, MIDNIGHT + 86_400)) == 3


def test_what_no_range_finder_can_say_is_not_taken_for_waste(tmp_path: Path) -> None:
    bins = Bins(Database(tmp_path / "stoep.db"), catalogue(), UTC)
    at = MIDNIGHT * 1_000_000
    for counts in ({LEVEL: 70_000, DISTANCE: 300}, {LEVEL: -3, DISTANCE: -70_000}):
        assert bins.fill(Window(KID, MIDNIGHT, samples=Series([Taken(at, 1, 1, 0, counts)]))) is None
    said = bins.fill(Window(KID, MIDNIGHT, samples=Series([Taken(at, 1, 1, 0, {LEVEL: 40, DISTANCE: 70_000})])))
    assert said is not None
    assert said.robust == 40


def test_what_has_no_fill_level_is_no_bin(tmp_path: Path) -> None:
    bins = Bins(Database(tmp_path / "stoep.db"), catalogue(), UTC)
    assert bins.fill(Window(KID, MIDNIGHT, samples=Series([Taken(MIDNIGHT * 1_000_000, 1, 1, 0, {1: 1853})]))) is None


def test_the_message_tells_the_robust_level_and_why_there_is_no_forecast_yet(chain: Chain) -> None:
    report(chain, *(sample(number, 60 * number) for number in range(1, 11)), tick=600, back=None)
    report(chain, tick=630)
    report(chain, tick=SECONDS + 100)
    (message,) = chain.windows()
    assert message["channels"]["fill_level"]["robust"] == WIRE[4]
    assert message["fill"] == {
        "emptied": None,
        "emptied_confidence": None,
        "full_in": None,
        "reason": "the bin was not watched for a whole day yet",
    }
