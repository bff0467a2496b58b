"""The window that ends an hour says how the air of it was; what comes late to any of its quarters says it anew."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock, sample
from stoep.refine.calibration.book import Book
from stoep.wire.messages import Place, Sample

LAMPPOST = 4  # the layout without a lamp
QUARTER, HOUR = 900, 3600
BEGAN = 1000.0  # of the clock, at MORNING, which is a whole hour


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    return Chain(tmp_path / "stoep.db", clock, node, "lamppost", book=Book(general=None))


def taken(seq: int, tick: int, fine: int | None, coarse: int | None) -> Sample:
    return Sample(1, seq, LAMPPOST, tick, (1853, 5512, -133, 3, fine, coarse, 55, 0))


def report(chain: Chain, now: int, *samples: Sample) -> None:
    """At `now` seconds after the morning began, all of it committed and looked at."""
    chain.clock.now = BEGAN + now
    more = {"back": 1} if chain.node.counter > 1 else {}
    chain.ask(*samples, tick=now, floor=Place(1, 1), **more)
    chain.commit()
    chain.turn()


def airs(chain: Chain) -> dict[str, Any]:
    """By the beginning of the window, the newest of what was published since the last look."""
    return {window["start"][11:16]: window.get("air_quality") for window in chain.windows()}


def quarters(*means: tuple[int, int]) -> list[Sample]:
    return [taken(number + 1, 60 + number * QUARTER, *mean) for number, mean in enumerate(means)]


def live(chain: Chain, samples: Mapping[int, Sample]) -> dict[str, Any]:
    """An hour of reports, at the end of each quarter, and the windows that came of it."""
    report(chain, 5)
    for quarter in range(1, 5):
        told = [samples[quarter - 1]] if quarter - 1 in samples else []
        report(chain, quarter * QUARTER - 10, *told)
    report(chain, HOUR + 120)
    return airs(chain)


def test_the_last_window_of_an_hour_has_its_index_and_no_other(chain: Chain) -> None:
    said = live(chain, dict(enumerate(quarters((5, 15), (5, 15), (5, 15), (6, 15)))))
    assert [said[start] for start in ("06:00", "06:15", "06:30")] == [None, None, None]
    air = said["06:45"]
    assert (air["index"], air["band"], air["pollutant"], air["reason"]) == (2, "fair", "pm2_5", None)
    assert air["means"] == {"pm2_5": 5.25, "pm10": 15.0}
    assert "no official index" in air["scope"]


def test_an_hour_that_lacks_too_much_says_so_and_has_no_index(chain: Chain) -> None:
    hour = quarters((5, 15), (5, 15), (5, 15), (5, 15))
    air = live(chain, {0: hour[0], 3: hour[3]})["06:45"]
    assert (air["index"], air["band"], air["pollutant"], air["means"]) == (None, None, None, {})
    needed = "2 good readings of 4, 75% are needed"
    assert air["reason"] == f"pm2_5: {needed}; pm10: {needed}"


def test_what_comes_late_to_a_quarter_says_the_hour_anew(chain: Chain) -> None:
    hour = quarters((5, 15), (120, 15), (120, 15), (5, 15))
    assert live(chain, {0: hour[0], 3: hour[3]})["06:45"]["index"] is None
    report(chain, HOUR + 300, hour[1], hour[2])
    said = {window["start"][11:16]: window for window in chain.windows()}
    assert said["06:45"]["revision"] == 2
    assert said["06:45"]["air_quality"]["index"] == 4  # 250 / 4 = 62.5
    assert said["06:15"]["revision"] == said["06:30"]["revision"] == 1
    report(chain, HOUR + 400)
    assert chain.windows() == []


def test_whatever_the_order_in_which_they_come_the_hour_is_the_same(tmp_path: Path, clock: TurnedClock) -> None:
    hour = quarters((5, 15), (7, 300), (9, 15), (11, 15))
    said = []
    for number, order in enumerate(((0, 1, 2, 3), (3, 1, 0, 2), (2, 3, 1, 0))):
        clock.now = BEGAN
        chain = Chain(tmp_path / f"{number}.db", clock, PlayedNode(), "lamppost", book=Book(general=None))
        report(chain, 5)
        found: dict[str, Any] = {}
        for step, quarter in enumerate(order):
            report(chain, HOUR + 120 + 300 * step, hour[quarter])
            found |= airs(chain)
        said.append(found["06:45"])
        chain.database.close()
    assert said[0]["means"] == {"pm2_5": 8.0, "pm10": 86.25}
    assert said[1] == said[2] == said[0]


def test_a_reading_out_of_range_is_not_of_the_hour(chain: Chain) -> None:
    hour = quarters((5, 15), (5, 1001), (5, 1001), (5, 15))
    air = live(chain, dict(enumerate(hour)))["06:45"]
    assert (air["index"], air["pollutant"]) == (1, "pm2_5")
    assert air["reason"] == "without pm10: 2 good readings of 4, 75% are needed"


def test_the_last_window_says_the_same_after_a_restart(chain: Chain) -> None:
    live(chain, dict(enumerate(quarters((50, 15), (50, 15), (50, 15), (51, 15)))))
    before = chain.refiner.published[chain.node.kid].air
    assert before is not None
    assert before.index == 4
    chain.crash()
    assert chain.refiner.published[chain.node.kid].air == before


def test_a_bin_says_nothing_of_the_air(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> None:
    chain = Chain(tmp_path / "stoep.db", clock, node)
    report(chain, 5)
    report(chain, HOUR - 10, *(sample(number + 1, 60 + number * QUARTER) for number in range(4)))
    report(chain, HOUR + 120)
    assert airs(chain) == dict.fromkeys(("06:00", "06:15", "06:30", "06:45"))


@pytest.mark.parametrize(("interval", "index"), [(300, None), (900, 1), (1200, 1)])
def test_what_is_expected_follows_the_nodes_interval(
    chain: Chain, interval: int, index: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain.refiner._publication._hours, "_interval", lambda _kid: interval)
    air = live(chain, dict(enumerate(quarters((5, 15), (5, 15), (5, 15), (5, 15)))))["06:45"]
    assert air["index"] == index


@pytest.mark.parametrize(("interval", "expected"), [(60, 15), (400, 2), (900, 1), (1200, None)])
def test_each_channel_says_how_many_readings_were_expected(
    chain: Chain, interval: int, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain.refiner._publication._hours, "_interval", lambda _kid: interval)
    report(chain, 5)
    report(chain, QUARTER - 10, *quarters((5, 15)))
    report(chain, QUARTER + 120)
    (window,) = chain.windows()
    assert {channel.get("expected") for channel in window["channels"].values()} == {expected}


def test_the_index_is_of_corrected_values(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> None:
    """PM2.5 of 6 is fair, but at 55.12 % of humidity the general correction leaves 4.63, which is good."""
    chain = Chain(tmp_path / "stoep.db", clock, node, "lamppost")
    air = live(chain, dict(enumerate(quarters((6, 15), (6, 15), (6, 15), (6, 15)))))["06:45"]
    assert (air["index"], air["means"]["pm2_5"]) == (1, 4.63)
