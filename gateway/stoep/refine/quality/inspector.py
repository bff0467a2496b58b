"""Windows judged beside what came before and after them and beside their neighbours; and which others change with them.

A reading's mark depends on its node's readings of the last and the next hours (`series.reach`: six with the limits of
the catalogue) and on the neighbours' windows of the last day. Whatever comes late is looked at with all it can
matter to, and a window that is out is said again only when a channel's flag or reason changes, or what was rejected.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from stoep.refine import summary
from stoep.refine.calibration.book import Book
from stoep.refine.quality import series
from stoep.refine.quality.judged import Judged, Marks, told, trusted
from stoep.refine.quality.limits import Limits, limits_of
from stoep.refine.quality.neighbours import Agreement
from stoep.refine.quality.quarters import Key
from stoep.refine.quality.street import Street
from stoep.refine.quality.surroundings import Surroundings
from stoep.store.series import Taken
from stoep.store.verdict import GOOD, Flag, Reason, flag_of, mark, reason_of, rejected_of
from stoep.store.windows import SECONDS, Summary, Window
from stoep.wire.channels import Catalogue

Summarise = Callable[[Judged], Summary]
Find = Callable[[bytes, Collection[int]], Mapping[int, Window]]  # a node's windows by start, those that there are
_HUMID = mark(Flag.SUSPECT, Reason.HUMID)
_BY_OTHERS = {Reason.IN_RANGE, Reason.ABOVE, Reason.BELOW, Reason.HUMID, Reason.SENSOR_APART}
_APART = {
    Agreement.ABOVE: mark(Flag.SUSPECT, Reason.ABOVE),
    Agreement.FAR_ABOVE: mark(Flag.SUSPECT, Reason.ABOVE),
    Agreement.BELOW: mark(Flag.SUSPECT, Reason.BELOW),
    Agreement.FAR_BELOW: mark(Flag.SUSPECT, Reason.BELOW),
    Agreement.SENSOR: mark(Flag.SUSPECT, Reason.SENSOR_APART),
}


class Inspector:
    """`find` reads windows as they stand, whether they are out or not. One thread calls it, `know` any."""

    def __init__(
        self, catalogue: Catalogue, find: Find, summarise: Summarise | None = None, book: Book | None = None
    ) -> None:
        self._catalogue = catalogue
        self._summarise = summarise or (lambda judged: summary.summarise(judged, catalogue, Book()))
        self._find = find
        self._surroundings = self._known = Surroundings()
        self._street = Street(catalogue, self._samples, book or Book())
        self._owed: set[Key] = set()  # windows that may have to be said anew, until they are
        self._humidity = next((n for n, channel in catalogue.channels.items() if channel.name == "humidity"), None)

    def know(self, surroundings: Surroundings) -> None:
        """From now on these are the nodes' places and own checks; what is out is not judged anew for it."""
        self._surroundings = surroundings

    def calibrate(self, book: Book) -> None:
        """By what readings are corrected before they are held against the neighbours'."""
        self._street.calibrate(book)

    def _samples(self, kid: bytes, starts: Collection[int]) -> Mapping[int, Iterable[Taken]]:
        return {start: window.samples for start, window in self._find(kid, starts).items()}

    def inspect(self, due: Iterable[Window]) -> list[tuple[Window, Summary]]:
        """What is due, and after it whatever else is out and has to be said anew; with what is to be said.

        No more than a node's samples and marks are in memory at once: of a large street they are ten megabytes.
        """
        if self._surroundings is not self._known:
            self._known = self._surroundings
            self._street.know(self._known.around, self._known.checks)
        wanted = {(window.kid, window.start): window for window in due}
        unheard = [key for key, window in wanted.items() if not window.revision]
        self._owed |= self._street.update({key: window.samples for key, window in wanted.items()}, unheard)
        found: dict[Key, tuple[Window, Summary]] = {}
        others: dict[bytes, set[int]] = {}
        for kid, start in wanted.keys() | self._owed:
            others.setdefault(kid, set()).add(start)
        for kid, starts in others.items():
            touched = {start for start in starts if (kid, start) in wanted}
            beside = self._contradicted(kid, starts - touched)
            if touched or beside:
                judged = self._judge(kid, touched, beside, wanted)
                found |= {key: (one.window, self._summarise(one)) for key, one in judged.items()}
        first = [found[key] for key in wanted]
        return first + [said for key, said in found.items() if key not in wanted]

    def settled(self) -> None:
        """All that was inspected last is on the disk."""
        self._owed.clear()

    def published(self, windows: Iterable[Window]) -> list[Summary]:
        """What they said when they were published last: marks are in their rows, only what failed is looked for."""
        known = [told(window) or window for window in windows]
        judged: dict[Key, Judged] = {}
        for kid in {window.kid for window in known}:
            own = {(kid, window.start): window for window in known if window.kid == kid and _failed(window)}
            judged |= self._judge(kid, {start for _, start in own}, (), own) if own else {}
        return [self._again(judged.get((window.kid, window.start)) or trusted(window)) for window in known]

    def _again(self, judged: Judged) -> Summary:
        flags = judged.window.flags
        said = self._summarise(judged._replace(expected=flags.keys()))
        for number, marked in flags.items():
            if number in said.totals:
                said.totals[number].flag, said.totals[number].reason = flag_of(marked), reason_of(marked)
        return said

    def _judge(
        self, kid: bytes, due: Collection[int], beside: Collection[int], wanted: Mapping[Key, Window]
    ) -> dict[Key, Judged]:
        """What is due, and of what is out in its reach, or `beside`, what is to be said anew."""
        limits = limits_of(self._catalogue.channels.values(), self._known.checks.get(kid, {}))
        test, mark_ = (math.ceil(hours * 3600 / SECONDS) for hours in series.reach(limits))
        asked = set(due) | set(beside)
        if len(due) == 1 and not beside:
            calm = self._calm(kid, next(iter(due)), limits, (test, mark_), wanted)
            if calm is not None:
                return calm
        asked |= _around(due, mark_)
        windows = self._told(kid, _around(asked, mark_))
        windows.update({start: wanted[kid, start] for start in due})
        marked = self._mark(windows, limits)
        seen = {start: _measured(samples) for start, samples in marked.items()}
        everything = frozenset[int]().union(*seen.values())
        found = {}
        for start in sorted(asked & windows.keys()):
            window = windows[start]
            if start not in due and (window.due or not window.revision):
                continue
            if start not in due and start not in beside and _quiet(window, marked[start], everything):
                continue
            near = frozenset[int]().union(*(seen[one] for one in _around((start,), test) & seen.keys()))
            judged = Judged(window, marked[start], self._expected(kid, near))
            self._beside(judged, limits)
            if start in due or self._changed(judged):
                found[kid, start] = judged
        return found

    def _told(self, kid: bytes, starts: Collection[int]) -> dict[int, Window]:
        found = {start: told(window) for start, window in self._find(kid, starts).items()}
        return {start: window for start, window in found.items() if window is not None}

    def _contradicted(self, kid: bytes, starts: Collection[int]) -> set[int]:
        """Those of a node's windows that are out and say of their neighbours what does not hold any more."""
        windows = self._find(kid, starts) if starts else {}
        return {
            start
            for start, window in windows.items()
            if window.revision and not window.due and self._contradicts(window)
        }

    def _contradicts(self, window: Window) -> bool:
        key = window.kid, window.start
        verdict = self._street.verdict(key)
        limits = limits_of(self._catalogue.channels.values(), self._known.checks.get(window.kid, {}))
        return any(
            reason_of(marked) in _BY_OTHERS
            and marked != self._by_others(key, limits[channel], verdict.get(channel, Agreement.ALONE))
            for channel, marked in window.flags.items()
            if channel in limits
        )

    def _by_others(self, key: Key, own: Limits, said: Agreement) -> int:
        """The mark of readings of which their series says nothing bad."""
        if said in _APART and own.apart is not None:
            return _APART[said]
        wet = None if self._humidity is None else self._street.level(key, self._humidity)
        return (
            _HUMID
            if said is Agreement.ALONE and own.humid is not None and wet is not None and wet > own.humid
            else GOOD
        )

    def _calm(
        self, kid: bytes, start: int, limits: Mapping[int, Limits], reach: tuple[int, int], wanted: Mapping[Key, Window]
    ) -> dict[Key, Judged] | None:
        """As nearly always: the newest window of a node, to which nothing happens, changes no other."""
        test, mark_ = reach
        windows = self._told(kid, [start + step * SECONDS for step in range(-test, mark_ + 1)])
        windows[start] = wanted[kid, start]
        if any(window.revision for one, window in windows.items() if one > start):
            return None
        marked = self._mark(windows, limits)
        everything = frozenset[int]().union(*map(_measured, marked.values()))
        if not all(_quiet(windows[one], marked[one], everything) for one in marked):
            return None
        judged = Judged(windows[start], marked[start], self._expected(kid, everything))
        self._beside(judged, limits)
        return {(kid, start): judged}

    def _mark(
        self, windows: Mapping[int, Window], limits: Mapping[int, Limits]
    ) -> dict[int, list[tuple[Taken, Marks]]]:
        placed = [(taken, start) for start in sorted(windows) for taken in windows[start].samples]
        marks = series.judge([taken for taken, _ in placed], limits)
        within: dict[int, list[tuple[Taken, Marks]]] = {start: [] for start in windows}
        for (taken, start), own in zip(placed, marks, strict=True):
            within[start].append((taken, own))
        return within

    def _beside(self, judged: Judged, limits: Mapping[int, Limits]) -> None:
        """Adds what the neighbours say, and the humidity where they say nothing."""
        key = (judged.window.kid, judged.window.start)
        verdict = self._street.verdict(key)
        measured = {channel for _, marks in judged.samples for channel in marks if channel in limits}
        by_others = {
            channel: self._by_others(key, limits[channel], verdict.get(channel, Agreement.ALONE))
            for channel in measured
        }
        for _, marks in judged.samples:
            for channel in marks:
                if marks[channel] == GOOD:
                    marks[channel] = by_others.get(channel, GOOD)

    def _expected(self, kid: bytes, measured: Collection[int]) -> Collection[int]:
        """The channels that a node should measure: of the smallest layout of its kind with all that it did measure."""
        kind = self._known.kinds.get(kid)
        fitting = [
            {channel.id for channel in layout}
            for number, layout in self._catalogue.layouts.items()
            if self._catalogue.kinds[number] == kind and {channel.id for channel in layout}.issuperset(measured)
        ]
        return min(fitting, key=len, default=measured)

    def _changed(self, judged: Judged) -> bool:
        return summary.marks(summary.totals(judged, self._catalogue)) != judged.window.flags


def _failed(window: Window) -> bool:
    """Whether readings of it were rejected."""
    return any(rejected_of(marked) for marked in window.flags.values())


def _measured(samples: Iterable[tuple[Taken, Marks]]) -> frozenset[int]:
    """The channels in any of these."""
    return frozenset(channel for _, marks in samples for channel in marks)


def _quiet(window: Window, samples: Sequence[tuple[Taken, Marks]], everything: Collection[int]) -> bool:
    """Whether nothing can be said of a window by its node's series, and nothing was."""
    said = {reason_of(marked) for marked in window.flags.values()}
    good = all(marked == GOOD for _, marks in samples for marked in marks.values())
    return good and said <= _BY_OTHERS and _measured(samples) == everything


def _around(starts: Iterable[int], reach: int) -> set[int]:
    return {start + step * SECONDS for start in starts for step in range(-reach, reach + 1)}
