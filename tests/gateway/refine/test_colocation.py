"""A sensor beside a reference: what is paired, what is fitted, and when nothing can be said."""

import math
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from stoep.errors import CalibrationError, SettingsError
from stoep.refine.calibration.colocation import picture, report
from stoep.refine.calibration.colocation.fit import Fit, correction_of, fit
from stoep.refine.calibration.colocation.line import Line, sums, theil_sen
from stoep.refine.calibration.colocation.pairing import Pair, Shot, pair
from stoep.refine.calibration.colocation.reference import Measured, Reference, read
from stoep.refine.calibration.correction import NILSON, Growth
from stoep.store.series import Taken
from stoep.wire.channels import catalogue

CHANNELS = {channel.name: channel for channel in catalogue().channels.values()}
PM, WARMTH = CHANNELS["pm2_5"], CHANNELS["temperature"]
START = 1_790_812_800
HOUR, DAY = 3600, 86_400
UNIT = "µg/m³"


def csv(folder: Path, text: str) -> Path:
    file = folder / "station.csv"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("time,pm2_5 (µg/m³)", None),
        ("timestamp,PM25 [ug/m3]", None),
        ("pm (μg m-3),time", None),
        ("Date,PM2.5", "ug/m^3"),
    ],
)
def test_a_header_names_time_value_and_unit_in_many_ways(tmp_path: Path, header: str, unit: str | None) -> None:
    swap = header.endswith("time")
    rows = [("2026-10-01T02:00:00+02:00", "12.5"), ("2026-10-01T01:00:00Z", "13"), ("2026-10-01T02:00:00Z", "")]
    text = "\n".join([header, *(",".join(row[::-1] if swap else row) for row in rows), ""])
    found = read(csv(tmp_path, text), UNIT, told_unit=unit)
    assert found.rows == [Measured(START, 12.5), Measured(START + HOUR, 13.0)]
    assert found.seconds == HOUR


