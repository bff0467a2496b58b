"""Dust sensors beside each other: as they come from the works, and when each has been calibrated."""

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

from stoep.refine.calibration.book import Book, Calibration
from stoep.refine.calibration.correction import NILSON, Correction
from stoep.refine.quality.inspector import Inspector
from stoep.refine.quality.neighbours import Agreement
from stoep.refine.quality.street import Street
from stoep.refine.quality.surroundings import Surroundings
from stoep.store.series import Taken
from stoep.store.verdict import Flag, Reason
from stoep.store.windows import Window
from stoep.wire.channels import catalogue

PM1_0, PM2_5, PM10, TEMPERATURE = 8, 9, 10, 1
START = 1_780_293_600
POSTS = [bytes((0xC0, 0, 0, number)) for number in range(4)]
AGREES = [Agreement.AGREES] * 4
SOUND = dict.fromkeys(range(4), Fraction(1))  # gains of sensors that say what there is


def calibrated(gains: Mapping[int, Fraction], begins: int = 0, channels: Sequence[int] = (PM2_5,)) -> Book:
    """By number of the post."""
    return Book(
        Calibration(POSTS[post], channel, begins, None, Correction(1, "a reference", gain, growth=NILSON.growth))
        for post, gain in gains.items()
        for channel in channels
    )


def measured(counts: int) -> list[Taken]:
    return [Taken(START * 1_000_000, 1, 1, 0, {PM2_5: counts})]


def street(said: Sequence[int], book: Book) -> Street:
    """Four lampposts that measured so much, in µg/m³."""
    windows = {(post, START): measured(counts) for post, counts in zip(POSTS, said, strict=True)}

    def load(kid: bytes, starts: Collection[int]) -> dict[int, list[Taken]]:
        return {start: windows[kid, start] for start in starts if (kid, start) in windows}

    found = Street(catalogue(), load, book)
    found.know({post: [other for other in POSTS if other != post] for post in POSTS}, {})
    found.update(windows, list(windows))
    return found


def verdicts(street: Street) -> list[Agreement]:
    return [street.verdict((post, START)).get(PM2_5, Agreement.ALONE) for post in POSTS]


def test_sensors_as_they_come_from_the_works_may_differ_by_more() -> None:
    assert verdicts(street([50, 52, 54, 80], Book())) == AGREES
    assert verdicts(street([50, 52, 54, 97], Book())) == [*AGREES[:3], Agreement.ABOVE]


def test_calibrated_sensors_are_compared_by_what_they_say_corrected_and_more_strictly() -> None:
    gains = {0: Fraction(50, 50), 1: Fraction(50, 55), 2: Fraction(50, 60), 3: Fraction(50, 85)}
    assert verdicts(street([50, 55, 60, 85], calibrated(gains))) == AGREES
    assert verdicts(street([50, 55, 60, 135], calibrated(gains))) == [*AGREES[:3], Agreement.ABOVE]
    assert verdicts(street([50, 52, 54, 80], calibrated(SOUND))) == [
        *AGREES[:3],
        Agreement.ABOVE,
    ]


def test_among_neighbours_as_they_came_from_the_works_a_calibrated_one_is_held_against_these() -> None:
    assert verdicts(street([50, 52, 54, 80], calibrated({3: Fraction(1)}))) == AGREES


def test_a_calibration_counts_from_when_it_holds_and_from_when_it_is_known() -> None:
    said = [50, 52, 54, 80]
    assert verdicts(street(said, calibrated(SOUND, begins=START + 900))) == AGREES
    late = street(said, Book())
    assert verdicts(late) == AGREES
    late.calibrate(calibrated(SOUND))
    assert verdicts(late) == [*AGREES[:3], Agreement.ABOVE]


def test_of_a_dust_sensor_one_channel_that_is_apart_makes_the_others_suspect_and_of_others_not() -> None:
    """It drifts as a whole; where it is dirtier than next door, one channel shows that before another."""
    said = {post: {PM1_0: 10, PM2_5: 16, PM10: 23, TEMPERATURE: 1400} for post in POSTS}
    said[POSTS[2]] |= {PM1_0: 3, PM2_5: 9, TEMPERATURE: 1900}
    windows = {}
    for post, counts in said.items():
        windows[post, START] = Window(post, START, due=True)
        windows[post, START].samples.add(Taken(START * 1_000_000, 1, 1, 0, counts))

    def find(kid: bytes, starts: Collection[int]) -> dict[int, Window]:
        return {start: windows[kid, start] for start in starts if (kid, start) in windows}

    inspector = Inspector(catalogue(), find, book=calibrated(SOUND, channels=(PM1_0, PM2_5, PM10)))
    inspector.know(Surroundings({post: [other for other in POSTS if other != post] for post in POSTS}))
    found = {window.kid: summary.totals for window, summary in inspector.inspect(windows.values())}
    assert {channel: total.reason for channel, total in found[POSTS[2]].items()} == {
        PM1_0: Reason.BELOW,
        PM2_5: Reason.SENSOR_APART,
        PM10: Reason.SENSOR_APART,
        TEMPERATURE: Reason.IN_RANGE,
    }
    assert {total.flag for post in POSTS if post != POSTS[2] for total in found[post].values()} == {Flag.GOOD}
