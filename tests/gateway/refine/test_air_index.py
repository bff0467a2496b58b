"""The European Air Quality Index equals what was worked out by hand at every edge, and is silent where hours lack."""

from fractions import Fraction

import pytest

from stoep.refine.air_index import Pollutant, band, ends_hour, index

HALF, LEAST = Fraction(1, 2), Fraction(1, 10**9)
# Worked out by hand from table 5.2 of ETC HE Report 2024/17: µg/m³ of an hour, and the band it falls into.
PM2_5 = [
    *[(0, 1), (1, 1), (Fraction(49, 10), 1), (5, 1), (5 + LEAST, 2), (Fraction(51, 10), 2), (5 + HALF, 2), (6, 2)],
    *[(10, 2), (15 - LEAST, 2), (15, 2), (15 + LEAST, 3), (16, 3), (25, 3), (50 - LEAST, 3), (50, 3)],
    *[(50 + LEAST, 4), (51, 4), (75, 4), (90 - LEAST, 4), (90, 4), (90 + LEAST, 5), (91, 5), (140 - LEAST, 5)],
    *[(140, 5), (140 + LEAST, 6), (141, 6), (500, 6), (1000, 6)],
]
PM10 = [
    *[(0, 1), (5, 1), (15 - LEAST, 1), (15, 1), (15 + LEAST, 2), (16, 2), (20, 2), (45 - LEAST, 2), (45, 2)],
    *[(45 + LEAST, 3), (46, 3), (100, 3), (120 - LEAST, 3), (120, 3), (120 + LEAST, 4), (121, 4), (195 - LEAST, 4)],
    *[(195, 4), (195 + LEAST, 5), (196, 5), (270 - LEAST, 5), (270, 5), (270 + LEAST, 6), (271, 6), (1000, 6)],
]


@pytest.mark.parametrize(
    ("pollutant", "mean", "wanted"),
    [*(("pm2_5", mean, wanted) for mean, wanted in PM2_5), *(("pm10", mean, wanted) for mean, wanted in PM10)],
)
def test_each_edge_is_the_last_of_its_band(pollutant: str, mean: Fraction | int, wanted: int) -> None:
    assert band(pollutant, mean) == wanted


def hour(expected: Fraction | int = 4, **readings: list[Fraction | int]) -> dict[str, Pollutant]:
    return {name: Pollutant(sum(values), len(values), expected) for name, values in readings.items()}


# Four quarters of an hour each; index, and the pollutant that decides it.
HOURS = [
    ([5, 5, 5, 5], [15, 15, 15, 15], 1, "pm2_5"),
    ([4, 5, 5, 6], [0, 0, 0, 0], 1, "pm2_5"),  # 20 / 4 = 5
    ([5, 5, 5, 6], [0, 0, 0, 0], 2, "pm2_5"),  # 21 / 4 = 5.25
    ([5, 5, 5, 5], [15, 15, 15, 16], 2, "pm10"),  # 61 / 4 = 15.25
    ([15, 15, 15, 15], [46, 46, 46, 46], 3, "pm10"),
    ([16, 16, 16, 16], [45, 45, 45, 45], 3, "pm2_5"),
    ([60, 60, 60, 60], [130, 130, 130, 130], 4, "pm2_5"),  # both poor
    ([0, 0, 0, 361], [0, 0, 0, 0], 5, "pm2_5"),  # 90.25: the mean decides, not the quarter
    ([20, 20, 20, 20], [1081, 0, 0, 0], 6, "pm10"),  # 270.25
]


@pytest.mark.parametrize(("fine", "coarse", "wanted", "worst"), HOURS)
def test_the_worst_mean_of_the_hour_decides(fine: list[int], coarse: list[int], wanted: int, worst: str) -> None:
    found = index(hour(pm2_5=[*fine], pm10=[*coarse]))
    assert found is not None
    assert (found.index, found.pollutant, found.reason) == (wanted, worst, None)
    words = ["good", "fair", "moderate", "poor", "very poor", "extremely poor"]
    assert found.band == words[wanted - 1]


def test_tenths_of_corrected_readings_do_not_slip_over_an_edge() -> None:
    tenths: list[Fraction | int] = [Fraction(49, 10), Fraction(51, 10), Fraction(5)]
    found = index(hour(3, pm2_5=tenths))
    assert found is not None
    assert found.index == 1
    thirds = index(hour(3, pm2_5=[5, 5, Fraction(5) + LEAST]))
    assert thirds is not None
    assert thirds.index == 2


COMPLETE = [(4, 3, True), (4, 2, False), (60, 45, True), (60, 44, False), (1, 1, True), (5, 4, True), (5, 3, False)]


@pytest.mark.parametrize(("expected", "there", "complete"), COMPLETE)
def test_an_hour_has_a_mean_from_three_quarters_of_its_readings_on(expected: int, there: int, complete: bool) -> None:
    found = index(hour(expected, pm2_5=[3] * there, pm10=[3] * there))
    assert found is not None
    if complete:
        assert (found.index, found.reason) == (1, None)
        return
    assert (found.index, found.pollutant, found.means) == (None, None, {})
    needed = f"pm2_5: {there} good readings of {expected}, 75% are needed"
    assert found.reason is not None
    assert found.reason.startswith(needed)
    assert found.band is None


def test_an_hour_with_no_reading_at_all_has_no_index_rather_than_a_good_one() -> None:
    found = index(hour(pm2_5=[], pm10=[]))
    assert found is not None
    assert found.index is None
    assert found.reason == "pm2_5: 0 good readings of 4, 75% are needed; pm10: 0 good readings of 4, 75% are needed"


def test_one_pollutant_alone_is_said_to_be_alone() -> None:
    found = index({"pm2_5": Pollutant(28, 4, 4), "pm10": Pollutant(14, 2, 4)})
    assert found is not None
    assert (found.index, found.pollutant) == (2, "pm2_5")
    assert found.reason == "without pm10: 2 good readings of 4, 75% are needed"
    assert found.means == {"pm2_5": 7}


def test_a_node_that_measures_less_than_hourly_has_no_index_and_one_without_particles_nothing_to_say() -> None:
    seldom = index(hour(Fraction(1, 2), pm2_5=[3]))
    assert seldom is not None
    assert (seldom.index, seldom.reason) == (None, "pm2_5: the node measures less than once an hour")
    assert index(hour(co2=[400] * 4)) is None


def test_an_hour_ends_on_the_hour_of_utc() -> None:
    six = 1_780_293_600  # 2026-06-01T06:00:00Z
    assert [ends_hour(six + quarter * 900) for quarter in range(6)] == [True, False, False, False, True, False]
