"""The surveying thread: looks at the store from time to time, keeps the fleet's condition, and writes the receipts.

It reads by its own connection, and rests four hundred times as long as a look took, a quarter of an hour at most: a
quarter of a percent of a core, and more only where a look takes over two seconds.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping

from stoep.clock import Clock, real
from stoep.errors import StoreError, StoreFullError
from stoep.fleet import battery
from stoep.fleet.condition import Condition
from stoep.fleet.survey import Wanted, survey
from stoep.health import Bounded, Counters, Pulse
from stoep.ledger import books
from stoep.ledger.days import ledger
from stoep.ledger.receipts import Receipts
from stoep.refine.days import DAY
from stoep.store.database import Database
from stoep.store.verdict import Flag
from stoep.store.windows import Summary
from stoep.wire.channels import Catalogue

_log = logging.getLogger(__name__)
PART = "survey"
_SOONEST, _LATEST = 5.0, 900.0  # real seconds between two looks
_REST = 400  # times as long as a look took
_RECEIPTS_SECONDS = 3600.0  # of the clock
_TURN = 0.5


class Watch:
    """`wanted`: the registry's nodes; `published`: the newest window of each kid; `again`: takes what came again."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        catalogue: Catalogue,
        receipts: Receipts,
        *,
        wanted: Callable[[], Mapping[bytes, Wanted]],
        published: Callable[[], Mapping[bytes, Summary]],
        again: Callable[[], Mapping[int, int]],
        counters: Counters,
        pulse: Pulse,
    ) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._receipts = receipts
        self._wanted = wanted
        self._published = published
        self._again = again
        self._counters = counters
        self._pulse = pulse
        self._say = Bounded(_log)
        self._points: dict[bytes, int] = {}  # the start of the last point of each battery
        self._came_again: Counter[tuple[int, int]] = Counter()  # (day, identity) → samples, not written yet
        self._receipts_at = 0.0
        self._channel = next(one for one in catalogue.channels.values() if one.name == "battery_voltage")
        self.conditions: Mapping[bytes, Condition] = {}

    def run(self, stop: threading.Event) -> None:
        next_look = real()
        while not stop.wait(_TURN):
            self._pulse.beat(PART)
            if real() >= next_look:
                began = real()
                self.turn()
                next_look = real() + min(_LATEST, max(_SOONEST, _REST * (real() - began)))
        self._write(self._clock.utc())

    def turn(self) -> None:
        """One look. While the clock is not trusted there is no day to speak of."""
        if not self._clock.trusted():
            return
        now = self._clock.utc()
        self._write(now)
        wanted = self._wanted()  # also without room: who is silent is told all the same
        try:
            with books.opened(self._database.file) as read:
                self.conditions = survey(read, wanted, self._catalogue, now)
            if abs(now - self._receipts_at) >= _RECEIPTS_SECONDS:
                self._settle(wanted, now)
                self._receipts_at = now
        except StoreError as error:  # the writing side ends the process if the store is at fault; this only looks
            self._counters.add("surveys_failed")
            self._say.say("survey", "the fleet could not be surveyed: %s", error)
        except StoreFullError as error:
            self._say.say("receipts", "the receipts have to wait: %s", error)

    def _settle(self, wanted: Mapping[bytes, Wanted], now: float) -> None:
        with books.opened(self._database.file) as read:
            days = ledger(read, {kid: node.interval for kid, node in wanted.items()}, now)
        self._counters.add("receipts", self._receipts.publish(days, now))

    def _write(self, now: float) -> None:
        """What came again since the last look, and new points of the batteries."""
        if not self._clock.trusted():
            return
        self._came_again.update({(int(now // DAY), identity): count for identity, count in self._again().items()})
        points = self._new_points()
        if not self._came_again and not points:
            return
        try:
            self._save(points)
        except StoreFullError:
            return  # at the next look
        self._came_again.clear()
        self._points.update({kid: start for kid, start, _ in points})

    def _save(self, points: list[tuple[bytes, int, int]]) -> None:
        with self._database.transaction() as sql:
            sql.executemany(
                "INSERT INTO day_tally (day, identity, again) VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET again = again + excluded.again",
                [(*key, count) for key, count in self._came_again.items()],
            )
            sql.executemany("INSERT OR IGNORE INTO battery (kid, start, counts) VALUES (?, ?, ?)", points)
            newest = "SELECT max(start) FROM battery"  # not by the clock: it may leap
            sql.execute(f"DELETE FROM battery WHERE start < ({newest}) - ?", (2 * battery.SPAN,))  # noqa: S608

    def _new_points(self) -> list[tuple[bytes, int, int]]:
        points = []
        for kid, window in self._published().items():
            start = window.start // battery.EVERY * battery.EVERY
            total = window.totals.get(self._channel.id)
            if self._points.get(kid) != start and total is not None and total.flag == Flag.GOOD:
                points.append((kid, start, total.total // total.count))
        return points
