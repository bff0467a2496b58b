"""Windows: by the time of taking, exact, reopened by what comes late, published when they are due."""

from pathlib import Path

import pytest

from gateway_chain import Chain
from gateway_rig import MORNING, PlayedNode, TurnedClock, sample
from stoep.refine.refiner import GRACE
from stoep.refine.timeline import PATIENCE
from stoep.store.windows import SECONDS, start_of
from stoep.wire.channels import Channel, catalogue
from stoep.wire.messages import Alarm, Place, Sample
from window_reports import report, values


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    return Chain(tmp_path / "stoep.db", clock, node)


def at(seq: int, tick: int, temperature: int | None = 1853) -> Sample:
    return sample(seq, tick, values=values(temperature))


def test_every_channel_is_scaled_as_the_catalogue_says(chain: Chain) -> None:
    report(chain, sample(1, 5), tick=5, back=None)
    report(chain, tick=35)
    report(chain, tick=SECONDS + 100)
    (window,) = chain.windows()
    last = {name: (channel["last"], channel["unit"]) for name, channel in window["channels"].items()}
    assert last == {
        "temperature": (18.53, "°C"),
        "humidity": (55.12, "%"),
        "pressure": (1013.13, "hPa"),
        "fill_distance": (800, "mm"),
        "fill_level": (40, "%"),
        "battery_voltage": (3.8, "V"),
    }


def test_min_mean_max_last_and_count_are_right(chain: Chain) -> None:
    report(chain, at(1, 5, 100), at(2, 10, -301), at(3, 15, 102), tick=20, back=None)
    report(chain, tick=50)
    report(chain, tick=SECONDS + 100)
    temperature = chain.windows()[0]["channels"]["temperature"]
    expected = {"count": 3, "min": -3.01, "mean": -0.33, "max": 1.02, "last": 1.02}
    assert {key: temperature[key] for key in expected} == expected


def test_a_window_goes_by_the_time_of_taking_not_of_arrival(chain: Chain) -> None:
    report(chain, tick=10, back=None)
    report(chain, tick=40)
    report(chain, tick=SECONDS + 40)
    report(chain, at(1, 400), tick=2 * SECONDS + 40)
    report(chain, tick=2 * SECONDS + 50)
    (window,) = chain.windows()
    assert window["start"] == "2026-06-01T06:00:00Z"
    assert window["channels"]["temperature"]["time_quality"] == "interpolated"


def test_last_is_the_last_taken_not_the_last_that_came(chain: Chain) -> None:
    report(chain, tick=10, back=None)
    report(chain, at(2, 300, 222), tick=300)
    report(chain, at(1, 200, 111), tick=330)
    report(chain, tick=SECONDS + 100)
    temperature = chain.windows()[0]["channels"]["temperature"]
    assert (temperature["count"], temperature["last"]) == (2, 2.22)


def test_a_late_sample_reopens_its_window_with_a_higher_revision(chain: Chain) -> None:
    report(chain, at(2, 20, 200), tick=20, back=None)
    report(chain, tick=50)
    report(chain, tick=SECONDS + 100)
    (first,) = chain.windows()
    report(chain, at(1, 10, 100), tick=SECONDS + 130)
    (second,) = chain.windows()
    assert (first["start"], first["revision"]) == (second["start"], 1)
    assert second["revision"] == 2
    assert second["channels"]["temperature"]["count"] == 2
    assert second["channels"]["temperature"]["last"] == 2.0


def test_late_samples_reopen_their_window_together(chain: Chain) -> None:
    chain.refiner._rest = 3600.0
    report(chain, at(3, 30, 300), tick=30, back=None)
    report(chain, tick=50)
    report(chain, tick=SECONDS + 100)
    assert [window["revision"] for window in chain.windows()] == [1], "nobody waits for the first"
    report(chain, at(1, 10, 100), tick=SECONDS + 130)
    report(chain, at(2, 20, 200), tick=SECONDS + 160)
    assert chain.windows() == []
    chain.refiner._rest = 0.0
    chain.turn()
    (second,) = chain.windows()
    assert (second["revision"], second["channels"]["temperature"]["count"]) == (2, 3)


