"""The refining thread: reads what was committed, dates it, adds it up, and writes down what is due.

One transaction holds the windows, the messages they become, what was counted, and the end of the log's rows that are
done with: killed at any instant, no sample is counted twice and none is forgotten. It is written when something is due
and now and then besides; what lies between is read from the log again.
"""

import logging
import sqlite3
import threading
from collections import Counter
from typing import Protocol

from stoep.clock import Clock, real
from stoep.health import Counters, Pulse
from stoep.refine import quality
from stoep.refine.boots import Boots
from stoep.refine.timeline import PATIENCE, Moment
from stoep.refine.track import Track
from stoep.store import nodes, window_rows
from stoep.store.database import Database
from stoep.store.log import Row
from stoep.store.nodes import Identity
from stoep.store.outbox import Outbox
from stoep.store.windows import Total, Window, start_of
from stoep.wire.channels import Catalogue
from stoep.wire.messages import Alarm, Sample

_log = logging.getLogger(__name__)
PART = "refine"
GRACE = 60.0  # seconds of the clock for which an ended window waits for its last samples
_TURN = 0.5  # real seconds between two looks when nothing is committed
_CHECKPOINT_SECONDS = 900.0  # real: a window is written when it is due, what lies between is in the log
_CHECKPOINT_ROWS = 500  # of the log done with
_PURGE_SECONDS = 3600.0  # real


class Compose(Protocol):
    """A dialect: what a window and an alarm become on their way to the city, as (key, topic, payload)."""

    def window(self, identity: Identity, window: Window) -> tuple[str, str, bytes]: ...

    def event(self, identity: Identity, alarm: Alarm, moment: Moment | None) -> tuple[str, str, bytes]: ...


