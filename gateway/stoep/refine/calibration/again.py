"""Windows that the city has already, said again because what they are corrected by has changed."""

from fractions import Fraction
from typing import Any

import cbor2

from stoep.refine.calibration.book import Book, Calibration
from stoep.refine.calibration.correction import Correction, Growth
from stoep.store import calibrated
from stoep.store.database import Database
from stoep.store.windows import Window

_FORM = 1


class Again:
    """Book-keeping of the refining thread. `waiting`: there are windows yet to be taken up."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.reading() as sql:
            self.waiting = calibrated.waiting(sql)

    def take(self, book: Book) -> None:
        """From now on `book` holds: what it says otherwise than the one before is to be said again."""
        packed = _pack(book)
        with self._database.reading() as sql:
            known = calibrated.content(sql)
        if packed == known or (known is None and not book.calibrations):
            return
        before = Book() if known is None else _unpack(known)
        spans = [(kid, *span) for kid, found in sorted(book.changed(before).items()) for span in found]
        with self._database.transaction() as sql:
            calibrated.save(sql, packed, spans)
            waiting = calibrated.waiting(sql)
        self.waiting = waiting

    def next(self) -> list[Window]:
        """Some of them, which are due from now on."""
        if not self.waiting:
            return []
        with self._database.transaction() as sql:
            windows = calibrated.next_due(sql)
            waiting = calibrated.waiting(sql)
        self.waiting = waiting
        return windows


def _pack(book: Book) -> bytes:
    rows = sorted((_row(one) for one in book.calibrations), key=lambda row: (row[0], row[1], row[2]))
    return cbor2.dumps([_FORM, rows])


def _row(one: Calibration) -> list[Any]:
    told, grown = one.correction, one.correction.growth
    growth = None if grown is None else [*grown.factor.as_integer_ratio(), grown.dry, grown.wet]
    factors = [*told.gain.as_integer_ratio(), *told.offset.as_integer_ratio()]
    return [one.kid, one.channel, one.begins, one.ends, told.version, told.name, *factors, growth]


def _unpack(packed: bytes) -> Book:
    """What cannot be read, or was written by a newer release, is unknown: all that is calibrated is said again."""
    try:
        form, rows = cbor2.loads(packed)
        return Book(_calibration(*row) for row in rows) if form == _FORM else Book()
    except (cbor2.CBORError, TypeError, ValueError, ZeroDivisionError):
        return Book()


def _calibration(
    kid: bytes, channel: int, begins: int, ends: int | None, version: int, name: str, *rest: Any
) -> Calibration:
    gain, gains, offset, offsets, grown = rest
    growth = None if grown is None else Growth(Fraction(grown[0], grown[1]), grown[2], grown[3])
    correction = Correction(version, name, Fraction(gain, gains), Fraction(offset, offsets), growth)
    return Calibration(kid, channel, begins, ends, correction)