def test_a_window_waits_for_its_end_and_a_minute_more(chain: Chain, clock: TurnedClock) -> None:
    report(chain, at(1, 5), tick=5, back=None)
    report(chain, tick=35)
    clock.now = 1000 + SECONDS + GRACE - 1
    chain.turn()
    assert chain.windows() == []
    clock.now += 1
    chain.turn()
    assert len(chain.windows()) == 1
    chain.turn()
    assert chain.windows() == []


def test_a_window_that_is_not_confirmed_yet_gives_way_to_its_newer_revision(chain: Chain) -> None:
    report(chain, at(1, 5), tick=5, back=None)
    report(chain, tick=35)
    report(chain, tick=SECONDS + 100)
    report(chain, at(2, 6), tick=SECONDS + 110)
    (window,) = chain.windows()
    assert (window["revision"], window["channels"]["humidity"]["count"]) == (2, 2)


def test_drift_is_measured_so_that_a_reading_stands_in_its_own_window(chain: Chain, clock: TurnedClock) -> None:
    """A clock that runs 5 % fast is three quarters of a minute off after each window."""
    true_times = [14 * SECONDS + 20 + n * 60 for n in range(14)]
    fast = [round(time * 1.05) for time in true_times]
    for hour in range(5):
        clock.now = 1000.0 + hour * 3600
        chain.ask(tick=round(hour * 3600 * 1.05), back=1 if hour else None)
    clock.now = 1000.0 + 4 * 3600 + 60
    taken = [at(seq, tick, seq) for seq, tick in enumerate(fast, 1)]
    for some in (taken[:5], taken[5:10], taken[10:]):
        chain.ask(*some, tick=round((4 * 3600 + 60) * 1.05), back=1)
    chain.commit()
    clock.now += 30
    chain.ask(tick=round((4 * 3600 + 90) * 1.05), back=1)
    chain.commit()
    clock.now += SECONDS
    chain.turn()
    (window,) = chain.windows()
    assert window["start"] == "2026-06-01T09:30:00Z"
    assert window["channels"]["temperature"]["count"] == 14


def test_an_absent_reading_is_no_zero_and_an_empty_sample_no_window(chain: Chain) -> None:
    report(chain, at(1, 5, None), sample(2, SECONDS + 5, values=(None,) * 6), tick=SECONDS + 5, back=None)
    report(chain, tick=SECONDS + 30)
    report(chain, tick=3 * SECONDS)
    assert chain.windows() == []
    chain.clock.now += PATIENCE
    chain.turn()
    (window,) = chain.windows()
    assert "temperature" not in window["channels"]
    assert window["channels"]["humidity"]["count"] == 1
    chain.turn(last=True)
    assert chain.row("SELECT count(*) FROM log") == (0,)


def test_a_reading_out_of_range_fails_the_gross_range_test(chain: Chain) -> None:
    report(chain, at(1, 5, 1853), at(2, 6, 9000), tick=6, back=None)
    report(chain, tick=35)
    report(chain, tick=SECONDS + 100)
    channels = chain.windows()[0]["channels"]
    assert channels["temperature"]["quality"] == {"flag": 3, "reason": "out of range"}, "one of the two is good"
    assert [channels["temperature"][what] for what in ("count", "rejected", "max")] == [1, 1, 18.53]
    assert channels["humidity"]["quality"] == {"flag": 1, "reason": "in range"}


def test_a_window_of_nothing_but_failed_readings_has_no_number(chain: Chain) -> None:
    report(chain, at(1, 5, 9000), tick=5, back=None)
    report(chain, tick=35)
    report(chain, tick=SECONDS + 100)
    channel = chain.windows()[0]["channels"]["temperature"]
    assert channel["quality"] == {"flag": 4, "reason": "out of range"}
    assert [channel[what] for what in ("count", "rejected", "min", "mean", "max", "last")] == [0, 1, *[None] * 4]


def test_without_an_anchor_a_sample_waits_six_hours_and_is_then_estimated(chain: Chain, clock: TurnedClock) -> None:
    clock.now += 500
    chain.ask(at(1, 5), tick=105)
    chain.commit()
    clock.now += PATIENCE - 1
    chain.turn()
    assert chain.windows() == []
    clock.now += 1
    chain.turn()
    (window,) = chain.windows()
    assert window["start"] == "2026-06-01T06:00:00Z"
    assert window["channels"]["temperature"]["time_quality"] == "estimated"


