"""What the city gets of a calibrated sensor: both values, and windows again when a calibration comes late."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from gateway_chain import Chain
from gateway_rig import MORNING, PlayedNode, TurnedClock
from stoep.errors import SettingsError
from stoep.refine import portion
from stoep.refine import refiner as module
from stoep.refine.calibration.book import Book, Calibration
from stoep.refine.calibration.correction import Correction, Growth
from stoep.service.calibrations import Calibrations
from stoep.settings import load
from stoep.store import window_rows
from stoep.store.windows import FINER, SECONDS, Window
from stoep.uplink.dialects.native import Native
from stoep.wire.channels import catalogue
from stoep.wire.messages import Sample

LAMPPOST = 4
START = int(MORNING)
QUARTERS = 6


def dusty(seq: int, tick: int, pm2_5: int | None = 62, percent: int | None = 50) -> Sample:
    """14 °C, 1013 hPa, so much dust, 450 ppm, 3 passers."""
    return Sample(1, seq, LAMPPOST, tick, (1400, None if percent is None else percent * 100, -25, 20, pm2_5, 80, 50, 3))


def bright(kid: bytes, **of: Any) -> Calibration:
    said: dict[str, Any] = {"begins": START + SECONDS, "ends": START + 3 * SECONDS, "gain": Fraction(2)} | of
    begins, ends = said.pop("begins"), said.pop("ends")
    return Calibration(kid, 9, begins, ends, Correction(said.pop("version", 1), "a neighbour", **said))


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    return Chain(tmp_path / "stoep.db", clock, node, kind="lamppost")


def report(chain: Chain, *samples: Sample, tick: int) -> None:
    chain.clock.now = 1000.0 + tick
    chain.ask(*samples, tick=tick, back=1)
    chain.commit()
    chain.turn()


def live(chain: Chain) -> list[dict[str, Any]]:
    """Six quarters of an hour, a sample in each; what the city got of them."""
    report(chain, tick=0)
    report(chain, tick=30)
    for number in range(QUARTERS):
        report(chain, dusty(number + 1, number * SECONDS + 60), tick=number * SECONDS + 60)
    report(chain, tick=QUARTERS * SECONDS + 90)
    return chain.windows()


def turns(chain: Chain, count: int = 4) -> list[dict[str, Any]]:
    for _ in range(count):
        chain.turn()
    return chain.windows()


def quarters(chain: Chain) -> list[dict[str, Any]]:
    """What comes, but for the hour's last window, which comes again with any of its hour: it has the air's index."""
    return [window for window in turns(chain) if not window["start"].endswith(":45:00Z")]


def pm(window: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = window["channels"]["pm2_5"]
    return said


def test_a_window_says_the_corrected_values_and_the_raw_beside_and_by_what(chain: Chain) -> None:
    first, *_ = live(chain)
    assert pm(first) == {
        "unit": "µg/m³",
        "count": 1,
        "expected": 1,
        "rejected": 0,
        "min": 50.0,
        "mean": 50.0,
        "max": 50.0,
        "last": 50.0,
        "correction": {"version": 0, "name": "humidity, after Nilson et al. 2022"},
        "raw": {"min": 62, "mean": 62.0, "max": 62, "last": 62},
        "quality": {"flag": 1, "reason": "in range"},
        "time_quality": "synced",
    }
    assert "raw" not in first["channels"]["temperature"]
    assert "correction" not in first["channels"]["co2"]


@pytest.mark.parametrize(
    ("publish", "mean", "raw"), [("raw", 62.0, False), ("corrected", 50.0, False), ("both", 50.0, True)]
)
def test_the_settings_choose_what_is_told(chain: Chain, publish: Any, mean: float, raw: bool) -> None:
    chain.refiner._compose = Native("grote-markt", 1, catalogue(), publish=publish)
    first, *_ = live(chain)
    assert pm(first)["mean"] == mean
    assert ("raw" in pm(first)) is raw
    assert ("correction" in pm(first)) is (publish != "raw")


def test_a_reading_without_humidity_is_told_raw_and_why(chain: Chain) -> None:
    report(chain, tick=0)
    report(chain, tick=30)
    report(chain, dusty(1, 60, percent=None), tick=60)
    report(chain, tick=SECONDS + 90)
    (said,) = chain.windows()
    assert pm(said)["mean"] == 62
    assert pm(said)["uncorrected"] == "no humidity was measured in this window"
    assert "correction" not in pm(said)


def test_a_calibration_entered_late_says_the_windows_it_holds_for_again_and_no_others(chain: Chain) -> None:
    before = live(chain)
    chain.refiner.calibrate(Book([bright(chain.node.kid)]))
    again = quarters(chain)
    assert [window["start"] for window in again] == [window["start"] for window in before[1:3]]
    assert {window["revision"] for window in again} == {2}
    assert [(pm(window)["mean"], pm(window)["raw"]["mean"]) for window in again] == [(124.0, 62.0)] * 2
    assert pm(again[0])["correction"] == {"version": 1, "name": "a neighbour"}
    assert not any(window["partial"] for window in again)
    assert turns(chain) == []


def test_one_taken_out_brings_back_what_was_told_before(chain: Chain) -> None:
    before = live(chain)
    chain.refiner.calibrate(Book([bright(chain.node.kid)]))
    turns(chain)
    chain.refiner.calibrate(Book())
    again = quarters(chain)
    assert [(pm(window), window["revision"]) for window in again] == [(pm(window), 3) for window in before[1:3]]


def test_a_restart_with_the_same_calibrations_says_nothing_again_and_with_others_what_changed(chain: Chain) -> None:
    live(chain)
    chain.crash()
    assert turns(chain) == []
    chain.book = Book([bright(chain.node.kid)])
    chain.crash()
    assert len(quarters(chain)) == 2
    chain.crash()
    assert turns(chain) == []
    chain.book = Book([bright(chain.node.kid, ends=START + 4 * SECONDS)])
    chain.crash()
    assert [window["start"] for window in turns(chain)] == ["2026-06-01T06:45:00Z"]


def test_killed_between_the_calibration_and_its_windows_each_still_comes_again(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(chain)
    monkeypatch.setattr(module, "_MOST_AGAIN", 0)  # known, but nothing taken up yet
    chain.book = Book([bright(chain.node.kid)])
    chain.refiner.calibrate(chain.book)
    assert turns(chain) == []
    chain.crash()
    monkeypatch.undo()
    assert len(quarters(chain)) == 2


def test_a_month_of_a_node_comes_again_day_by_day_and_never_more_at_once_than_can_wait(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portion, "_FEWEST", 500)  # what is taken up again is told in one go
    chain.refiner._portion = portion.Portion()
    live(chain)
    days = 20
    old = [Window(chain.node.kid, START - number * SECONDS, revision=1) for number in range(1, days * 96 + 1)]
    for window in old:
        for kept in window_rows.find(chain.database, chain.node.kid, START).samples:
            counts = {channel: number + window.start // SECONDS % 5 for channel, number in kept.counts.items()}
            window.samples.add(kept._replace(at=window.start * 1_000_000, counts=counts))
    with chain.database.transaction() as sql:
        window_rows.save(sql, old)
    chain.refiner.calibrate(Book([bright(chain.node.kid, begins=0, ends=START)]))
    most, came = 0, list[dict[str, Any]]()
    for _ in range(days + 3):
        chain.turn()
        said = chain.windows()
        most = max(most, len(said))
        came += [window for window in said if window["start"] < "2026-06-01T06:00:00Z"]
    assert len({window["start"] for window in came}) == days * 96 == len(came)
    assert most <= 96
    assert all(window["revision"] == 2 and pm(window)["correction"]["version"] == 1 for window in came)


def test_a_note_in_the_store_that_cannot_be_read_says_what_is_calibrated_again(chain: Chain) -> None:
    live(chain)
    chain.book = Book([bright(chain.node.kid)])
    chain.refiner.calibrate(chain.book)
    assert len(quarters(chain)) == 2
    with chain.database.transaction() as sql:
        sql.execute("UPDATE calibrated SET content = x'8201'")
    chain.crash()
    assert len(quarters(chain)) == 2


def test_another_nodes_calibration_touches_nothing_here(chain: Chain) -> None:
    live(chain)
    chain.refiner.calibrate(Book([bright(b"\x01\x02\x03\x04")]))
    assert turns(chain) == []


def test_a_late_sample_reopens_its_window_under_the_calibration_of_its_time(chain: Chain) -> None:
    chain.book = Book([bright(chain.node.kid)])
    chain.refiner.calibrate(chain.book)
    live(chain)
    report(chain, dusty(7, SECONDS + 300, pm2_5=100), tick=QUARTERS * SECONDS + 200)
    (again,) = quarters(chain)
    assert (pm(again)["count"], pm(again)["min"], pm(again)["max"], pm(again)["last"]) == (2, 124.0, 200.0, 200.0)


def test_the_last_window_in_the_state_is_corrected_also_after_a_restart(chain: Chain) -> None:
    live(chain)
    before = chain.refiner.published[chain.node.kid]
    assert before.corrected[9].total.last == 50 * 10**FINER  # type: ignore[union-attr]
    chain.crash()
    assert chain.refiner.published[chain.node.kid].corrected == before.corrected


def test_a_single_sample_carries_both(tmp_path: Path, clock: TurnedClock, node: PlayedNode, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "_SAMPLE_SECONDS", 0)
    chain = Chain(tmp_path / "s.db", clock, node, kind="lamppost", forward=("sample",))
    report(chain, tick=0)
    report(chain, tick=30)
    report(chain, dusty(1, 60), tick=60)
    report(chain, tick=95)
    (said,) = chain.said("sample")
    assert said["channels"]["pm2_5"] == {
        "value": 50.0,
        "raw": 62,
        "correction": {"version": 0, "name": "humidity, after Nilson et al. 2022"},
        "unit": "µg/m³",
        "quality": {"flag": 1, "reason": "in range"},
        "time_quality": "synced",
    }
    assert said["channels"]["co2"]["value"] == 450


def test_what_the_store_notes_of_a_calibration_is_all_of_it(chain: Chain) -> None:
    growth = Growth(Fraction(8, 100), 3000, 8500)
    book = Book([bright(chain.node.kid, growth=growth, offset=Fraction(-1, 3), version=7, ends=None)])
    live(chain)
    chain.refiner.calibrate(book)
    assert len(turns(chain)) == QUARTERS - 1
    chain.book = Book([bright(chain.node.kid, growth=growth, offset=Fraction(-1, 3), version=7, ends=None)])
    chain.crash()
    assert turns(chain) == []
    chain.book = Book([bright(chain.node.kid, growth=growth, offset=Fraction(-1, 4), version=7, ends=None)])
    chain.crash()
    assert len(turns(chain)) == QUARTERS - 1


def test_a_file_that_turned_wrong_leaves_the_last_good_one_in_force_and_is_told(site: Callable[..., Path]) -> None:
    config = site()
    file = config.parent / "calibration.toml"
    table = (
        '[[calibration]]\nkid = "c0ffee01"\nchannel = "pm2_5"\nversion = 1\nname = "x"\n'
        "valid_from = 2026-05-01T00:00:00Z\ngain = 2\n"
    )
    in_force = Calibrations(load(config))
    assert not in_force.again()
    file.write_text(table)
    assert in_force.again()
    assert len(in_force.book.calibrations) == 1
    file.write_text(table.replace("gain = 2", "gain = 0"))
    assert not in_force.again()
    assert len(in_force.book.calibrations) == 1
    assert "gain = 0" in in_force.status()["calibration_problem"]
    with pytest.raises(SettingsError):
        Calibrations(load(config))
    file.write_text(table)
    assert not in_force.again()
    assert in_force.status() == {}
