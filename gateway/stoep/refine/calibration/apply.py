"""A window's and a sample's readings, corrected: beside the raw ones, never in their place."""

from collections.abc import Mapping
from typing import NamedTuple

from stoep.refine.calibration.book import Book
from stoep.refine.calibration.correction import Correction
from stoep.store.series import Taken
from stoep.store.verdict import Flag
from stoep.store.windows import Corrected, Total, Uncorrected, Window
from stoep.wire.channels import Catalogue, Leaves

_READING: Leaves = "reading"
_DRY = Uncorrected("no humidity was measured in this window")
_SUMS = Uncorrected("a release that kept no single samples took some of it")


class _Damp(NamedTuple):
    at: int
    humidity: int


def window(taken: Window, book: Book, catalogue: Catalogue) -> dict[int, Corrected | Uncorrected]:
    """By channel, of those that a correction holds for."""
    holding = _of_readings(book.holding(taken.kid, taken.start), catalogue)
    if not holding:
        return {}
    samples = list(taken.samples)
    known = {number for sample in samples for number in sample.counts} | set(taken.before)
    damp = _humidities(samples, holding, book)
    found: dict[int, Corrected | Uncorrected] = {}
    for number, correction in holding.items():
        if number not in known:
            continue
        if number in taken.before:
            found[number] = _SUMS
        elif correction.growth is not None and not damp:
            found[number] = _DRY
        else:
            total = Total()
            for sample in samples:
                if number in sample.counts:
                    fine = correction.fine(sample.counts[number], _nearest(damp, sample.at))
                    total.add(fine, sample[:3], Flag.GOOD, sample.time)
            found[number] = Corrected(correction.version, correction.name, total)
    return found


def sample(kid: bytes, taken: Taken, book: Book, catalogue: Catalogue) -> dict[int, Corrected | Uncorrected]:
    """The same for a sample by itself: it knows of no other's humidity."""
    alone = Window(kid, taken.at // 1_000_000)
    alone.samples.add(taken)
    return window(alone, book, catalogue)


def _of_readings(holding: Mapping[int, Correction], catalogue: Catalogue) -> dict[int, Correction]:
    channels = catalogue.channels
    return {
        number: correction
        for number, correction in holding.items()
        if number in channels and channels[number].leaves == _READING
    }


def _humidities(samples: list[Taken], holding: Mapping[int, Correction], book: Book) -> list[_Damp]:
    """What was measured of it, as calibrated, rounded to whole counts."""
    correction = holding.get(book.humidity)
    return [
        _Damp(one.at, counts if correction is None else round(correction.exactly(counts)))
        for one in samples
        if (counts := one.counts.get(book.humidity)) is not None
    ]


def _nearest(damp: list[_Damp], at: int) -> int | None:
    """Its own sample's humidity; where that has none, the nearest in time of the same quarter of an hour."""
    return min(damp, key=lambda one: (abs(one.at - at), one.at)).humidity if damp else None