def test_the_worst_time_quality_of_its_readings_is_the_windows(chain: Chain) -> None:
    report(chain, tick=10, back=None)
    report(chain, at(1, 20), at(2, 400), tick=800)
    report(chain, tick=830)
    report(chain, tick=SECONDS + 100)
    assert chain.windows()[0]["channels"]["temperature"]["time_quality"] == "interpolated"


def test_an_untrusted_clock_dates_nothing_and_publishes_nothing(chain: Chain, clock: TurnedClock) -> None:
    clock.is_trusted = False
    clock.utc_offset = -1e6  # a Pi without a battery thinks it is long ago
    report(chain, at(1, 5), tick=5, back=None)
    report(chain, tick=35)
    clock.now += 10 * 3600
    chain.turn(last=True)
    assert chain.windows() == []
    clock.is_trusted = True
    clock.utc_offset = MORNING - 1000
    chain.turn()
    (window,) = chain.windows()
    assert window["start"] == "2026-06-01T06:00:00Z"
    assert window["channels"]["temperature"]["time_quality"] == "synced"


def test_what_came_before_a_reboot_without_a_trusted_clock_is_dated_by_anchors_of_another_boot(
    chain: Chain, clock: TurnedClock
) -> None:
    clock.is_trusted = False
    report(chain, at(1, 905), tick=905, back=None)
    chain.crash(boot="boot-2")
    clock.is_trusted = True
    clock.utc_offset = MORNING - 50  # the monotonic clock has begun anew
    for tick in (3605, 7205, 10_805):
        clock.now = 50.0 + tick
        chain.ask(tick=tick, back=1, floor=Place(1, 2))
    chain.commit()
    chain.turn()
    (window,) = chain.windows()
    assert window["start"] == "2026-06-01T06:15:00Z"
    assert window["channels"]["temperature"]["time_quality"] == "interpolated"


def test_samples_of_an_earlier_epoch_keep_their_own_time(chain: Chain) -> None:
    report(chain, at(1, 5, 100), tick=5, back=None)
    report(chain, tick=35)
    chain.clock.now = 1010.0 + 4 * SECONDS
    chain.ask(at(2, 40, 200), sample(1, 3, 2), tick=4, epoch=2, floor=Place(1, 2))
    chain.commit()
    chain.clock.now += 30
    chain.ask(tick=34, epoch=2, floor=Place(1, 2), back=1)
    chain.commit()
    chain.clock.now += SECONDS + GRACE
    chain.turn()
    windows = {window["start"]: window["channels"]["temperature"]["count"] for window in chain.windows()}
    assert windows == {"2026-06-01T06:00:00Z": 2, "2026-06-01T07:00:00Z": 1}


def test_an_alarm_is_sent_at_once_without_its_time_when_that_is_not_known(chain: Chain) -> None:
    chain.ask(alarms=(Alarm(1, 1, 1, 9, True, 91),))
    chain.turn()
    (message,) = chain.outbox.next(10, ())
    assert message.topic == "stoep/1/grote-markt/bin-1/event"
    assert b'"time":null' in message.payload


def test_an_alarm_near_an_anchor_carries_its_time_and_goes_before_windows(chain: Chain) -> None:
    report(chain, at(1, 5), tick=5, back=None)
    report(chain, tick=35)
    report(chain, tick=SECONDS + 100)
    chain.ask(tick=SECONDS + 101, back=1, alarms=(Alarm(1, 1, 1, SECONDS + 101, False, 3),))
    chain.commit()
    chain.turn()
    first = chain.outbox.next(10, ())[0]
    assert first.topic.endswith("/event")
    assert b'"time":"2026-06-01T06:16:41Z","time_quality":"synced"' in first.payload


def test_a_window_belongs_to_the_quarter_of_an_hour_in_which_it_began() -> None:
    assert start_of(MORNING) == start_of(MORNING + 899.9) == MORNING
    assert start_of(MORNING + 900) == MORNING + 900


def test_a_mean_has_two_places_more_than_a_reading() -> None:
    temperature: Channel = catalogue().channels[1]
    assert temperature.mean(1000, 3) == 3.3333
    assert catalogue().channels[5].mean(100, 3) == 33.33
    assert catalogue().channels[5].value(40) == 40
