"""One look at the store from the side of the fleet: the condition of every node of the site."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from stoep.fleet import battery
from stoep.fleet.condition import Condition
from stoep.ledger import days
from stoep.ledger.books import Books, History
from stoep.refine.days import DAY
from stoep.refine.track import Track
from stoep.store import window_rows
from stoep.store.sample_set import Life
from stoep.store.verdict import Flag
from stoep.store.windows import SECONDS, start_of
from stoep.wire.channels import Catalogue, catalogue
from stoep.wire.shape import U32

_LATEST = 2  # windows before now that may not be out yet
_INTERVAL, _LOW_MV = 900, 3300  # a node's defaults, see firmware/wire/channels.toml
_EMPTY_BELOW = 200  # mV below its low_mv at which a node only sleeps, see firmware/node/thrift.py
_SPARING, _RARELY = 4, 6 * 3600  # a node with a low battery takes up to four times as long, with an empty one six hours


class Wanted(NamedTuple):
    """A node of the registry, as it is set; `low_mv` 0: it hangs on the mains."""

    name: str
    kind: str
    interval: int
    low_mv: int = _LOW_MV


class Registered(Protocol):
    """A node as the registry knows it; `settings` by their ids, only those that are wished."""

    @property
    def kid(self) -> bytes: ...

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def settings(self) -> Mapping[int, int]: ...


def wanted(entries: Iterable[Registered]) -> dict[bytes, Wanted]:
    """By kid. Without settings a node lives as it was commissioned: the defaults are the best guess."""
    known = catalogue().settings
    interval, low = known["interval"].id, known["low_mv"].id
    return {
        entry.kid: Wanted(
            entry.name, entry.kind, entry.settings.get(interval, _INTERVAL), entry.settings.get(low, _LOW_MV)
        )
        for entry in entries
    }


def survey(books: Books, nodes: Mapping[bytes, Wanted], known: Catalogue, now: float) -> dict[bytes, Condition]:
    """By kid. `now` in Unix seconds."""
    conditions = {kid: Condition(kid, node.name, node.kind, node.interval) for kid, node in nodes.items()}
    for history in books.histories():
        kid = history.track.identity.kid
        if history.newest and kid in nodes:
            conditions[kid] = _condition(books, history, nodes[kid], known, now)
    return conditions


def _condition(books: Books, history: History, node: Wanted, known: Catalogue, now: float) -> Condition:
    track, sql = history.track, books.sql
    kid = track.identity.kid
    alarms = _alarms(sql, track, known)
    pace = days.interval(history, node.interval)
    if "battery_empty" in alarms:
        pace = max(pace, _RARELY)
    elif "battery_low" in alarms:
        pace = max(pace, _SPARING * node.interval)
    points = _points(sql, kid, now)
    until = start_of(now) - _LATEST * SECONDS
    since = max(until - DAY, start_of(min((mark.utc for mark in history.marks), default=now)) + SECONDS)
    return Condition(
        kid,
        node.name,
        node.kind,
        pace,
        None if history.last is None else history.last.utc,
        points[-1][1] / 1000 if points else None,
        battery.remaining(points, node.low_mv - _EMPTY_BELOW) if node.low_mv else None,
        track.timeline.drift(books.dated),
        alarms,
        _good(window_rows.flags(sql, kid, since, until), known),
        max(0, int((until - since) / max(SECONDS, pace))),
        _here(books, track),
        _there(track),
    )


def _here(books: Books, track: Track) -> int:
    lives = [Life(track.identity.id, epoch) for epoch in track.counted]
    return len(track.pending) + sum(books.waiting.of(life).size(1, U32) for life in lives)


def _there(track: Track) -> int:
    floor = track.position.floor
    if floor is None:
        return 0
    count = 0
    for epoch, known in track.position.known().items():
        if epoch >= floor.epoch:
            first = floor.seq if epoch == floor.epoch else 1
            count += sum(b - a + 1 for a, b in known.missing(first, known.last()))
    return count


def _alarms(sql: sqlite3.Connection, track: Track, known: Catalogue) -> tuple[str, ...]:
    """Those of the present epoch: a cold boot forgets, and what is still so is raised again."""
    epoch = max(track.position.known(), default=0)
    rows = sql.execute(
        "SELECT code, raised, max(number) FROM alarm WHERE identity = ? AND epoch >= ? GROUP BY code",
        (track.identity.id, epoch),
    )
    return tuple(known.alarms[code].name for code, raised, _ in rows if raised and code in known.alarms)


def _points(sql: sqlite3.Connection, kid: bytes, now: float) -> list[tuple[float, float]]:
    query = "SELECT start, counts FROM battery WHERE kid = ? AND start >= ? ORDER BY start"
    return [(float(start), float(counts)) for start, counts in sql.execute(query, (kid, int(now) - battery.SPAN))]


def _good(windows: Sequence[Mapping[int, int]], known: Catalogue) -> int:
    """How many have every channel of the node's layout, in range: a dead sensor must not pass for a node at work."""
    seen = {number for window in windows for number in window}
    layouts = [{channel.id for channel in layout} for layout in known.layouts.values()]
    whole = min((layout for layout in layouts if layout >= seen), key=len, default=seen)
    return sum(_is_good(window, whole) for window in windows)


def _is_good(window: Mapping[int, int], whole: Iterable[int]) -> bool:
    return all(number in window and window[number] == Flag.GOOD for number in whole)
