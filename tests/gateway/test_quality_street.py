"""Dust sensors beside each other: as they come from the works, and when each has been calibrated."""

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

from stoep.refine.calibration.book import Book, Calibration
from stoep.refine.calibration.correction import NILSON, Correction
from stoep.refine.quality.neighbours import Agreement
from stoep.refine.quality.street import Street
from stoep.store.series import Taken
from stoep.wire.channels import catalogue

PM2_5 = 9
START = 1_780_293_600
POSTS = [bytes((0xC0, 0, 0, number)) for number in range(4)]
AGREES = [Agreement.AGREES] * 4


def calibrated(gains: Mapping[int, Fraction], begins: int = 0) -> Book:
    """By number of the post."""
    return Book(
        Calibration(POSTS[post], PM2_5, begins, None, Correction(1, "a reference", gain, growth=NILSON.growth))
        for post, gain in gains.items()
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
    assert verdicts(street([50, 52, 54, 95], Book())) == [*AGREES[:3], Agreement.ABOVE]


def test_calibrated_sensors_are_compared_by_what_they_say_corrected_and_more_strictly() -> None:
    gains = {0: Fraction(50, 50), 1: Fraction(50, 55), 2: Fraction(50, 60), 3: Fraction(50, 85)}
    assert verdicts(street([50, 55, 60, 85], calibrated(gains))) == AGREES
    assert verdicts(street([50, 55, 60, 125], calibrated(gains))) == [*AGREES[:3], Agreement.ABOVE]
    assert verdicts(street([50, 52, 54, 80], calibrated(dict.fromkeys(range(4), Fraction(1))))) == [
        *AGREES[:3],
        Agreement.ABOVE,
    ]


def test_among_neighbours_as_they_came_from_the_works_a_calibrated_one_is_held_against_these() -> None:
    assert verdicts(street([50, 52, 54, 80], calibrated({3: Fraction(1)}))) == AGREES


def test_a_calibration_counts_from_when_it_holds_and_from_when_it_is_known() -> None:
    gains = {post: Fraction(1) for post in range(4)}
    said = [50, 52, 54, 80]
    assert verdicts(street(said, calibrated(gains, begins=START + 900))) == AGREES
    late = street(said, Book())
    assert verdicts(late) == AGREES
    late.calibrate(calibrated(gains))
    assert verdicts(late) == [*AGREES[:3], Agreement.ABOVE]
