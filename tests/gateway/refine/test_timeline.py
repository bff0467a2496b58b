"""When a sample was taken: drift is measured, not assumed; what is not known well enough waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoep.refine.timeline import Anchor, Receipt, Timeline
from stoep.store.windows import TimeQuality

BOOT = 1
UTC = 1_780_000_000.0


def dated(boot: int, at: int) -> float | None:
    return UTC + at / 1e6 if boot == BOOT else None


def line(drift: float, *ticks: int) -> Timeline:
    """A node whose clock runs `drift` too fast, met at `ticks`."""
    timeline = Timeline()
    for tick in ticks:
        timeline.add(1, Anchor(tick, BOOT, round(tick / (1 + drift) * 1e6)))
    return timeline


@pytest.mark.parametrize("drift", [-0.05, -0.001, 0.0, 0.05])
def test_between_two_anchors_the_drift_is_taken_out(drift: float) -> None:
    moment = line(drift, 100, 3700).resolve(1, 1900, dated)
    assert moment is not None
    assert moment.utc == pytest.approx(UTC + 1900 / (1 + drift), abs=0.01)
    assert moment.quality is TimeQuality.INTERPOLATED


@pytest.mark.parametrize("drift", [-0.05, 0.05])
def test_within_a_minute_of_an_anchor_is_synced(drift: float) -> None:
    moment = line(drift, 1000).resolve(1, 1060, dated)
    assert moment is not None
    assert moment.quality is TimeQuality.SYNCED
    assert moment.utc == pytest.approx(UTC + 1060 / (1 + drift), abs=3.2)
    between = line(drift, 1000, 4600).resolve(1, 4550, dated)
    assert between is not None
    assert between.quality is TimeQuality.SYNCED


def test_one_anchor_does_not_tell_the_rate_so_a_far_sample_waits() -> None:
    assert line(0.05, 1000).resolve(1, 1061, dated) is None


@pytest.mark.parametrize("drift", [-0.05, 0.05])
def test_a_measured_rate_is_extrapolated_as_far_as_it_is_good_for(drift: float) -> None:
    timeline = line(drift, 0, 900)
    moment = timeline.resolve(1, 1800, dated)
    assert moment is not None
    assert moment.quality is TimeQuality.INTERPOLATED
    assert moment.utc == pytest.approx(UTC + 1800 / (1 + drift), abs=0.1)
    assert timeline.resolve(1, 900 + 3000, dated) is not None
    assert timeline.resolve(1, 900 + 3001, dated) is None


def test_another_epoch_knows_nothing_of_this_one() -> None:
    assert line(0.0, 0, 900).resolve(2, 100, dated) is None


def test_an_anchor_of_a_boot_that_was_never_dated_says_nothing_yet() -> None:
    timeline = Timeline()
    timeline.add(1, Anchor(100, 2, 0))
    assert timeline.resolve(1, 100, dated) is None
    assert timeline.resolve(1, 100, lambda _, at: at / 1e6) is not None


def test_anchors_that_contradict_each_other_are_no_rate() -> None:
    timeline = Timeline()
    timeline.add(1, Anchor(0, BOOT, 0))
    timeline.add(1, Anchor(1000, BOOT, 1))
    assert timeline.resolve(1, 500, dated) is None
    assert timeline.resolve(1, 1900, dated) is None


def test_the_estimate_goes_by_the_nearest_anchor_at_the_nominal_rate() -> None:
    moment = line(0.05, 1050).estimate(1, 9050, Receipt(UTC + 1e6, 1, 20_000), dated)
    assert moment.utc == pytest.approx(UTC + 1000 + 8000)
    assert moment.quality is TimeQuality.ESTIMATED


def test_without_any_anchor_the_estimate_goes_by_the_receipt() -> None:
    assert Timeline().estimate(1, 100, Receipt(UTC, 1, 160), dated).utc == UTC - 60


def test_an_epoch_without_anchor_ended_before_the_next_began() -> None:
    timeline = Timeline()
    timeline.seen(1, 5000)
    assert timeline.estimate(1, 4900, Receipt(UTC, 2, 300), dated).utc == UTC - 300 - 100


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.booleans())
def test_an_estimate_never_lies_after_the_receipt_nor_before_there_were_nodes(
    tick: int, now: int, same_epoch: bool
) -> None:
    moment = line(0.0, 500).estimate(1 if same_epoch else 2, tick, Receipt(UTC, 2, now), dated)
    assert 1_577_836_800.0 <= moment.utc <= UTC


def test_an_outage_between_two_droves_of_anchors_is_still_bridged() -> None:
    timeline = line(0.05, *range(0, 9000, 900), *range(400_000, 400_500, 3))
    moment = timeline.resolve(1, 200_000, dated)
    assert moment is not None
    assert moment.utc == pytest.approx(UTC + 200_000 / 1.05, abs=1)
    assert len(timeline._anchors[1]) <= 33


def test_it_survives_being_packed() -> None:
    timeline = line(0.05, 0, 900)
    timeline.seen(1, 1000)
    assert Timeline.unpack(timeline.pack()).resolve(1, 1800, dated) == timeline.resolve(1, 1800, dated)


@given(
    st.floats(-0.05, 0.05),
    st.lists(st.integers(0, 100_000), min_size=2, max_size=20),
    st.integers(0, 100_000),
    st.lists(st.floats(-1.0, 1.0), min_size=20, max_size=20),
)
def test_with_a_second_of_noise_a_resolved_time_is_within_fifteen(
    drift: float, ticks: list[int], tick: int, noise: list[float]
) -> None:
    timeline = Timeline()
    for at, off in zip(sorted(ticks), noise, strict=False):
        timeline.add(1, Anchor(at, BOOT, round((at / (1 + drift) + off) * 1e6)))
    moment = timeline.resolve(1, tick, dated)
    if moment is not None:
        assert abs(moment.utc - (UTC + tick / (1 + drift))) <= 15
