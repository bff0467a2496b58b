"""Group commit: what the intake took waits here for the next transaction, and counts as durable only after it.

Committing costs a flash write and an fsync whether it carries one sample or five hundred, so nobody waits for it,
except an alarm, and that one for a bounded time.
"""

import threading
from collections.abc import Callable

from stoep.clock import Clock
from stoep.errors import StoreFullError
from stoep.health import Pulse
from stoep.store import alarms, ledger, log, sealed
from stoep.store.database import Database
from stoep.store.log import Entry

PART = "journal"


class Journal:
    """`committed` is called after each commit with what is on disk now, from the committing thread."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        boot: int,
        *,
        seconds: float,
        samples: int,
        committed: Callable[[list[Entry]], None],
        pulse: Pulse,
    ) -> None:
        self._database = database
        self._clock = clock
        self._boot = boot
        self._seconds = seconds
        self._samples = samples
        self._committed = committed
        self._pulse = pulse
        self._condition = threading.Condition()
        self._one_at_a_time = threading.Lock()
        self._pending: list[Entry] = []
        self._waiting = 0  # samples in _pending
        self._hurry = False
        self._added = 0
        self._done = 0
        with database.reading() as sql:
            (self._row,) = sql.execute("SELECT coalesce(max(id), 0) FROM log").fetchone()

    def add(self, entry: Entry) -> int:
        """Puts `entry` into the next commit; the ticket is for `wait`."""
        with self._condition:
            self._pending.append(entry)
            self._waiting += len(entry.samples)
            self._added += 1
            if entry.alarms or self._waiting >= self._samples:
                self._hurry = True
                self._condition.notify_all()
            return self._added

    def wait(self, ticket: int, seconds: float) -> bool:
        """Whether the entry is on disk, at the latest after `seconds` real seconds."""
        with self._condition:
            return self._condition.wait_for(lambda: self._done >= ticket, seconds)

    def run(self, stop: threading.Event) -> None:
        """The committing thread's life."""
        while not stop.is_set():
            self._pulse.beat(PART)
            with self._condition:
                self._condition.wait_for(lambda: self._hurry or stop.is_set(), self._seconds)
            if not self._database.full:
                self.commit()
        self.commit()

    def wake(self) -> None:
        with self._condition:
            self._condition.notify_all()

    def commit(self) -> bool:
        """Whether everything added so far is on disk; without room it waits here for the next time."""
        with self._one_at_a_time:
            with self._condition:
                entries, self._pending = self._pending, []
                ticket = self._added
                self._waiting = 0
                self._hurry = False
            if not entries:
                return True
            try:
                self._write(entries)
            except StoreFullError:
                with self._condition:
                    self._pending = entries + self._pending
                    self._waiting = sum(len(entry.samples) for entry in self._pending)
                return False
            self._committed(entries)
            with self._condition:
                self._done = ticket
                self._condition.notify_all()
            return True

    def _write(self, entries: list[Entry]) -> None:
        now = int(self._clock.utc()) if self._clock.trusted() else None
        row = self._row + 1  # never an id that was used before and pruned: the refining thread remembers the last one
        with self._database.transaction() as sql:
            batch = sealed.seal(log.pack(self._boot, entries), row)
            sql.execute("INSERT INTO log (id, batch) VALUES (?, ?)", (row, batch))
            for entry in entries:
                for place in entry.found:
                    ledger.strike(sql, entry.identity, place.epoch, place.seq, place.seq)
                for lost in entry.lost:
                    ledger.enter(sql, entry.identity, lost, now)
                alarms.enter(sql, entry.identity, entry.alarms)
        self._row = row
