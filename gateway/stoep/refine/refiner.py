"""The refining thread: reads what was committed, dates it, adds it up, and writes down what is due.

One transaction holds the windows, the messages they become, what was counted, and the end of the log's rows that are
done with: killed at any instant, no sample is counted twice and none is forgotten. It is written when something is due
and now and then besides; what lies between is read from the log again.
"""

import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from stoep.clock import Clock, real
from stoep.errors import StoreFullError
from stoep.health import Counters, Pulse
from stoep.refine.bins.memory import Bins
from stoep.refine.boots import Boots
from stoep.refine.calibration import apply
from stoep.refine.calibration.book import Book
from stoep.refine.days import Days
from stoep.refine.hours import Interval
from stoep.refine.portion import Portion
from stoep.refine.publication import Key, Publication
from stoep.refine.quality import series
from stoep.refine.quality.surroundings import Surroundings
from stoep.refine.timeline import PATIENCE, Moment
from stoep.refine.track import Track
from stoep.store import alarms, fresh, gap, ledger, nodes, window_rows
from stoep.store.database import Database
from stoep.store.keeper import Keeper
from stoep.store.log import Row
from stoep.store.nodes import Identity
from stoep.store.outbox import Outbox
from stoep.store.sample_set import Life, SampleSet
from stoep.store.series import Taken
from stoep.store.thinning import thinned
from stoep.store.windows import SECONDS, Reading, Summary, Window, start_of
from stoep.wire.channels import Catalogue
from stoep.wire.messages import Alarm, Lost, Sample

_log = logging.getLogger(__name__)
PART = "refine"
GRACE = 60.0  # seconds of the clock for which an ended window waits for its last samples
_OPEN = SECONDS + GRACE  # seconds from a window's start
_TURN = 0.5  # real seconds between two looks when nothing is committed
_CHECKPOINT_SECONDS = 900.0  # real: a window is written when it is due, what lies between is in the log
_SAMPLE_SECONDS = 5.0  # real: single readings that the city wants wait so long to be written together
_CHECKPOINT_ROWS = 500  # of the log done with
_PURGE_SECONDS = 3600.0  # real
_INTERVAL = 900  # seconds between two samples of a node of which nobody says more
_MOST_AGAIN = 200  # windows that wait, beyond which no old ones are taken up to be said again


class Compose(Protocol):
    """A dialect: what windows, alarms and samples become on their way to the city, as (key, topic, payload)."""

    def window(self, identity: Identity, window: Summary) -> tuple[str, str, bytes]: ...

    def event(self, identity: Identity, alarm: Alarm, moment: Moment | None) -> tuple[str, str, bytes]: ...

    def sample(
        self, identity: Identity, sample: Sample, readings: Iterable[Reading], moment: Moment
    ) -> tuple[str, str, bytes] | None: ...


class _Alone(NamedTuple):
    """A sample that is counted since the last checkpoint and shall go to the city by itself."""

    identity: Identity
    sample: Sample
    moment: Moment

    def taken(self, counts: Mapping[int, int]) -> Taken:
        at = round(self.moment.utc * 1_000_000)
        return Taken(at, self.sample.epoch, self.sample.seq, self.moment.quality, counts)


def _carried(taken: _Alone) -> SampleSet:
    carried = SampleSet()
    carried.add(Life(taken.identity.id, taken.sample.epoch), taken.sample.seq, taken.sample.seq)
    return carried


