"""What a node's series says of each of its readings, and what its neighbours say."""

import itertools
import random
import re
from pathlib import Path

import pytest

from stoep.errors import SettingsError
from stoep.refine.quality import series
from stoep.refine.quality.judged import trusted
from stoep.refine.quality.limits import limits_of
from stoep.refine.quality.neighbours import Agreement, compare, held
from stoep.refine.quality.surroundings import surroundings
from stoep.refine.summary import totals
from stoep.registry import registry
from stoep.store.series import Series, Taken
from stoep.store.verdict import GOOD, Flag, Reason, flag_of, mark, reason_of
from stoep.store.windows import TimeQuality, Window
from stoep.wire.channels import catalogue
from stoep.wire.checks import Override

CHANNELS = {channel.name: channel for channel in catalogue().channels.values()}
LIMITS = limits_of(catalogue().channels.values(), {})
QUARTER = 900_000_000


def taken(*values: float | None, channel: str = "temperature", step: int = QUARTER) -> list[Taken]:
    """Samples a quarter of an hour apart of one channel, in its unit."""
    known = CHANNELS[channel]
    return [
        Taken(at * step, 1, at + 1, TimeQuality.SYNCED, {known.id: round(value * 10**known.decimals)})
        for at, value in enumerate(values)
        if value is not None
    ]


def reasons(samples: list[Taken], channel: str = "temperature") -> list[str]:
    number = CHANNELS[channel].id
    return [reason_of(marks[number]).name for marks in series.judge(samples, LIMITS)]


def test_a_mark_is_a_flag_and_a_reason_and_the_good_one_is_the_plain_flag() -> None:
    assert GOOD == Flag.GOOD, "windows of earlier releases have the flag alone"
    for flag, reason in itertools.product(Flag, Reason):
        for rejected in (0, 1, 0xFFFF):
            marked = mark(flag, reason, rejected)
            assert (flag_of(marked), reason_of(marked)) == (flag, reason)


def test_a_window_of_which_another_reading_is_rejected_says_something_else() -> None:
    window = Window(b"\xc0\xff\xee\x01", 0, samples=Series(taken(14, 15, 16, step=1_000_000)))
    said = set()
    for failed in (None, 0, 1):
        judged = trusted(window)
        for at, (_, marks) in enumerate(judged.samples):
            marks[1] = mark(Flag.FAIL, Reason.SPIKE) if at == failed else GOOD
        said.add(totals(judged, catalogue())[1].mark)
    assert len(said) == 3


def test_a_spike_is_suspect_and_what_stands_beside_it_is_good() -> None:
    assert reasons(taken(14, 14.1, 22, 14.2, 14.3)) == ["IN_RANGE", "IN_RANGE", "SPIKE", "IN_RANGE", "IN_RANGE"]


def test_a_spike_may_last_three_readings() -> None:
    assert reasons(taken(14, 25, 29, 22, 14.2)) == ["IN_RANGE", *["SPIKE"] * 3, "IN_RANGE"]
    assert "SPIKE" not in reasons(taken(14, 25, 25.5, 25.2, 25.1, 14.2)), "four are another weather"


def test_an_emptied_bin_is_no_spike() -> None:
    assert set(reasons(taken(400, 300, 1180, 1080, 980, channel="fill_distance"), "fill_distance")) == {"IN_RANGE"}


def test_a_step_that_no_weather_makes_is_suspect_once() -> None:
    assert reasons(taken(14, 14.1, 23, 23.1, 22.9, 23, 23.2)) == [*["IN_RANGE"] * 2, "RATE", *["IN_RANGE"] * 4]


def test_noise_from_second_to_second_is_no_rate() -> None:
    assert set(reasons(taken(14, 14.3, 14, 14.2, 13.9, 14.1, step=5_000_000))) == {"IN_RANGE"}


def test_the_very_same_value_for_two_hours_is_a_stuck_sensor_from_its_second_reading_on() -> None:
    nine = [14.2] * 9
    assert reasons(taken(14, *nine, 14.5)) == ["IN_RANGE", "IN_RANGE", *["FLAT"] * 8, "IN_RANGE"]
    assert "FLAT" not in reasons(taken(14, *nine[1:], 14.5))


