"""A slice of `make fill-forecast`: two bins of a held-out street over two weeks."""

from collections import Counter

import pytest
from fill_forecast import Sums, judged
from fill_town import Finder, told


def counted(within: int, outside: int, found: int, missed: int, false: int) -> Sums:
    sums = Sums(windows=1)
    sums.forecasts["all"] = Counter(within=within, sooner=outside)
    sums.emptyings = Counter({"seen found": found, "seen missed": missed, "false": false})
    return sums


@pytest.mark.parametrize(
    "sums",
    [
        counted(70, 30, 100, 0, 0),
        counted(90, 10, 100, 0, 0),
        counted(80, 20, 97, 3, 0),
        counted(80, 20, 100, 0, 2),
    ],
    ids=["too narrow", "too wide", "an emptying missed", "one that is none"],
)
def test_the_judge_finds_each_flaw(sums: Sums) -> None:
    assert len(judged(sums)[1]) == 1
    assert judged(counted(80, 20, 98, 2, 0))[1] == []


@pytest.mark.slow
def test_emptyings_are_found_and_forecasts_hold_their_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = Sums()
    for index in range(2):
        sums.take(21, told(21, index, 14))
    figures, _ = judged(sums)
    assert sums.emptyings["seen found"] >= 10
    assert figures["found"] >= 98
    assert figures["false"] == 0
    assert figures["covered"] >= 65
    assert figures["ms_a_window"] > 0
    monkeypatch.setattr(Finder, "sounding", lambda *_: None)  # a blind finder
    blind = Sums()
    blind.take(21, told(21, 0, 2))
    assert judged(blind)[0]["found"] == 0
    assert len(judged(blind)[1]) == 2