class Refiner:
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
    ) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._compose = compose
        self._outbox = outbox
        self._counters = counters
        self._pulse = pulse
        self._boots = Boots(nodes.offsets(database), boot, clock)
        self._tracks = {identity.id: Track(identity) for identity in nodes.identities(database)}
        self._windows = {(window.kid, window.start): window for window in window_rows.due(database)}
        self._unsaved: set[tuple[bytes, int]] = set()
        self._row = 0
        self._open: Counter[int] = Counter()  # row of the log → samples in it not counted yet
        self._done: list[int] = []  # rows of the log that the next checkpoint takes out
        self._checkpointed = self._purged = real()
        self._wake = threading.Event()
        self.published: dict[bytes, Window] = {window.kid: window for window in window_rows.newest(database)}

    def committed(self) -> None:
        """There is something new in the log."""
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._pulse.beat(PART)
            self._wake.wait(_TURN)
            self._wake.clear()
            self.turn()
        self.turn(last=True)

    def name(self, identity: Identity) -> None:
        """The registry gave an identity its name, or a new one."""
        track = self._tracks.get(identity.id)
        if track is None:
            self._tracks[identity.id] = Track(identity)
        else:
            track.identity = identity

    def turn(self, *, last: bool = False) -> None:
        """One look at everything; the checkpoint when it is worth its bytes."""
        for row in nodes.rows(self._database, self._row):
            self._read(row)
        trusted = self._boots.refresh()
        now = self._clock.utc()
        if trusted:
            for track in list(self._tracks.values()):
                self._date(track, now)
        due = [window for window in self._windows.values() if window.due and now >= window.end + GRACE]
        alarms = self._unsent()
        dirty = bool(self._done or self._unsaved)
        waited = real() - self._checkpointed >= _CHECKPOINT_SECONDS
        full = len(self._done) >= _CHECKPOINT_ROWS
        if (trusted and due) or alarms or full or (dirty and (last or waited)):
            self._checkpoint(due if trusted else [], alarms)

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
        if not track.pending or not (track.news or now >= track.next_estimate):
            return
        track.news = False
        waiting = []
        for pending in list(track.pending.values()):
            received = self._boots.received(pending.boot, pending.entry.at)
            moment = track.date(pending, now, received, self._boots.utc)
            if moment is None or pending.sample.layout not in self._catalogue.layouts:
                waiting.append(received)
                continue
            self._add(track.identity, pending.sample, moment)
            track.count(pending)
            self._close(pending.row, 1)
        track.next_estimate = min(waiting, default=0.0) + PATIENCE

    def _add(self, identity: Identity, sample: Sample, moment: Moment) -> None:
        key = (identity.kid, start_of(moment.utc))
        window = self._windows.get(key) or window_rows.find(self._database, *key)
        at = (round(moment.utc * 1_000_000), sample.epoch, sample.seq)
        for channel, wire in zip(self._catalogue.layouts[sample.layout], sample.values, strict=True):
            if wire is None:
                continue
            counts = wire + channel.offset
            total = window.totals.setdefault(channel.id, Total())
            total.add(counts, at, quality.flag(channel, counts), moment.quality)
            window.due = True
        if window.due:  # a sample without a single reading opens no window
            self._windows[key] = window
            self._unsaved.add(key)

    def _unsent(self) -> list[tuple[int, Alarm]]:
        with self._database.reading() as sql:
            rows = sql.execute(
                "SELECT identity, epoch, number, code, tick, raised, value, trace FROM alarm WHERE sent = 0 "
                "ORDER BY identity, epoch, number"
            ).fetchall()
        return [
            (identity, Alarm(epoch, number, code, tick, bool(raised), value, trace))
            for identity, epoch, number, code, tick, raised, value, trace in rows
        ]

    def _checkpoint(self, due: list[Window], alarms: list[tuple[int, Alarm]]) -> None:
        with self._database.transaction() as sql:
            for number, alarm in alarms:
                self._send_alarm(sql, self._track(number), alarm)
            for window in due:
                window.revision += 1
                window.due = False
                identity = self._named(window.kid)
                self._outbox.put(sql, *self._compose.window(identity, window))
                self._unsaved.add((window.kid, window.start))
            window_rows.save(sql, [self._windows[key] for key in self._unsaved])
            for track in list(self._tracks.values()):
                if track.changed:
                    sql.execute("UPDATE identity SET state = ? WHERE id = ?", (track.state(), track.identity.id))
                    track.changed = False
            sql.executemany("DELETE FROM log WHERE id = ?", [(row,) for row in self._done])
            self._boots.save(sql)
            if real() - self._purged >= _PURGE_SECONDS and self._clock.trusted():
                window_rows.purge(sql, int(self._clock.utc()) - window_rows.KEPT_SECONDS)
                self._purged = real()
        self._after(due, alarms)

    def _after(self, due: list[Window], alarms: list[tuple[int, Alarm]]) -> None:
        self._done.clear()
        self._unsaved.clear()
        self._checkpointed = real()
        for window in due:
            last = self.published.get(window.kid)
            if last is None or last.start <= window.start:
                self.published[window.kid] = window
        self._windows = {key: window for key, window in self._windows.items() if window.due}
        self._counters.add("windows_published", len(due))
        self._counters.add("alarms", len(alarms))
        if due or alarms:
            self._outbox.waiting.set()

    def _send_alarm(self, sql: sqlite3.Connection, track: Track, alarm: Alarm) -> None:
        """At once, dated or not: an alarm that waits for its time is none."""
        moment = None
        if self._clock.trusted():
            moment = track.timeline.resolve(alarm.epoch, alarm.tick, self._boots.utc)
        self._outbox.put(sql, *self._compose.event(track.identity, alarm, moment), urgent=True)
        sql.execute(
            "UPDATE alarm SET sent = 1 WHERE identity = ? AND epoch = ? AND number = ?",
            (track.identity.id, alarm.epoch, alarm.number),
        )

    def _named(self, kid: bytes) -> Identity:
        """The newest identity of the kid: what it is called now."""
        return max(
            (track.identity for track in list(self._tracks.values()) if track.identity.kid == kid),
            key=lambda identity: identity.id,
        )
