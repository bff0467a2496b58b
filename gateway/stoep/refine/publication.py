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
from stoep.refine.quality.inspector import Inspector
from stoep.refine.quality.judged import Judged
from stoep.refine.quality.surroundings import Surroundings
from stoep.refine.summary import marks, summarise
from stoep.store import window_rows
from stoep.store.database import Database
from stoep.store.sample_set import SampleSet
from stoep.store.windows import Summary, Window
from stoep.wire.channels import Catalogue

Key = tuple[bytes, int]  # kid, start


class Told(NamedTuple):
    """What is due, with all that changes with it; its windows as they will stand when out; what is said of each."""

    due: list[Window]
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
        self.book = self._wanted = book or Book()
        self._inspector = Inspector(catalogue, find, self._summarise, self.book)
        self._hours = Hours(catalogue, find, self._again_said, interval)
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
            if self.book is not wanted:
                self._inspector.calibrate(wanted)
            self.book = self._noted = wanted
        return self._again.next()

    def newest(self) -> Mapping[bytes, Summary]:
        """What was last told of each node."""
        last = {
            (summary.kid, summary.start): summary
            for summary in self._inspector.published(window_rows.newest(self._database))
        }
        return {kid: summary for (kid, _), summary in self._hours.told(last).items()}

    def know(self, surroundings: Surroundings) -> None:
        """Which nodes stand near which, and what each is tested for."""
        self._inspector.know(surroundings)

    def told(self, due: Collection[Window]) -> Told:
        inspected = self._inspector.inspect(due) if due else []
        said = {(window.kid, window.start): summary for window, summary in inspected}
        windows = [window for window, _ in inspected]
        more = self._hours.reopened(windows)
        said |= {(window.kid, window.start): self._again_said(window) for window in more}
        windows += more
        return Told(windows, *self._raised(windows, said))

    def settled(self) -> None:
        """All that was told last is on the disk."""
        self._inspector.settled()

    def _raised(
        self, windows: Collection[Window], said: Mapping[Key, Summary]
    ) -> tuple[dict[Key, Window], dict[Key, Summary]]:
        raised, summaries = {}, {}
        for window in sorted(windows, key=lambda window: window.start):
            key = window.kid, window.start
            revision, summary = window.revision + 1, said[window.kid, window.start]
            flags = marks(summary.totals)
            raised[key] = replace(window, revision=revision, due=False, fresh=SampleSet(), flags=flags)
            summaries[key] = summary._replace(revision=revision, fill=self._bins.fill(window))
        return raised, self._hours.told(summaries)

    def _summarise(self, judged: Judged) -> Summary:
        return summarise(judged, self._catalogue, self.book)

    def _again_said(self, window: Window) -> Summary:
        """What was said of it, corrected as it would be now."""
        (summary,) = self._inspector.published([window])
        return summary