def test_all_channels_of_a_stuck_sensor_are_suspect() -> None:
    humidity = CHANNELS["humidity"].id
    samples = [one._replace(counts={**one.counts, humidity: 5000 + one.seq}) for one in taken(*[14.2] * 9)]
    marks = series.judge(samples, LIMITS)
    assert [reason_of(own[humidity]) for own in marks[1:]] == [Reason.SENSOR_FLAT] * 8


def test_a_spike_in_one_channel_of_a_sensor_is_against_the_others() -> None:
    humidity = CHANNELS["humidity"].id
    samples = [one._replace(counts={**one.counts, humidity: 5000 + one.seq}) for one in taken(14, 14.1, 22, 14.2, 14.3)]
    marks = [reason_of(own[humidity]).name for own in series.judge(samples, LIMITS)]
    assert marks == ["IN_RANGE", "IN_RANGE", "SENSOR_SPIKE", "IN_RANGE", "IN_RANGE"]


def test_a_level_is_as_good_as_the_distance_it_was_made_of() -> None:
    level = CHANNELS["fill_level"].id
    samples = [one._replace(counts={**one.counts, level: 50}) for one in taken(700, 90, 702, channel="fill_distance")]
    marks = [own[level] for own in series.judge(samples, LIMITS)]
    assert [flag_of(own) for own in marks] == [Flag.GOOD, Flag.SUSPECT, Flag.GOOD]


def test_what_is_out_of_range_fails_and_is_no_witness_against_its_neighbours() -> None:
    marks = [own[1] for own in series.judge(taken(14, 14.1, 99, 14.2, 14.3), LIMITS)]
    assert [flag_of(own) for own in marks] == [Flag.GOOD, Flag.GOOD, Flag.FAIL, Flag.GOOD, Flag.GOOD]


def test_a_reading_of_an_unknown_time_is_only_held_against_the_range() -> None:
    samples = [one._replace(time=TimeQuality.ESTIMATED) for one in taken(14, 14.1, 22, 14.2, 99)]
    assert [reason_of(own[1]).name for own in series.judge(samples, LIMITS)] == [*["IN_RANGE"] * 4, "OUT_OF_RANGE"]


def test_no_test_looks_farther_than_it_says() -> None:
    """What lies beyond the reach of a reading changes nothing of its mark."""
    reach = round(series.reach(LIMITS).mark * 3_600_000_000)
    for seed in range(60):
        chance = random.Random(seed)
        values, value = [], 15.0
        for _ in range(120):
            value += chance.choice((0, 0, 0, 0.1, -0.1, 5, -5))
            values.append(value)
        samples = taken(*values)
        whole = series.judge(samples, LIMITS)
        middle = samples[60]
        near = [one for one in samples if abs(one.at - middle.at) <= reach]
        assert len(near) < len(samples)
        assert series.judge(near, LIMITS)[near.index(middle)] == whole[60], f"seed {seed}"


def test_the_order_of_arrival_changes_nothing() -> None:
    samples = taken(14, 14.1, 22, 14.2, 14.2, *[14.2] * 9, 99)
    wanted = series.judge(samples, LIMITS)
    for seed in range(20):
        arrived = random.Random(seed).sample(samples, len(samples))
        assert series.judge(list(Series(arrived)), LIMITS) == wanted


def test_a_node_may_have_other_limits_and_be_spared_a_test() -> None:
    known = CHANNELS["temperature"]
    own = Override(spike=(10, 40), off=("flat_hours",)).over(known.checks)
    limits = limits_of(catalogue().channels.values(), {known.id: own})
    assert own.rate == known.checks.rate
    marks = series.judge(taken(14, 14.1, 22, *[14.2] * 9), limits)
    assert {reason_of(one[known.id]) for one in marks} <= {Reason.IN_RANGE, Reason.RATE}


@pytest.mark.parametrize(
    ("own", "others", "wanted"),
    [
        (14.0, [14.1, 13.9], Agreement.ALONE),
        (None, [14.0, 14.1, 13.9], Agreement.ALONE),
        (14.0, [14.1, 13.9, 14.2], Agreement.AGREES),
        (15.5, [14.1, 13.9, 14.2], Agreement.ABOVE),
        (12.5, [14.1, 13.9, 14.2], Agreement.BELOW),
        (15.5, [14.1, 13.9, 25.0, 14.2], Agreement.ABOVE),  # one that is wrong does not hide another
        (16.0, [14.0, 15.5, 17.0, 18.5], Agreement.UNSURE),  # the sun is on some of them
        (60.0, [14.0, 15.5, 17.0, 18.5], Agreement.FAR_ABOVE),
    ],
)
def test_neighbours_that_agree_judge_and_others_do_not(
    own: float | None, others: list[float], wanted: Agreement
) -> None:
    assert compare(own, others, 0.8) is wanted


