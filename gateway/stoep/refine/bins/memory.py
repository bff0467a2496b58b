"""What is remembered of each bin between two windows, so that a forecast costs milliseconds and not a walk over weeks.

Kept are the soundings of two days, at most three a window, and five weeks of days in 24 numbers each. All of it comes
out of the store's windows and is read again when it is missing (after a start) or when a late sample changed it; a few
days with each window, so that no turn takes long.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from stoep.refine.bins.days import Day
from stoep.refine.bins.fill import BEFORE_DAY, LEAD, TAIL, day_of, fill, midnight
from stoep.refine.bins.level import robust
from stoep.refine.bins.pattern import Pattern, learned
from stoep.refine.bins.sounding import HOUR, Sounding, believed
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
_SOUNDING = struct.Struct("<HhH")  # second of the window, %, mm: thousands of them are remembered
_NO_DISTANCE = 0xFFFF


@dataclass
class _Bin:
    newest: int = 0
    recent: dict[int, bytes] | None = None  # soundings by the start of their window, packed; None: to be read
    days: dict[int, Day] = field(default_factory=dict)
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
            self._changed(known, window.start, soundings)
        if window.start + _PAST < known.newest:
            level = robust(believed(_between({window.start: soundings}, 0, window.end)), None)
            return Fill(_rounded(level), reason="what is past is no forecast")
        number, begins = midnight(window.start, self._zone)
        recent = self._recent(window, known, begins)
        recent[window.start] = soundings
        known.newest = max(known.newest, window.start)
        self._learn(window.kid, known, number, window.end - begins)
        since = start_of(begins - LEAD - BEFORE_DAY)
        known.recent = recent = {start: each for start, each in recent.items() if start >= since}
        return _told(_between(recent, begins - LEAD, window.end), window, known, self._zone)

    def _changed(self, known: _Bin, start: int, soundings: bytes) -> None:
        if known.recent is not None and start >= min(known.recent, default=start):
            known.recent[start] = soundings
        number, _ = midnight(start, self._zone)
        for day in (number - 1, number, number + 1):
            known.days.pop(day, None)

    def _recent(self, window: Window, known: _Bin, begins: float) -> dict[int, bytes]:
        if known.recent is None:
            return self._read(window.kid, begins - LEAD - BEFORE_DAY, window.start)
        return known.recent

    def _read(self, kid: bytes, since: float, until: float) -> dict[int, bytes]:
        with self._database.reading() as sql:
            windows = window_rows.between(sql, kid, start_of(since), int(until))
            return {window.start: self._thinned(window) for window in windows}

    def _learn(self, kid: bytes, known: _Bin, today: int, passed: float) -> None:
        """The days before today that are not known yet, the newest first, but no more than a few at once."""
        newest = today - 1 if passed >= TAIL else today - 2
        missing = [day for day in range(newest, today - _DAYS, -1) if day not in known.days][:_AT_ONCE]
        for day in missing:
            begins = datetime.fromordinal(day).replace(tzinfo=self._zone).timestamp()
            since, until = begins - BEFORE_DAY, begins + _WHOLE + TAIL
            read = known.recent if day == today - 1 and known.recent else self._read(kid, since, until)
            known.days[day] = day_of(day, self._zone, _between(read, since, until))
        old = [day for day in known.days if day < today - _DAYS]
        for day in old:
            del known.days[day]
        if missing or old:
            known.pattern = learned(list(known.days.values()))

    def _thinned(self, window: Window) -> bytes:
        """The middle one of each five minutes, so that a bin that reports every minute costs no more than that."""
        thirds: dict[int, list[Sounding]] = {}
        for taken in window.samples:
            level = _in_range(self._level, taken)
            if level is not None:
                at = taken.at // 1_000_000
                thirds.setdefault(at // _THIRD, []).append(Sounding(at, level, _in_range(self._distance, taken)))
        return b"".join(_packed(_middle(each), window.start) for each in thirds.values())


def _in_range(channel: Channel, taken: Taken) -> int | None:
    counts = taken.counts.get(channel.id)
    return counts if counts is not None and channel.lowest <= counts <= channel.highest else None


def _middle(soundings: Sequence[Sounding]) -> Sounding:
    return sorted(soundings, key=lambda s: (s.level, -(s.distance or 0)))[(len(soundings) - 1) // 2]


def _packed(sounding: Sounding, start: int) -> bytes:
    distance = _NO_DISTANCE if sounding.distance is None else sounding.distance
    return _SOUNDING.pack(round(sounding.at) - start, sounding.level, distance)


def _between(recent: dict[int, bytes], since: float, until: float) -> list[Sounding]:
    return [
        Sounding(start + second, level, None if distance == _NO_DISTANCE else distance)
        for start in sorted(recent)
        for second, level, distance in _SOUNDING.iter_unpack(recent[start])
        if since <= start + second < until
    ]


def _told(soundings: Sequence[Sounding], window: Window, known: _Bin, zone: tzinfo) -> Fill:
    said = fill(soundings, window.end, known.pattern, zone)
    emptied, sure = (said.emptied.at, said.emptied.confidence) if said.emptied else (None, None)
    if emptied is None:
        emptied = max((day.emptied for day in known.days.values() if day.emptied is not None), default=None)
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
