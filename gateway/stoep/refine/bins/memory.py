"""What is remembered of each bin between two windows, so that a forecast costs milliseconds and not a walk over weeks.

Kept are the soundings of two days, at most three a window, and five weeks of days in 24 numbers each. All of it comes
out of the store's windows and is read again when it is missing (after a start) or when a late sample changed it; a few
days with each window, so that no turn takes long.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from stoep.refine.bins.fill import BEFORE_DAY, LEAD, TAIL, day_of, fill, midnight
from stoep.refine.bins.level import robust
from stoep.refine.bins.pattern import Pattern, learned
from stoep.refine.bins.recent import Recent
from stoep.refine.bins.sounding import HOUR, Sounding, believed
from stoep.refine.bins.weeks import Weeks
from stoep.store import window_rows
from stoep.store.database import Database
from stoep.store.series import Taken
from stoep.store.windows import SECONDS, Fill, Window, start_of
from stoep.wire.channels import Catalogue, Channel

_DAYS = 35  # as many as are told of by windows that are kept
_AT_ONCE = 2  # days read with one window
_THIRD = SECONDS // 3
_PAST = 2 * HOUR  # a window so much older than the newest is told by itself
_WHOLE = 24 * HOUR


@dataclass(slots=True)
class _Bin:
    newest: int = 0
    recent: Recent | None = None  # None: to be read
    days: Weeks = field(default_factory=Weeks)
    pattern: Pattern | None = None


class Bins:
    """`zone`: whose days and weeks the bins live by."""

    def __init__(self, database: Database, catalogue: Catalogue, zone: tzinfo) -> None:
        named = {channel.name: channel for channel in catalogue.channels.values()}
        self._level, self._distance = named["fill_level"], named["fill_distance"]
        self._database = database
        self._zone = zone
        self._bins: dict[bytes, _Bin] = {}

    def fill(self, window: Window) -> Fill | None:
        """What `window` says of its bin; None where it has no fill level. Asked again for a window that changed."""
        soundings = self._thinned(window)
        if not soundings:
            return None
        known = self._bins.setdefault(window.kid, _Bin())
        if window.start < known.newest:
            self._changed(known, window, soundings)
        if window.start + _PAST < known.newest:
            level = robust(believed(soundings), None)
            return Fill(_rounded(level), reason="what is past is no forecast")
        number, begins = midnight(window.start, self._zone)
        since = start_of(begins - LEAD - BEFORE_DAY)
        if known.recent is None:
            known.recent = self._read(window.kid, since, window.start + LEAD)  # a late one may be the first to come
        known.recent.put(window.start, window.end, soundings)
        known.newest = max(known.newest, window.start)
        self._learn(window.kid, known, known.recent, number, window.end - begins)
        known.recent.forget(since)
        return _told(known.recent.between(begins - LEAD, window.end), window, known, self._zone)

    def _changed(self, known: _Bin, window: Window, soundings: Sequence[Sounding]) -> None:
        if known.recent is not None and window.start >= known.recent.since:
            known.recent.put(window.start, window.end, soundings)
        number, _ = midnight(window.start, self._zone)
        known.days.forget({number - 1, number, number + 1})

    def _read(self, kid: bytes, since: float, until: float) -> Recent:
        found = Recent(start_of(since))
        with self._database.reading() as sql:
            for window in window_rows.between(sql, kid, found.since, int(until)):
                found.put(window.start, window.end, self._thinned(window))
        return found

    def _learn(self, kid: bytes, known: _Bin, recent: Recent, today: int, passed: float) -> None:
        """The days before today that are not known yet, the newest first, but no more than a few at once."""
        newest = today - 1 if passed >= TAIL else today - 2
        here = known.days.numbers()
        missing = [day for day in range(newest, today - _DAYS, -1) if day not in here][:_AT_ONCE]
        for day in missing:
            begins = datetime.fromordinal(day).replace(tzinfo=self._zone).timestamp()
            since, until = begins - BEFORE_DAY, begins + _WHOLE + TAIL
            read = recent if since >= recent.since else self._read(kid, since, until)
            known.days.put(day_of(day, self._zone, read.between(since, until)))
        old = {day for day in here if day < today - _DAYS}
        known.days.forget(old)
        if missing or old:
            known.pattern = learned(list(known.days))

    def _thinned(self, window: Window) -> list[Sounding]:
        """The middle one of each five minutes, so that a bin that reports every minute costs no more than that."""
        thirds: dict[int, list[Sounding]] = {}
        for taken in window.samples:
            level = _in_range(self._level, taken)
            if level is not None:
                at = taken.at // 1_000_000
                thirds.setdefault(at // _THIRD, []).append(Sounding(at, level, _in_range(self._distance, taken)))
        return [_middle(each) for each in thirds.values()]


def _in_range(channel: Channel, taken: Taken) -> int | None:
    counts = taken.counts.get(channel.id)
    return counts if counts is not None and channel.lowest <= counts <= channel.highest else None


def _middle(soundings: Sequence[Sounding]) -> Sounding:
    return sorted(soundings, key=lambda s: (s.level, -(s.distance or 0)))[(len(soundings) - 1) // 2]


def _told(soundings: Sequence[Sounding], window: Window, known: _Bin, zone: tzinfo) -> Fill:
    said = fill(soundings, window.end, known.pattern, zone)
    emptied, sure = (said.emptied.at, said.emptied.confidence) if said.emptied else (None, None)
    if emptied is None:
        emptied = max((day.emptied for day in known.days if day.emptied is not None), default=None)
    span = said.full_in
    return Fill(
        _rounded(said.robust),
        None if emptied is None else int(emptied),
        sure,
        None if span is None else (round(span.hours, 1), round(span.soonest, 1), round(span.latest, 1)),
        said.reason,
    )


def _rounded(level: float | None) -> float | None:
    return None if level is None else round(level, 1)
