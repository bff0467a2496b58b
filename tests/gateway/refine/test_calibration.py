"""Corrections as arithmetic: exact, by the time of taking, beside the raw readings."""

from fractions import Fraction
from typing import Any

import pytest

from stoep.refine.calibration import apply
from stoep.refine.calibration.book import Book, Calibration, Span
from stoep.refine.calibration.correction import NILSON, Correction, Growth
from stoep.store.series import Taken
from stoep.store.windows import Corrected, TimeQuality, Total, Uncorrected, Window
from stoep.wire.channels import catalogue

KID, OTHER = bytes(4), bytes.fromhex("01020304")
T, H, FILL, PM, MOTION = 1, 2, 5, 9, 11
START = 1_780_293_600
QUARTER = 900


def taken(second: int, **counts: int) -> Taken:
    names = {channel.name: channel.id for channel in catalogue().channels.values()}
    return Taken(
        (START + second) * 1_000_000, 1, second, TimeQuality.SYNCED, {names[name]: v for name, v in counts.items()}
    )


def window(*samples: Taken, start: int = START, kid: bytes = KID) -> Window:
    made = Window(kid, start)
    for sample in samples:
        made.samples.add(sample)
    return made


def calibration(channel: int, *, begins: int = 0, ends: int | None = None, kid: bytes = KID, **of: Any) -> Calibration:
    said = {"version": 1, "name": "a test", **of}
    return Calibration(kid, channel, begins, ends, Correction(**said))


def corrected(made: Window, book: Book, channel: int) -> Corrected:
    found = apply.window(made, book, catalogue())[channel]
    assert isinstance(found, Corrected)
    return found


@pytest.mark.parametrize(
    ("raw", "percent", "expected"),
    # PM / (1 + 0.24 / (100 / RH - 1)), RH held between 30 and 70 %, by hand
    [
        (50, 50, 50 / 1.24),
        (50, 60, 50 / 1.36),
        (50, 30, 50 / (1 + 0.24 * 3 / 7)),
        (50, 10, 50 / (1 + 0.24 * 3 / 7)),
        (50, 70, 50 / 1.56),
        (50, 99, 50 / 1.56),
        (0, 80, 0.0),
    ],
)
def test_the_general_correction_of_particles_is_nilsons(raw: int, percent: int, expected: float) -> None:
    assert NILSON.fine(raw, percent * 100) == round(expected * 100)
    found = corrected(window(taken(1, pm2_5=raw, humidity=percent * 100)), Book(), PM)
    assert found == Corrected(0, NILSON.name, Total(1, *[round(expected * 100)] * 4, (found.total.last_at), 1, 0))


def test_a_correction_is_exact_and_rounded_once() -> None:
    third = Correction(1, "", gain=Fraction(1, 3), offset=Fraction(1, 7))
    assert third.exactly(1) == Fraction(10, 21)
    assert third.fine(1) == 48  # hundredths of a count
    assert Correction(1, "", offset=Fraction(-5)).fine(2) == -300  # near zero it may be below: a mean stays honest
    tenths = Correction(1, "", gain=Fraction("0.1"))
    assert sum(tenths.exactly(1) for _ in range(10)) == 1


def test_min_mean_max_and_last_are_of_the_corrected_readings_whatever_the_order_of_arrival() -> None:
    book = Book([calibration(PM, gain=Fraction(2), offset=Fraction(-1))])
    samples = [taken(second, pm2_5=value, humidity=5000) for second, value in ((10, 7), (5, 30), (600, 9))]
    one, other = (corrected(window(*order), book, PM).total for order in (samples, samples[::-1]))
    assert one == other
    assert (one.count, one.lowest, one.total, one.highest, one.last) == (3, 1300, 8900, 5900, 1700)