WRONG: dict[str, tuple[str, str]] = {
    "empty": ("", "is empty"),
    "no time": ("when,pm (µg/m³)\nx,1\n", "no column for the time"),
    "two columns": ("time,a (µg/m³),b (µg/m³)\n", "more than one column of values; name one with --column: a"),
    "no unit": ("time,pm\n2026-10-01T00:00:00Z,1\n", "does not say its unit; write it behind the name"),
    "another unit": ("time,pm (mg/m³)\n2026-10-01T00:00:00Z,1\n", "is in mg/m³, the channel is in µg/m³"),
    "no zone": ("time,pm (µg/m³)\n2026-10-01T00:00:00,1\n", "line 2: '2026-10-01T00:00:00': does not say of which"),
    "no time of ISO": ("time,pm (µg/m³)\n1.10.2026,1\n", "is no time of ISO 8601"),
    "comma": ("time,pm (µg/m³)\n2026-10-01T00:00:00Z,12;5\n", "'12;5': is no number"),
    "infinite": ("time,pm (µg/m³)\n2026-10-01T00:00:00Z,inf\n", "is no number"),
    "short line": ("time,pm (µg/m³)\n2026-10-01T00:00:00Z\n", "line 2: is shorter than the header"),
    "nothing": ("time,pm (µg/m³)\n", "has no value below its header"),
    "twice": ("time,pm (µg/m³)\n" + "2026-10-01T00:00:00Z,1\n" * 2, "two values for one time"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_that_cannot_be_used_is_refused_with_line_and_remedy(tmp_path: Path, case: str) -> None:
    text, said = WRONG[case]
    with pytest.raises(SettingsError) as caught:
        read(csv(tmp_path, text), UNIT)
    assert said in str(caught.value)


def taken(at: int, counts: int | None, humidity: int | None = 5000) -> Taken:
    both = {PM.id: counts, 2: humidity}
    return Taken(at * 1_000_000, 1, at, 0, {number: value for number, value in both.items() if value is not None})


def humid(sample: Taken) -> int | None:
    return sample.counts.get(2)


def test_hourly_means_are_paired_with_the_readings_of_their_hour() -> None:
    station = Reference([Measured(START + 600, 10.0), Measured(START + 600 + HOUR, 20.0)], HOUR, "pm")
    samples = [taken(START + second, second) for second in (0, 600, 900, 4199, 4200, 7799, 7800)]
    found = pair(station, [*samples, taken(START + 700, None)], PM.id, humid)
    assert found == [
        Pair(START + 600, 10.0, (Shot(600, 5000), Shot(900, 5000), Shot(4199, 5000))),
        Pair(START + 600 + HOUR, 20.0, (Shot(4200, 5000), Shot(7799, 5000))),
    ]


def test_what_is_finer_than_a_quarter_of_an_hour_is_averaged_if_half_of_it_is_there() -> None:
    minutes = [Measured(START + 60 * minute, float(minute)) for minute in range(15)]
    few = [Measured(START + 900 + 60 * minute, 99.0) for minute in range(7)]
    samples = [taken(START + 5, 40), taken(START + 905, 40)]
    (only,) = pair(Reference([*minutes, *few], 60, "pm"), samples, PM.id, humid)
    assert (only.at, only.reference) == (START, 7.0)


def test_a_quarter_of_wrong_points_does_not_turn_theil_and_sens_line() -> None:
    x = [float(n) for n in range(60)]
    y = [500.0 if n % 4 == 0 else 2 * n + 1 for n in range(60)]
    line = theil_sen(x, y)
    assert line is not None
    assert line.gain == pytest.approx(2, abs=0.3)
    closest = sums(zip(x, y, strict=True)).line()
    assert closest is not None
    assert abs(closest.gain - 2) > 0.5  # least squares alone would be turned
    assert theil_sen([3.0] * 5, [1.0] * 5) is None


def test_sums_know_the_line_and_its_errors_without_the_points() -> None:
    chance = random.Random(1)
    points = [(x, 3 * x - 2 + chance.gauss(0, 1)) for x in (chance.uniform(5, 50) for _ in range(200))]
    whole = sums(points)
    halves = sums(points[:90]) + sums(points[90:])
    assert halves == pytest.approx(whole)
    line = whole.line()
    assert line is not None
    assert line == pytest.approx((3, -2), abs=0.4)
    assert whole.squares(line) == pytest.approx(sum((y - line.at(x)) ** 2 for x, y in points), rel=1e-6)
    assert whole.squares(line) < whole.squares(Line(line.gain * 1.01, line.offset))


def dusty(
    gain: float,
    offset: float,
    growth: Growth | None,
    days: int = 20,
    spoilt: Callable[[int], bool] = lambda _: False,
) -> list[Pair]:
    """Hours of a sensor whose readings the truth follows from by gain, offset and growth."""
    chance = random.Random(1)
    pairs = []
    for hour in range(days * 24):
        level = 15 + 8 * math.sin(hour / 17) + 4 * math.sin(hour / 5)
        humidity = round(100 * min(98, max(20, 65 + 25 * math.sin(hour / 24 * 2 * math.pi) + 12 * math.sin(hour / 40))))
        swollen = (level - offset) / gain * float(1 if growth is None else growth.divisor(humidity))
        counts = round(swollen * chance.uniform(0.97, 1.03))
        if spoilt(hour):
            counts += 400
        pairs.append(Pair(START + hour * HOUR, level * chance.uniform(0.99, 1.01), (Shot(counts, humidity),)))
    return pairs


GROWN = Growth(Fraction(12, 100), 3000, 9000)


def test_gain_offset_and_growth_are_found_with_their_intervals() -> None:
    found = fit(dusty(0.7, 1.5, GROWN), PM)
    assert found.growth is not None
    assert float(found.growth.factor) == pytest.approx(0.12, abs=0.021)
    assert float(found.gain) == pytest.approx(0.7, abs=0.03)
    assert found.gain_interval.low <= 0.71
    assert found.gain_interval.high >= 0.69
    assert found.gain_interval.high - found.gain_interval.low < 0.1
    assert found.offset_interval.low - 0.1 <= 1.5 <= found.offset_interval.high + 0.1
    assert found.after < 0.1 * found.before
    assert found.r_squared > 0.98
    assert found.after <= found.unseen < 2 * found.after
    said = "\n".join(report.lines(found, PM))
    assert "20 days" in said
    assert f"gain                       {found.gain}" in said


def test_what_is_stated_is_what_will_be_applied() -> None:
    pairs = dusty(0.7, 1.5, GROWN, days=5)
    found = fit(pairs, PM)
    correction = correction_of(found.gain, found.offset, found.growth, PM)
    applied = [float(correction.exactly(pair.shots[0].counts, pair.shots[0].humidity)) for pair in pairs]
    errors = [(one - pair.reference) ** 2 for one, pair, keep in zip(applied, pairs, found.kept, strict=True) if keep]
    assert found.after == pytest.approx(math.sqrt(sum(errors) / len(errors)))


def test_a_plume_beside_the_sensor_is_left_out_and_counted() -> None:
    clean, spoilt = dusty(0.7, 1.5, GROWN, 8), dusty(0.7, 1.5, GROWN, 8, spoilt=lambda hour: hour % 25 == 0)
    found, beside = fit(spoilt, PM), fit(clean, PM)
    plumes = range(0, len(spoilt), 25)
    assert not any(found.kept[index] for index in plumes)
    assert found.left_out < len(plumes) + 15
    assert float(found.gain) == pytest.approx(float(beside.gain), abs=0.03)
    assert f"{found.left_out} of them left out" in "\n".join(report.lines(found, PM))


def test_in_even_humidity_the_general_growth_is_taken_and_it_says_so() -> None:
    pairs = [one._replace(shots=(Shot(one.shots[0].counts, 5000),)) for one in dusty(0.7, 1.5, None)]
    found = fit(pairs, PM)
    assert found.growth == NILSON.growth
    assert any("too even" in remark for remark in found.remarks)


def test_a_thermometer_has_no_growth() -> None:
    chance = random.Random(3)
    pairs = []
    for hour in range(16 * 24):
        true = 12 + 6 * math.sin(hour / 24 * 2 * math.pi) + 3 * math.sin(hour / 50)
        pairs.append(Pair(START + hour * HOUR, true, (Shot(round((true + 0.8) * 100 + chance.gauss(0, 5)), None),)))
    found = fit(pairs, WARMTH)
    assert found.growth is None
    assert float(found.gain) == pytest.approx(1, abs=0.01)
    assert float(found.offset) == pytest.approx(-0.8, abs=0.1)
    assert found.after < 0.1
    assert found.remarks == ()


def flat(reading: Callable[[int], int], true: Callable[[int], float], count: int = 200) -> list[Pair]:
    return [Pair(START + n * HOUR, true(n), (Shot(reading(n), 3000 + n % 60 * 100),)) for n in range(count)]


REFUSED: dict[str, tuple[list[Pair], str]] = {
    "none": ([], "0 means in common, over 0.0 days; at least 48 over 3 days"),
    "few": (dusty(1, 0, None, days=1), "24 means in common"),
    "short": ([one._replace(at=START + n) for n, one in enumerate(dusty(1, 0, None))], "over 0.0 days"),
    "even": (flat(lambda n: n, lambda _: 12.0), "the reference says one value"),
    "stuck": (flat(lambda _: 12, float), "do not rise|one value all the time"),
    "against it": (flat(lambda n: 300 - n, float), "do not rise with the reference"),
    "no humidity": (
        [one._replace(shots=(Shot(one.shots[0].counts, None),)) for one in dusty(1, 0, None)],
        "have no humidity beside them",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_tell_is_refused(case: str) -> None:
    pairs, said = REFUSED[case]
    with pytest.raises(CalibrationError, match=said):
        fit(pairs, PM)


@pytest.fixture(scope="module")
def some() -> Fit:
    return fit(dusty(0.7, 1.5, GROWN, days=4), PM)


def test_few_days_and_little_fog_are_remarked(some: Fit) -> None:
    assert any("4 days rarely hold all weathers" in remark for remark in some.remarks)
    dry = [one for one in dusty(0.7, 1.5, GROWN, days=6) if (one.shots[0].humidity or 0) < 9000]
    assert any("only 0 pairs at 90 % humidity" in remark for remark in fit(dry, PM).remarks)


def test_the_picture_is_drawn_in_the_kind_that_is_asked_for(some: Fit, tmp_path: Path) -> None:
    for name, begins in (("fit.svg", b"<?xml"), ("fit.png", b"\x89PNG")):
        picture.drawn(tmp_path / name, some, PM, "lamp-1 pm2_5")
        assert (tmp_path / name).read_bytes().startswith(begins)
    with pytest.raises(CalibrationError, match=r"name it \.png"):
        picture.drawn(tmp_path / "fit.doc", some, PM, "lamp-1")
    with pytest.raises(CalibrationError, match="cannot be written"):
        picture.drawn(tmp_path / "nowhere" / "fit.png", some, PM, "lamp-1")


def test_letters_show_the_corrected_along_the_line_and_the_raw_above_it(some: Fit) -> None:
    lines = picture.letters(some, PM).splitlines()
    heights = {mark: [row for row, line in enumerate(lines[:-2]) if mark in line[11:]] for mark in ".o"}
    assert min(heights["."]) < min(heights["o"])
    assert lines[-1].endswith("reference, µg/m³")
    assert len({len(line) for line in lines[:-2]}) == 1
