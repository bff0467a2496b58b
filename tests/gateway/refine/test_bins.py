"""How full a bin is, when it was emptied, when it will be full: of soundings that are wrong now and then."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from stoep.refine.bins.days import Day
from stoep.refine.bins.emptying import BELIEVED, Emptying, emptyings
from stoep.refine.bins.fill import day_of, fill
from stoep.refine.bins.forecast import Now, full_in
from stoep.refine.bins.level import robust
from stoep.refine.bins.pattern import Pattern, learned
from stoep.refine.bins.sounding import HOUR, Seen, Sounding, believed, depth

ZONE = ZoneInfo("Europe/Brussels")
MONDAY = datetime(2026, 6, 1, tzinfo=ZONE)
START = MONDAY.timestamp()
QUARTER = 900.0
EMPTY, FULL = 1200, 200


def sounding(level: float, index: int, jitter: int = 0) -> Sounding:
    mm = round(EMPTY - level / 100 * (EMPTY - FULL)) + jitter
    return Sounding(START + index * QUARTER, min(100, max(0, round(level))), mm)


def series(*levels: float) -> list[Sounding]:
    """A quarter of an hour apart, each a millimetre off to either side."""
    return [sounding(level, index, 1 - 2 * (index % 2)) for index, level in enumerate(levels)]


def rising(since: float, until: float, count: int) -> list[float]:
    return [since + (until - since) * index / (count - 1) for index in range(count)]


def found(*levels: float) -> list[Emptying]:
    return [emptied for emptied in emptyings(believed(series(*levels))) if emptied.confidence >= BELIEVED]


def test_what_is_deeper_than_the_floor_is_an_open_lid_and_no_waste() -> None:
    soundings = series(*rising(5, 50, 20))
    soundings[10] = Sounding(soundings[10].at, 0, 3100)
    assert [seen.at for seen in believed(soundings)] == [s.at for s in soundings if s.distance != 3100]


def test_a_depth_is_told_from_what_the_node_says_and_from_nothing_else() -> None:
    known = depth(series(*rising(5, 50, 20)))
    assert known is not None
    assert known.empty == pytest.approx(EMPTY, abs=6)
    assert known.level(700) == pytest.approx(50, abs=0.6)
    assert depth(series(*[40.0] * 20)) is None  # a level alone is no line
    mixed = [*series(*rising(5, 50, 10)), *(s._replace(level=s.level // 2) for s in series(*rising(5, 50, 10)))]
    assert depth(mixed) is None  # set anew between


def test_a_finder_that_only_repeats_itself_is_not_believed_beyond_the_first_time() -> None:
    soundings = [*series(*rising(5, 30, 10)), *(sounding(30, index) for index in range(10, 50))]
    assert len(believed(soundings)) == 11
    told = fill(soundings, soundings[-1].at + 1, None, ZONE)
    assert (told.full_in, told.reason) == (None, "the range finder only repeats itself")


@pytest.mark.parametrize("wrong", [(95.0,), (95.0, 95.0), (0.0, 98.0)])
def test_the_robust_level_withstands_two_wrong_soundings_of_five(wrong: tuple[float, ...]) -> None:
    levels = [*[40.0] * (5 - len(wrong)), *wrong]
    seen = [Seen(START + index * QUARTER, level) for index, level in enumerate(levels)]
    assert robust(seen, None) == 40


def test_the_robust_level_knows_nothing_from_before_the_emptying() -> None:
    seen = [Seen(START + index * QUARTER, level) for index, level in enumerate([80.0, 80, 80, 80, 2, 3])]
    assert robust(seen, seen[4].at) == 2.5


def test_an_emptying_is_told_with_its_time_and_the_surer_the_longer_it_is_low() -> None:
    levels = [*rising(3, 70, 60), 2, 2, 3]
    (emptied,) = found(*levels)
    assert (emptied.at, emptied.since) == (START + 60 * QUARTER, START + 59 * QUARTER)
    assert emptied.confidence > 0.9
    (two_low,) = found(*levels[:-1])
    assert BELIEVED <= two_low.confidence < emptied.confidence
    assert not found(*levels[:-2])  # one sounding is not enough


@pytest.mark.parametrize(
    "levels",
    [
        pytest.param([*rising(10, 40, 20), 1, *[40.0] * 6], id="a single wrong sounding"),
        pytest.param([*rising(4, 6, 20), *[30.0] * 6, *[17.0] * 6], id="a bag that slumps"),
        pytest.param([*rising(4, 6, 20), *[30.0] * 3, *[12.0] * 6], id="a bag that slumps nearly to the floor"),
        pytest.param([*rising(3, 7, 20), *[75.0] * 6, *[7.0] * 6], id="an echo that goes away"),
        pytest.param([*rising(3, 7, 20), *[101.0] * 60, *[7.0] * 6], id="a web that is swept away"),
        pytest.param([*rising(20, 50, 20), *[101.0] * 60, *[50.0] * 6], id="a web before waste"),
        pytest.param([*rising(3, 7, 20), *[2.0] * 6], id="too little to tell"),
    ],
)
def test_no_emptying_is_seen_in(levels: list[float]) -> None:
    assert found(*levels) == []


@pytest.mark.parametrize(
    "levels",
    [
        pytest.param([*rising(3, 60, 40), 2, 90, 90, 3, 3, 3], id="before an echo"),
        pytest.param([*rising(3, 60, 40), 2, 2, 18, 20, 21], id="before a bag"),
        pytest.param([*rising(3, 60, 40), *[101.0] * 40, 3, 3, 3], id="behind a web"),
        pytest.param([*rising(3, 20, 40), *[33.0] * 8, *[47.0] * 8, *[62.0] * 8, 3, 3, 3], id="of a few bags"),
        pytest.param([*rising(3, 95, 40), *[35.0] * 6], id="but for a part"),
    ],
)
def test_an_emptying_is_seen(levels: list[float]) -> None:
    assert len(found(*levels)) == 1


def days(weeks: int, rate: Callable[[int, int], float], seed: int = 1) -> list[Day]:
    """`rate` of weekday and hour; each hour as chance has it."""
    chance = random.Random(seed)
    first = MONDAY.toordinal()
    return [
        Day(first + day, tuple(rate(day % 7, hour) * chance.uniform(0.5, 1.5) for hour in range(24)), (1.0,) * 24)
        for day in range(7 * weeks)
    ]


def market(weekday: int, hour: int) -> float:
    by_day = 2.0 if 8 <= hour < 20 else 0.2
    return by_day * (4 if weekday == 5 and 8 <= hour < 14 else 1)


def test_a_market_day_is_learned_from_the_bins_own_weeks() -> None:
    pattern = learned(days(4, market))
    assert pattern is not None
    assert sum(pattern.rates[5][8:14]) > 2.5 * sum(pattern.rates[2][8:14])
    assert sum(pattern.rates[5][15:20]) < 1.5 * sum(pattern.rates[2][15:20])
    friday, saturday = (full_in(pattern, 50, Now(weekday, 8.0)) for weekday in (4, 5))
    assert friday is not None
    assert saturday is not None
    assert saturday.hours < 0.6 * friday.hours


def pattern_of(weeks: int) -> Pattern:
    pattern = learned(days(weeks, market))
    assert pattern is not None
    return pattern


def test_the_interval_holds_the_median_and_narrows_with_what_was_learned() -> None:
    spans = [full_in(pattern_of(weeks), 30, Now(0, 9.0)) for weeks in (1, 4)]
    (young, old) = [span for span in spans if span is not None]
    assert young.soonest < young.hours < young.latest
    assert old.latest - old.soonest < young.latest - young.soonest


def test_what_was_learned_less_surely_is_told_less_surely() -> None:
    sure = Pattern(((1.0,) * 24,) * 7, 2.5, 0.05, (0.001,) * 7, 0.001, 28)
    widths = []
    for pattern in (sure, replace(sure, trust=(0.2,) * 7), replace(sure, level=0.2), replace(sure, mood=0.5)):
        span = full_in(pattern, 10, Now(0, 9.0))
        assert span is not None
        assert span.hours == pytest.approx(80, rel=0.1)
        widths.append(span.latest - span.soonest)
    assert min(widths[1:]) > 1.15 * widths[0]


def test_at_night_nothing_comes_and_the_forecast_knows() -> None:
    span = full_in(pattern_of(4), 85, Now(1, 21.0))
    assert span is not None
    assert span.hours > 10  # 5 % are two hours of a day


def test_a_full_bin_is_full_now_and_a_bin_nobody_fills_is_never() -> None:
    assert full_in(pattern_of(1), 92, Now(0, 9.0)) == (0, 0, 0)
    assert full_in(Pattern(((0.02,) * 24,) * 7, 2.5, 0.1, (0.1,) * 7, 0.1, 7), 5, Now(0, 9.0)) is None


def test_a_cold_start_says_so() -> None:
    soundings = series(*rising(5, 30, 20))
    told = fill(soundings, soundings[-1].at + 1, None, ZONE)
    assert (told.full_in, told.reason) == (None, "the bin was not watched for a whole day yet")
    assert told.robust == pytest.approx(27.4, abs=0.5)
    assert learned([]) is None
    assert learned([Day(1, (0.0,) * 24, (0.0,) * 24)]) is None


def test_what_makes_a_bin_full_at_once_may_hang_before_the_finder() -> None:
    soundings = series(*rising(5, 30, 20), *[101.0] * 6)
    told = fill(soundings, soundings[-1].at + 1, pattern_of(1), ZONE)
    assert told.full_in is None
    assert told.reason is not None
    assert told.reason.startswith("it was full all at once")


def test_nothing_seen_is_no_level() -> None:
    assert fill([], START, None, ZONE) == (None, None, None, "nothing of the waste was seen for a day")
    old = series(*rising(5, 30, 20))
    told = fill(old, old[-1].at + 5 * HOUR, pattern_of(1), ZONE)
    assert (told.full_in, told.reason) == (None, "the waste was last seen 5 hours ago")


def test_a_day_is_summed_up_without_emptyings_and_echoes() -> None:
    levels = [*rising(0, 48, 48), *rising(1, 20, 20), *[80.0] * 4, *rising(21, 44, 24)]
    day = day_of(MONDAY.toordinal(), ZONE, series(*levels))
    assert sum(day.came) == pytest.approx(47 + 43, abs=4)
    assert day.came[6] == pytest.approx(4, abs=1)
    assert max(day.came) < 8
    assert min(day.came) > -1  # an echo's coming and going is no waste
    assert day.emptied == START + 48 * QUARTER
    assert 23 < sum(day.watched) <= 24


def test_what_nobody_saw_did_not_come() -> None:
    soundings = [s for s in series(*rising(0, 48, 96)) if not 6 * HOUR <= s.at - START < 12 * HOUR]
    day = day_of(MONDAY.toordinal(), ZONE, soundings)
    assert sum(day.watched[6:12]) == pytest.approx(0, abs=0.3)
    assert sum(day.came) == pytest.approx(36, abs=2.5)