def test_a_growth_of_ones_own_takes_the_generals_place_and_humidity_counts_as_calibrated() -> None:
    growth = Growth(Fraction(1, 2), 3000, 9000)
    dusty = window(taken(1, pm2_5=100, humidity=7500))
    assert corrected(dusty, Book([calibration(PM, growth=growth)]), PM).total.last == round(10_000 / 2.5)
    # A climate sensor that says 25 % too much: the air has 50 %.
    book = Book([calibration(PM, growth=growth), calibration(H, offset=Fraction(-2500))])
    assert corrected(dusty, book, PM).total.last == round(10_000 / 1.5)
    assert corrected(dusty, book, H).total.last == 500_000
    assert corrected(dusty, Book([calibration(PM)]), PM).total.last == 10_000  # without growth: none


def test_where_a_sample_lacks_humidity_the_nearest_of_its_window_counts() -> None:
    made = window(taken(0, humidity=3000), taken(100, pm2_5=124), taken(150, humidity=5000, pm2_5=0))
    assert corrected(made, Book(), PM).total.highest == 10_000
    alone = apply.window(window(taken(100, pm2_5=124)), Book(), catalogue())
    assert alone == {PM: Uncorrected("no humidity was measured in this window")}


def test_the_time_of_taking_decides_which_version_holds() -> None:
    first = calibration(PM, ends=START + QUARTER, gain=Fraction(2))
    second = calibration(PM, begins=START + QUARTER, ends=START + 2 * QUARTER, version=2, gain=Fraction(3))
    book = Book([first, second])
    versions = []
    for number in (-1, 0, 1, 2):
        start = START + number * QUARTER
        made = window(taken(number * QUARTER + 1, pm2_5=10, humidity=5000), start=start)
        found = corrected(made, book, PM)
        versions.append((found.version, found.total.last))
    assert versions == [(1, 2000), (1, 2000), (2, 3000), (0, round(1000 / 1.24))]
    elsewhere = window(taken(1, pm2_5=10, humidity=5000), kid=OTHER)
    assert corrected(elsewhere, book, PM).version == 0


def test_only_readings_are_corrected_and_only_what_was_measured() -> None:
    book = Book([calibration(channel, gain=Fraction(2)) for channel in (T, FILL, MOTION)], general=None)
    found = apply.window(window(taken(1, temperature=1850, motion_count=4, pm2_5=12)), book, catalogue())
    assert set(found) == {T}


def test_sums_of_an_older_release_are_not_corrected_and_it_says_so() -> None:
    made = window(taken(1, pm2_5=10, humidity=5000))
    made.before[PM] = Total(3, 30, 10, 10, 10)
    assert isinstance(apply.window(made, Book(), catalogue())[PM], Uncorrected)


def test_a_sample_by_itself_is_corrected_as_its_window_is() -> None:
    one = taken(1, pm2_5=62, humidity=5000)
    alone = apply.sample(KID, one, Book(), catalogue())[PM]
    assert alone == apply.window(window(one), Book(), catalogue())[PM]
    assert isinstance(alone, Corrected)
    assert alone.total.last == 5000


def test_what_changed_between_two_states_is_known_by_node_and_time() -> None:
    old = calibration(PM, begins=0, ends=3 * QUARTER)
    longer = calibration(PM, begins=0, ends=4 * QUARTER)
    assert Book([old]).changed(Book([old])) == {}
    assert Book([old]).changed(Book()) == {KID: [Span(0, 3 * QUARTER)]}
    assert Book().changed(Book([old])) == {KID: [Span(0, 3 * QUARTER)]}
    assert Book([longer]).changed(Book([old])) == {KID: [Span(3 * QUARTER, 4 * QUARTER)]}
    other = calibration(T, kid=OTHER, begins=QUARTER, ends=2 * QUARTER)
    assert Book([longer, other]).changed(Book([longer])) == {OTHER: [Span(QUARTER, 2 * QUARTER)]}
    renamed = calibration(PM, begins=0, ends=3 * QUARTER, name="better words")
    assert Book([renamed]).changed(Book([old])) == {KID: [Span(0, 3 * QUARTER)]}
    assert Book(general=None).changed(Book()) == {}
