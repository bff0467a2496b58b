"""A slice of the campaign: ten hours of a street in which sensors fail, through the gateway to the city's flags."""

import pytest
import quality
from quality_plan import HOUR, Fault

from stoep_twin.faults import Kind

FAULTS = [
    Fault(Kind.STUCK, 1, "range", 2 * HOUR, 9 * HOUR),
    Fault(Kind.WEB, 5, "range", 1 * HOUR, 5 * HOUR),
    Fault(Kind.BLOCKED, 8, "range", 3 * HOUR, 8 * HOUR),
    Fault(Kind.SPIKING, 3, "climate", 1 * HOUR, 9 * HOUR),
    Fault(Kind.SPIKING, 4, "co2", 1 * HOUR, 9 * HOUR),
]


@pytest.mark.slow
def test_faulty_hours_are_flagged_and_good_ones_are_not() -> None:
    street = quality.live(FAULTS, 10 / 24, 7)
    assert street.windows >= 14 * 38
    for kind in (Kind.STUCK, Kind.WEB, Kind.BLOCKED, Kind.SPIKING):
        found = quality.score(street, kinds=(kind,))
        assert found.faulty >= 2, kind
        assert found.share >= quality.WANTED, (kind, found, quality.reasons(street))
    # On its first morning a street has had no night yet in which its temperatures could be compared.
    others = quality.score(street, {"humidity", "pressure", "co2", "pm1_0", "pm2_5", "fill_distance"})
    assert others.good > 400
    assert others.alarms <= 0.02, quality.reasons(street)


def test_what_is_not_flagged_is_missed_and_what_is_good_a_false_alarm() -> None:
    """The judge itself: it must be able to say no."""
    wrong = quality.Score(100, 94, 1000, 5, 0, 0)
    assert not wrong.met
    assert not wrong._replace(flagged=95, false=11).met
    assert wrong._replace(flagged=95).met
    assert not quality.Score(0, 0, 1000, 0, 0, 0).met, "nothing was tried"