def test_the_limit_grows_with_what_there_is_to_measure() -> None:
    assert compare(100, [80, 82, 78], 8, 0.35) is Agreement.AGREES
    assert compare(30, [10, 12, 8], 8, 0.35) is Agreement.ABOVE


def test_a_verdict_holds_while_the_sun_makes_everybody_unsure() -> None:
    unsure = [Agreement.UNSURE] * 5
    assert held(Agreement.UNSURE, [*unsure, Agreement.ABOVE, Agreement.AGREES]) is Agreement.ABOVE
    assert held(Agreement.UNSURE, [Agreement.ALONE, Agreement.AGREES, Agreement.ABOVE]) is Agreement.AGREES
    assert held(Agreement.AGREES, [Agreement.ABOVE]) is Agreement.AGREES
    assert held(Agreement.UNSURE, unsure) is Agreement.UNSURE
    assert held(Agreement.UNSURE, [Agreement.FAR_ABOVE, Agreement.AGREES]) is Agreement.AGREES, "the sun was on it"


def test_what_varies_with_the_sun_is_above_when_most_of_the_night_says_so_not_when_the_morning_does() -> None:
    night, morning = [Agreement.AGREES] * 40, [Agreement.ABOVE] * 12
    assert held(Agreement.ABOVE, [*morning, *night], 48) is Agreement.AGREES
    assert held(Agreement.UNSURE, [Agreement.ABOVE] * 40, 48) is Agreement.ABOVE
    assert held(Agreement.ABOVE, morning, 48) is Agreement.AGREES, "too short to say"
    assert held(Agreement.FAR_BELOW, night, 48) is Agreement.FAR_BELOW


NODES = '[[node]]\nkid = "1a3b0001"\nname = "post-1"\nkind = "lamppost"\n'


def registered(folder: Path, quality: str) -> registry.Known:
    (folder / "nodes.toml").write_text(f"{NODES}[node.quality]\n{quality}\n")
    (folder / "secrets.toml").write_text(f'[secrets]\n1a3b0001 = "{"ab" * 32}"\n')
    (folder / "secrets.toml").chmod(0o600)
    return registry.load(folder / "nodes.toml", folder / "secrets.toml")


def test_the_registry_has_a_nodes_own_limits(tmp_path: Path) -> None:
    known = registered(tmp_path, 'temperature = { spike = [5, 20], off = ["apart"] }\npm10 = { apart_share = 0 }')
    checks = surroundings(known.nodes.values(), catalogue()).checks[bytes.fromhex("1a3b0001")]
    temperature, dust = checks[CHANNELS["temperature"].id], checks[CHANNELS["pm10"].id]
    assert (temperature.spike, temperature.apart, temperature.rate) == ((5, 20), None, (30, 200))
    assert (dust.apart_share, dust.apart) == (0, CHANNELS["pm10"].checks.apart)


@pytest.mark.parametrize(
    ("quality", "told"),
    [
        ("temperatur = { apart = 1 }", r"node\[0\]\.quality\.temperatur: is no channel; use some of temperature"),
        ("temperature = { aprt = 1 }", r"temperature\.aprt: is not a setting; did you mean `apart`"),
        ("temperature = { spike = [5, 2] }", r"temperature\.spike: fails sooner than it is suspect"),
        (
            "temperature = { usual = [-90, 20] }",
            r"temperature\.usual: is no span within the channel's range, -40 to 85",
        ),
        ("temperature = { flat_hours = 20 }", r"temperature\.flat_hours = 20: .*; write a number from 0.5 to 6"),
        ('temperature = { off = ["everything"] }', r"temperature\.off"),
    ],
)
def test_a_limit_that_cannot_be_is_an_error_with_its_key(tmp_path: Path, quality: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        registered(tmp_path, quality)
    assert re.search(told, str(caught.value)), str(caught.value)
