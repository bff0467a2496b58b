"""What the city is told of the windows that are due, and which others have to be told again with them.

The windows' rows are the refiner's; whatever is made of their samples comes together here.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC
from typing import NamedTuple

from stoep.refine.bins.memory import Bins
from stoep.refine.calibration.again import Again
from stoep.refine.calibration.book import Book
from stoep.refine.hours import Find, Hours, Interval
from stoep.refine.summary import summarise
from stoep.store import window_rows
from stoep.store.database import Database
from stoep.store.sample_set import SampleSet
from stoep.store.windows import Summary, Window
from stoep.wire.channels import Catalogue

Key = tuple[bytes, int]  # kid, start


class Told(NamedTuple):
    """The windows as they will stand when they are out, and what is said of each."""

    windows: dict[Key, Window]
    summaries: dict[Key, Summary]


class Publication:
    """`find` reads a node's windows as they stand; `interval`: seconds between two samples of a node, as it is set."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        find: Find,
        interval: Interval,
        book: Book | None = None,
        bins: Bins | None = None,
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._hours = Hours(catalogue, find, self._summarise, interval)
        self.book = self._wanted = book or Book()
        self._noted: Book | None = None  # which one the store knows of
        self._again = Again(database)
        self._bins = bins or Bins(database, catalogue, UTC)

    def calibrate(self, book: Book) -> None:
        """By what readings are corrected from now on, those among them that the city has already."""
        self._wanted = book

    def again(self) -> list[Window]:
        """Some of the windows that a new book of calibrations makes due."""
        wanted = self._wanted
        if wanted is not self._noted:
            self._again.take(wanted)
            self.book = self._noted = wanted
        return self._again.next()

    def newest(self) -> Mapping[bytes, Summary]:
        """What was last told of each node."""
        last = {(window.kid, window.start): self._summarise(window) for window in window_rows.newest(self._database)}
        return {kid: summary for (kid, _), summary in self._hours.told(last).items()}

    def widened(self, due: Collection[Window]) -> list[Window]:
        """With those of which something changes because these are due."""
        return [*due, *self._hours.reopened(due)]

    def told(self, due: Collection[Window]) -> Told:
        windows, summaries = {}, {}
        for window in sorted(due, key=lambda window: window.start):
            raised = replace(window, revision=window.revision + 1, due=False, fresh=SampleSet())
            summary = self._summarise(raised)._replace(fill=self._bins.fill(window))
            flags = {number: int(total.flag) for number, total in summary.totals.items()}
            windows[window.kid, window.start] = replace(raised, flags=flags)
            summaries[window.kid, window.start] = summary
        return Told(windows, self._hours.told(summaries))

    def _summarise(self, window: Window) -> Summary:
        return summarise(window, self._catalogue, self.book)
