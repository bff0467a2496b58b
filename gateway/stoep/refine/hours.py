"""What a window says beside its own samples: how many were expected, and how the air was of the hour that it ends.

The air-quality index is of all four quarters of an hour, so what is late in one of them changes the last.

The index is told in the window that ends the hour, by UTC, as the agency's. Where the node was silent in the last
quarter there is no such window, and nothing is told of that hour.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction

from stoep.refine import air_index
from stoep.refine.air_index import EDGES, HOUR, Pollutant
from stoep.store.air import AirIndex
from stoep.store.windows import FINER, SECONDS, Corrected, Summary, Window
from stoep.wire.channels import Catalogue, Channel

Key = tuple[bytes, int]  # kid, start
Find = Callable[[bytes, Collection[int]], Mapping[int, Window]]  # a node's windows by start, those that there are
Summarise = Callable[[Window], Summary]
Interval = Callable[[bytes], int]  # seconds between two samples of a node


def amount(summary: Summary, channel: Channel) -> tuple[Fraction, int]:
    """What the good readings of a channel add up to, corrected where they can be, in its unit, and how many."""
    total, decimals = summary.totals.get(channel.id), channel.decimals
    if total is None or not total.count:
        return Fraction(), 0
    corrected = summary.corrected.get(channel.id)
    if isinstance(corrected, Corrected):
        total, decimals = corrected.total, decimals + FINER
    return Fraction(total.total, 10**decimals), total.count


class Hours:
    """`find` reads windows as they stand, `summarise` what one comes to by itself."""

    def __init__(self, catalogue: Catalogue, find: Find, summarise: Summarise, interval: Interval) -> None:
        self._channels = [channel for channel in catalogue.channels.values() if channel.name in EDGES]
        self._find = find
        self._summarise = summarise
        self._interval = interval

    def reopened(self, due: Collection[Window]) -> list[Window]:
        """Windows that are out and end an hour of which something else is due."""
        known = {(window.kid, window.start) for window in due}
        lasts = {(window.kid, _last(window.start)) for window in due if self._measures(window)} - known
        return [
            window
            for kid, start in sorted(lasts)
            for window in self._find(kid, [start]).values()
            if window.revision > 0 and not window.due
        ]

    def _measures(self, window: Window) -> bool:
        numbers = {channel.id for channel in self._channels}
        return not numbers.isdisjoint(window.before) or any(
            not numbers.isdisjoint(taken.counts) for taken in window.samples
        )

    def told(self, summaries: Mapping[Key, Summary]) -> dict[Key, Summary]:
        """The same, with what is expected, and the air of the hour in those that end one."""
        return {
            key: summary._replace(
                expected=SECONDS // self._interval(summary.kid) or None,
                air=self._air(summary, summaries) if air_index.ends_hour(summary.end) else None,
            )
            for key, summary in summaries.items()
        }

    def _air(self, last: Summary, told: Mapping[Key, Summary]) -> AirIndex | None:
        starts = range(last.end - HOUR, last.end, SECONDS)
        fresh = {start: told[last.kid, start] for start in starts if (last.kid, start) in told}
        stored = self._find(last.kid, [start for start in starts if start not in fresh])
        return self._index(last.kid, [*fresh.values(), *map(self._summarise, stored.values())])

    def _index(self, kid: bytes, windows: Sequence[Summary]) -> AirIndex | None:
        expected = Fraction(HOUR, self._interval(kid))
        pollutants = {}
        for channel in self._channels:
            if any(channel.id in window.totals for window in windows):
                amounts = [amount(window, channel) for window in windows]
                total, count = sum((one for one, _ in amounts), Fraction()), sum(count for _, count in amounts)
                pollutants[channel.name] = Pollutant(total, count, expected)
        return air_index.index(pollutants)


def _last(start: int) -> int:
    """The start of the window that ends the hour."""
    return start // HOUR * HOUR + HOUR - SECONDS
