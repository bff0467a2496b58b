"""Keeps the store within its size and its age, and finds room when there is none. One bounded step a turn.

Two reasons to give something up, and they are not the same. Over its own size the store gives up whatever is worth
least, in the end even what was not delivered. On a disk that others have filled it gives up delivered things only:
the rest keeps until somebody has made room, and the nodes keep what is not taken from them.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Callable
from enum import Enum

from stoep.clock import Clock, real
from stoep.errors import StoreFullError
from stoep.health import Counters
from stoep.store import ballast, eviction, ledger
from stoep.store.database import Database

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 10.0  # real, between two looks at the size
_AGE_SECONDS = 3600.0  # real, between two looks at the age
_PROBE_SECONDS = 5.0  # real, between two attempts on a full disk
_BEGIN, _END = 0.95, 0.90  # of the size: from where, and down to where things are given up
_FRESH = 2 * 86_400  # seconds: published windows younger than that get late readings every day
_PROBE_BYTES = 256 << 10
_STEPS = 20  # at most, of one attempt
_SPARE_PAGES = 512  # free within the file: enough for some minutes of a street
_LOG_ROWS = 200
_LONG_LOG = 10 << 20  # bytes of the write-ahead log; SQLite begins it anew at 4 MiB
_ALL = 1 << 62  # Unix seconds after everything
_DAY = 86_400

GiveUp = Callable[[int], int]
Take = Callable[[sqlite3.Connection], int]
Lose = Callable[[sqlite3.Connection, int | None], int]


class Step(Enum):
    """In the order of value, the least first."""

    DELIVERED = "delivered_windows"
    DELIVERED_ALARMS = "delivered_alarms"
    WINDOWS = "windows"
    SAMPLES = "samples"
    FRESH = "fresh_delivered_windows"
    OTHERS = "messages"
    ALARMS = "alarms"


class Keeper:
    def __init__(self, database: Database, clock: Clock, counters: Counters, *, max_mb: int, max_days: int) -> None:
        self._database = database
        self._clock = clock
        self._counters = counters
        self._max = max_mb << 20
        self._max_days = max_days
        self._looked = self._aged = self._probed = float("-inf")
        self._pressed = False
        with database.reading() as sql:
            self.given_up = ledger.given_up(sql)  # what of it all, ever: "evicted window" → 12
            (size,) = sql.execute("PRAGMA page_size").fetchone()
            sql.execute(f"PRAGMA max_page_count = {self._max // size}").fetchone()

    def turn(self, give_up: GiveUp) -> None:
        """`give_up`: thins out at most so many rows of the log, and says how many samples that was."""
        try:
            if self._database.full:
                if real() - self._probed >= _PROBE_SECONDS:
                    self._probed = real()
                    self._make_room(give_up)
                return
            self._probed = float("-inf")
            if self._pressed or real() - self._looked >= _LOOK_SECONDS:
                self._look(give_up)
            if real() - self._aged >= _AGE_SECONDS and self._clock.trusted():
                self._age()
        except StoreFullError:
            return  # known to the database; the next turn makes room

    def used(self) -> int:
        """Bytes of the store that hold something."""
        with self._database.reading() as sql:
            size, pages, free = (
                sql.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
            )
        return int(size * (pages - free))

    def problem(self) -> str | None:
        """What a technician is to do about the store now; None: nothing."""
        if not self._database.full:
            return None
        if self._pressed:
            return (
                f"the store has reached its {self._max >> 20} MB and nothing is taken until enough is given up; "
                "look at the city's broker, or raise store.max_mb"
            )
        return (
            f"there is no room on the disk of {self._database.file.name}: nothing is taken or acknowledged, the nodes "
            "keep their readings; make room on that disk, it goes on by itself"
        )

    def status(self) -> dict[str, object]:
        """For the gateway's message: what is wrong, what was ever given up."""
        said: dict[str, object] = {"store_problem": self.problem(), "store_salvaged": self.salvaged()}
        return {name: words for name, words in {**said, "given_up": dict(self.given_up)}.items() if words}

    def salvaged(self) -> str | None:
        """That a corrupt store lies beside ours, until somebody has taken it away."""
        kept = self._database.quarantine.kept()
        if not kept:
            return None
        return (
            f"the store was corrupt and is set aside as {kept[-1].name}; what was readable is in use; "
            "look at the disk, then move that file away"
        )

    # Within our own size.

    def _look(self, give_up: GiveUp) -> None:
        self._looked = real()
        used = self.used()
        self._pressed = used > self._max * (_END if self._pressed else _BEGIN)
        if self._pressed:
            self._evict(give_up)
        else:
            ballast.lay(self._database.file)
            if self._database.log_size() > _LONG_LOG:
                self._database.checkpoint()  # says why it has not become shorter

    def _evict(self, give_up: GiveUp) -> None:
        """The first step that finds something is enough for a turn."""
        if self._first(
            [
                (Step.DELIVERED, self._delivered),
                (Step.DELIVERED_ALARMS, eviction.delivered_alarms),
                (Step.WINDOWS, self._losing(eviction.thin_windows)),
            ]
        ):
            return
        samples = give_up(_LOG_ROWS)
        if samples:
            self._say(Step.SAMPLES, samples)
            return
        self._first(
            [
                (Step.FRESH, lambda sql: eviction.delivered_windows(sql, _ALL)),
                (Step.OTHERS, self._losing(eviction.other_messages)),
                (Step.ALARMS, self._losing(eviction.alarms)),
            ]
        )

    def _delivered(self, sql: sqlite3.Connection) -> int:
        before = int(self._clock.utc()) - _FRESH if self._clock.trusted() else _ALL
        return eviction.delivered_windows(sql, before)

    def _losing(self, lose: Lose) -> Take:
        """Samples go with it: the ledger is told when."""
        now = int(self._clock.utc()) if self._clock.trusted() else None
        return lambda sql: lose(sql, now)

    def _first(self, steps: list[tuple[Step, Take]]) -> bool:
        for step, take in steps:
            with self._database.transaction() as sql:
                count = take(sql)
                self.given_up = ledger.given_up(sql) if count else self.given_up
            if count:
                self._say(step, count)
                return True
        return False

    def _say(self, step: Step, count: int) -> None:
        self._counters.add(f"evicted_{step.value}", count)
        level = logging.INFO if step in {Step.DELIVERED, Step.DELIVERED_ALARMS} else logging.WARNING
        _log.log(level, "the store is larger than it may be: %d %s given up", count, step.value.replace("_", " "))

    def _age(self) -> None:
        self._aged = real()
        now = int(self._clock.utc())
        before = now - self._max_days * _DAY
        with self._database.transaction() as sql:
            windows = eviction.old_windows(sql, before, now)
            eviction.old_entries(sql, before)
            self.given_up = ledger.given_up(sql)
        if windows:
            self._say(Step.WINDOWS, windows)
            self._aged = float("-inf")  # there may be more

    # On a full disk.

    def _make_room(self, give_up: GiveUp) -> None:
        """Our ballast, our write-ahead log, delivered things; then a try."""
        ballast.drop(self._database.file)
        with contextlib.suppress(StoreFullError):
            self._database.checkpoint()
        self._pressed = self.used() > self._max * _END
        with contextlib.suppress(StoreFullError):
            if self._pressed:
                self._evict(give_up)
            else:
                for _ in range(_STEPS):
                    if self._spare() >= _SPARE_PAGES or not self._first([(Step.DELIVERED, self._delivered)]):
                        break
        with self._database.transaction() as sql:
            sql.execute("INSERT OR REPLACE INTO probe VALUES (1, zeroblob(?))", (_PROBE_BYTES,))
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM probe")
        self._database.relieved()
        _log.warning("%s has room again: readings are taken", self._database.file)

    def _spare(self) -> int:
        with self._database.reading() as sql:
            return int(sql.execute("PRAGMA freelist_count").fetchone()[0])