class Refiner:
    """`rest`: real seconds between two publications, for late readings come a few at each commit and reopen windows.

    `interval`: seconds between two samples of a node, as it is set.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        boot: int,
        catalogue: Catalogue,
        compose: Compose,
        outbox: Outbox,
        counters: Counters,
        pulse: Pulse,
        *,
        forward: Collection[str] = ("window", "event"),
        keeper: Keeper | None = None,
        rest: float = 0.0,
        bins: Bins | None = None,
        interval: Interval = lambda _kid: _INTERVAL,
        book: Book | None = None,
    ) -> None:
        self._forward = forward
        self._samples: list[_Alone] = []
        self._database = database
        self._keeper = keeper
        self._clock = clock
        self._catalogue = catalogue
        self._compose = compose
        self._outbox = outbox
        self._counters = counters
        self._pulse = pulse
        self._boots = Boots(nodes.offsets(database), boot, clock)
        self._days = Days()
        self._tracks = {identity.id: Track(identity) for identity in nodes.identities(database)}
        self._windows = {(window.kid, window.start): window for window in window_rows.due(database)}
        self._publication = Publication(database, catalogue, self._find, interval, book, bins)
        self._unsaved: set[tuple[bytes, int]] = set()
        self._row = 0
        self._open: Counter[int] = Counter()  # row of the log → samples in it not counted yet
        self._done: list[int] = []  # rows of the log that the next checkpoint takes out
        self._given_up: list[tuple[int, Lost]] = []  # samples that the next checkpoint enters into the ledger
        with database.reading() as sql:
            self._gap = gap.is_open(sql)
        self._rest = rest
        self._published_at = float("-inf")  # real
        self._portion = Portion()
        self._behind = False  # more was due than was told at once
        self._checkpointed = self._purged = real()
        self._wake = threading.Event()
        self.published: dict[bytes, Summary] = dict(self._publication.newest())

    def committed(self) -> None:
        """There is something new in the log."""
        self._wake.set()

    def calibrate(self, book: Book) -> None:
        """By what readings are corrected from now on, those among them that the city has already."""
        self._publication.calibrate(book)
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._pulse.beat(PART)
            self._wake.wait(0 if self._behind and not self._database.full else _TURN)
            self._wake.clear()
            self._attempt(last=False)
            if self._keeper is not None:
                self._keeper.turn(self.give_up)
        self._attempt(last=True)

    def _attempt(self, *, last: bool) -> None:
        """Without room everything stays as it is in memory; the journal takes nothing new meanwhile."""
        if self._database.full:
            return
        try:
            self.turn(last=last)
        except StoreFullError:
            return

    def give_up(self, most: int) -> int:
        """Thins out the samples that nobody could date yet, in at most `most` rows of the log; how many samples."""
        rows = set(thinned(sorted(self._open), most))
        count = 0
        for track in list(self._tracks.values()):
            for pending in [pending for pending in track.pending.values() if pending.row in rows]:
                sample = pending.sample
                track.settle(pending)
                lost = Lost(sample.epoch, sample.seq, sample.seq, ledger.Cause.EVICTED)
                self._given_up.append((track.identity.id, lost))
                self._close(pending.row, 1)
                count += 1
        return count

    def name(self, identity: Identity) -> None:
        """The registry gave an identity its name, or a new one."""
        track = self._tracks.get(identity.id)
        if track is None:
            self._tracks[identity.id] = Track(identity)
        else:
            track.identity = identity

    def know(self, surroundings: Surroundings) -> None:
        """Which nodes stand near which, and what each is tested for."""
        self._publication.know(surroundings)

    def _find(self, kid: bytes, starts: Collection[int]) -> dict[int, Window]:
        """A node's windows as they stand, published or not."""
        here = {start: self._windows[kid, start] for start in starts if (kid, start) in self._windows}
        there = window_rows.some(self._database, kid, [start for start in starts if start not in here])
        return here | {window.start: window for window in there}

    def turn(self, *, last: bool = False) -> None:
        """One look at everything; the checkpoint when it is worth its bytes."""
        for row in nodes.rows(self._database, self._row):
            self._pulse.beat(PART)
            self._read(row)
        if len(self._windows) < _MOST_AGAIN:
            for window in self._publication.again():
                self._windows.setdefault((window.kid, window.start), window)
        trusted = self._boots.refresh()
        now = self._clock.utc()
        if trusted:
            self._close_gap(now)
            for track in [track for track in list(self._tracks.values()) if track.ripe(now)]:
                self._date(track, now)
        due = self._ended(now)
        self._behind &= trusted and bool(due)
        rested = self._behind or real() - self._published_at >= self._rest
        unsent = alarms.unsent(self._database)
        dirty = bool(self._done or self._unsaved)
        pressed = bool(self._given_up)
        waited = real() - self._checkpointed >= _CHECKPOINT_SECONDS
        full = len(self._done) >= _CHECKPOINT_ROWS
        asked = bool(self._samples) and real() - self._checkpointed >= _SAMPLE_SECONDS
        if unsent or full or asked or pressed or (dirty and (last or waited)):
            self._checkpoint([], unsent)  # an alarm does not wait for what there is to tell of windows
        if trusted and due and (rested or last):
            self._tell(due)

    def _ended(self, now: float) -> list[Window]:
        """What is due and awaits no more, in the order of time; a window of the future is one that a clock has left
        which was set back."""
        due = [window for window in self._windows.values() if window.due and not -GRACE <= now - window.start < _OPEN]
        return sorted(due, key=lambda window: window.start)

    def _tell(self, due: list[Window]) -> None:
        portion = self._portion.of(due)
        began = real()
        self._checkpoint(portion, [])
        self._portion.took(len(portion), real() - began)
        self._behind = len(due) > len(portion)

    def _close_gap(self, now: float) -> None:
        if self._gap:
            with self._database.transaction() as sql:
                gap.close_gap(sql, now)
            self._gap = False

    def _read(self, row: Row) -> None:
        self._row = row.id
        for entry in row.entries:
            self._open[row.id] += self._track(entry.identity).read(row.id, row.boot, entry)
        self._close(row.id, 0)

    def _track(self, number: int) -> Track:
        if number not in self._tracks:
            self._tracks[number] = Track(nodes.identity(self._database, number))
        return self._tracks[number]

    def _close(self, row: int, count: int) -> None:
        self._open[row] -= count
        if self._open[row] == 0:
            del self._open[row]
            self._done.append(row)

    def _date(self, track: Track, now: float) -> None:
        self._pulse.beat(PART)
        track.news = False
        waiting = []
        for pending in list(track.pending.values()):
            received = self._boots.received(pending.boot, pending.entry.at)
            moment = track.date(pending, now, received, self._boots.utc)
            if moment is None or pending.sample.layout not in self._catalogue.layouts:
                waiting.append(received)
                continue
            self._add(track.identity, pending.sample, moment)
            if "sample" in self._forward:
                self._samples.append(_Alone(track.identity, pending.sample, moment))
            track.settle(pending)
            self._close(pending.row, 1)
        track.next_estimate = min(waiting, default=0.0) + PATIENCE

    def _add(self, identity: Identity, sample: Sample, moment: Moment) -> None:
        key = (identity.kid, start_of(moment.utc))
        window = self._windows.get(key) or window_rows.find(self._database, *key)
        counts = {reading.channel.id: reading.counts for reading in self._readings(sample)}
        read = bool(counts)  # a sample without a single reading opens no window
        if read:
            window.samples.add(_Alone(identity, sample, moment).taken(counts))
            window.due = True
            window.fresh.add(Life(identity.id, sample.epoch), sample.seq, sample.seq)
            self._windows[key] = window
            self._unsaved.add(key)
        self._days.note(identity.id, sample.epoch, sample.seq, moment.utc, late=read and window.revision > 0)

    def _readings(self, sample: Sample) -> Iterator[Reading]:
        for channel, wire in zip(self._catalogue.layouts[sample.layout], sample.values, strict=True):
            if wire is not None:
                counts = wire + channel.offset
                yield Reading(channel, counts, series.alone(channel, counts))

    def _corrected(self, taken: _Alone) -> list[Reading]:
        readings = list(self._readings(taken.sample))
        dated = taken.taken({reading.channel.id: reading.counts for reading in readings})
        corrected = apply.sample(taken.identity.kid, dated, self._publication.book, self._catalogue)
        return [reading._replace(corrected=corrected.get(reading.channel.id)) for reading in readings]

    def _checkpoint(self, due: list[Window], raised: list[tuple[int, Alarm]]) -> None:
        """Nothing in memory changes before the transaction is on the disk: without room it is done again."""
        due, published, summaries = self._publication.told(due)
        changed = [track for track in list(self._tracks.values()) if track.changed]
        purging = real() - self._purged >= _PURGE_SECONDS and self._clock.trusted()
        with self._database.transaction() as sql:
            for number, alarm in raised:
                self._send_alarm(sql, self._track(number), alarm)
            self._not_lost(sql, due)
            if "window" in self._forward:
                for window in due:
                    message = self._compose.window(self._named(window.kid), summaries[window.kid, window.start])
                    self._outbox.put(sql, *message, at=window.end, carries=window.fresh)
            for taken in self._samples:
                self._send_sample(sql, taken)
            unsaved = {**{key: self._windows[key] for key in self._unsaved}, **published}
            window_rows.save(sql, unsaved.values())
            for track in changed:
                nodes.save_state(sql, track.identity, track.state())
            received = int(self._clock.utc()) if self._clock.trusted() else None
            for number, lost in self._given_up:
                ledger.enter(sql, number, lost, received)
            sql.executemany("DELETE FROM log WHERE id = ?", [(row,) for row in self._done])
            offsets = self._boots.save(sql)
            self._days.save(sql)
            if purging:
                window_rows.purge(sql, int(self._clock.utc()) - window_rows.KEPT_SECONDS)
        for track in changed:
            track.changed = False
        self._publication.settled()
        self._boots.saved(offsets)
        self._days.saved()
        if purging:
            self._purged = real()
        self._after(summaries, raised)

    def _not_lost(self, sql: sqlite3.Connection, due: list[Window]) -> None:
        """A window counts all of its samples again: also those of a revision that was given up before it arrived."""
        for key, window in self._windows.items():
            if window.revision > 0:
                window.fresh.update(fresh.of(sql, *key))
        for window in due:
            for life, ranges in window.fresh if window.revision > 0 else ():
                for first, last in ranges:
                    ledger.strike(sql, life.identity, life.epoch, first, last)

    def _after(self, published: dict[Key, Summary], raised: list[tuple[int, Alarm]]) -> None:
        self._done.clear()
        self._unsaved.clear()
        self._given_up.clear()
        self._checkpointed = real()
        for window in published.values():
            last = self.published.get(window.kid)
            if last is None or last.start <= window.start:
                self.published[window.kid] = window
        due = {key: window for key, window in self._windows.items() if window.due and key not in published}
        self._windows = due
        if published:
            self._published_at = real()
        if published or raised or self._samples:
            self._outbox.waiting.set()
        self._samples.clear()
        self._counters.add("windows_published", len(published))
        self._counters.add("alarms", len(raised))

    def _send_sample(self, sql: sqlite3.Connection, taken: _Alone) -> None:
        message = self._compose.sample(taken.identity, taken.sample, self._corrected(taken), taken.moment)
        if message is not None:
            carries = None if "window" in self._forward else _carried(taken)  # else its window delivers it
            self._outbox.put(sql, *message, at=taken.moment.utc, carries=carries)

    def _send_alarm(self, sql: sqlite3.Connection, track: Track, alarm: Alarm) -> None:
        """At once, dated or not: an alarm that waits for its time is none."""
        moment = None
        if self._clock.trusted():
            moment = track.timeline.resolve(alarm.epoch, alarm.tick, self._boots.utc)
        if "event" in self._forward:
            self._outbox.put(sql, *self._compose.event(track.identity, alarm, moment), urgent=True)
        alarms.sent(sql, track.identity.id, alarm)

    def _named(self, kid: bytes) -> Identity:
        """The newest identity of the kid: what it is called now."""
        return max(
            (track.identity for track in list(self._tracks.values()) if track.identity.kid == kid),
            key=lambda identity: identity.id,
        )
