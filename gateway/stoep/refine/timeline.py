"""When a sample was taken: a node's ticks laid against UTC by the exchanges it confirmed.

The node's clock drifts by percents, so its rate is measured between anchors, never assumed over more than a minute.
A time that is not known well enough is waited for: the next report brings the next anchor.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from stoep.store.windows import TimeQuality

NEAR = 60  # ticks from an anchor within which a time is `synced`
ANCHOR_ERROR = 3.0  # seconds by which an anchor can be wrong: a tick and the way of the frame
BEST_GUESS = 10.0  # seconds of error up to which extrapolation is better than waiting
PATIENCE = 6 * 3600.0  # seconds after which an estimate is better than waiting on
_APART = 10  # ticks between two anchors worth keeping
_MOST = 32  # anchors of an epoch; the older they get, the thinner
_BASELINE = 3600  # ticks over which the rate is measured at most: the oscillator follows the weather
_RATES = (0.8, 1.25)  # seconds a tick can last; anything else is no rate
_EARLIEST = 1_577_836_800.0  # 2020-01-01: before any node was built
_KEPT_EPOCHS = 8

Dated = Callable[[int, int], float | None]  # (boot, monotonic µs) → Unix seconds


class Anchor(NamedTuple):
    """At `at` µs of the gateway's `boot` the node's clock showed `tick`."""

    tick: int
    boot: int
    at: int


_WIDTH = len(Anchor._fields)


@dataclass(frozen=True)
class Moment:
    utc: float
    quality: TimeQuality


@dataclass(frozen=True)
class Receipt:
    """When a sample came (Unix seconds), and where the node's clock stood then."""

    utc: float
    epoch: int
    tick: int


def _rate(a: tuple[int, float], b: tuple[int, float]) -> float | None:
    """Seconds a tick between two dated anchors; None when they contradict each other."""
    if a[0] == b[0]:
        return None
    rate = (b[1] - a[1]) / (b[0] - a[0])
    return rate if _RATES[0] <= rate <= _RATES[1] else None


class _Anchors:
    """Those of one epoch in the order of ticks; a large street has tens of thousands, so they lie as mere numbers."""

    __slots__ = ("_numbers",)

    def __init__(self, anchors: Iterable[Iterable[int]] = ()) -> None:
        self._numbers = array("q", chain.from_iterable(anchors))  # tick, boot, at; tick, boot, at; …

    def __len__(self) -> int:
        return len(self._numbers) // _WIDTH

    def __iter__(self) -> Iterator[Anchor]:
        numbers = iter(self._numbers)
        return map(Anchor, numbers, numbers, numbers)

    def add(self, anchor: Anchor) -> bool:
        """False where there is one near."""
        ticks = self._numbers[::_WIDTH]
        at = bisect_left(ticks, anchor.tick)
        if any(abs(near - anchor.tick) < _APART for near in ticks[max(0, at - 1) : at + 1]):
            return False
        self._numbers[at * _WIDTH : at * _WIDTH] = array("q", anchor)
        if len(self) > _MOST:
            found = list(self)
            self._numbers = array("q", chain.from_iterable([*found[: _MOST // 2 : 2], *found[_MOST // 2 :]]))
        return True


class Timeline:
    """The anchors of one identity, per epoch, in the order of ticks."""

    def __init__(self) -> None:
        self._anchors: dict[int, _Anchors] = {}
        self._latest: dict[int, int] = {}  # the highest tick known of an epoch

    def add(self, epoch: int, anchor: Anchor) -> bool:
        """True when it says something that was not known."""
        if not self._anchors.setdefault(epoch, _Anchors()).add(anchor):
            return False
        for old in sorted(self._anchors)[:-_KEPT_EPOCHS]:
            del self._anchors[old]
        return True

    def seen(self, epoch: int, tick: int) -> None:
        self._latest[epoch] = max(tick, self._latest.get(epoch, 0))
        for old in sorted(self._latest)[:-_KEPT_EPOCHS]:
            del self._latest[old]

    def resolve(self, epoch: int, tick: int, dated: Dated) -> Moment | None:
        """The time at which `tick` was, or None while waiting is better."""
        points = self._points(epoch, dated)
        if not points:
            return None
        at = bisect_left(points, (tick, float("-inf")))
        before, after = points[max(0, at - 1)], points[min(at, len(points) - 1)]
        nearest = min(before, after, key=lambda point: abs(point[0] - tick))
        distance = abs(tick - nearest[0])
        between = _rate(before, after)
        if between is not None and before[0] <= tick <= after[0]:
            quality = TimeQuality.SYNCED if distance <= NEAR else TimeQuality.INTERPOLATED
            return Moment(nearest[1] + (tick - nearest[0]) * between, quality)
        other = self._baseline(points, nearest)
        rate = None if other is None else _rate(nearest, other)
        if distance <= NEAR:
            if other is None or abs(other[0] - nearest[0]) < NEAR:
                rate = None  # too short to measure by
            return Moment(nearest[1] + (tick - nearest[0]) * (rate or 1.0), TimeQuality.SYNCED)
        if other is None or rate is None or distance * ANCHOR_ERROR > BEST_GUESS * abs(other[0] - nearest[0]):
            return None
        return Moment(nearest[1] + (tick - nearest[0]) * rate, TimeQuality.INTERPOLATED)

    def estimate(self, epoch: int, tick: int, receipt: Receipt, dated: Dated) -> Moment:
        """The best that can be said without waiting any longer, never later than the receipt."""
        points = self._points(epoch, dated)
        if points:
            nearest = min(points, key=lambda point: abs(point[0] - tick))
            utc = nearest[1] + (tick - nearest[0])
        elif epoch == receipt.epoch:
            utc = receipt.utc - (receipt.tick - tick)
        else:  # at the latest, that epoch ended when the one began in which we heard of it
            utc = receipt.utc - receipt.tick - (self._latest.get(epoch, tick) - tick)
        return Moment(max(_EARLIEST, min(utc, receipt.utc)), TimeQuality.ESTIMATED)

    def drift(self, dated: Dated) -> int | None:
        """By how many ppm the clock of the latest epoch is fast, to a thousand; None until an hour can be measured."""
        points = self._points(max(self._anchors, default=0), dated)
        if not points or points[-1][0] - points[0][0] < _BASELINE:
            return None
        rate = _rate(points[0], points[-1])
        return None if rate is None else round((1 / rate - 1) * 1000) * 1000

    def pack(self) -> list[Any]:
        return [{epoch: [list(anchor) for anchor in found] for epoch, found in self._anchors.items()}, self._latest]

    @classmethod
    def unpack(cls, packed: list[Any]) -> "Timeline":
        timeline = cls()
        anchors, timeline._latest = packed
        timeline._anchors = {epoch: _Anchors(found) for epoch, found in anchors.items()}
        return timeline

    def _points(self, epoch: int, dated: Dated) -> list[tuple[int, float]]:
        points = []
        for anchor in self._anchors.get(epoch, ()):
            utc = dated(anchor.boot, anchor.at)
            if utc is not None:
                points.append((anchor.tick, utc))
        return points

    @staticmethod
    def _baseline(points: list[tuple[int, float]], nearest: tuple[int, float]) -> tuple[int, float] | None:
        """The anchor farthest from `nearest` that the rate of now can be measured against."""
        others = [point for point in points if point is not nearest]
        if not others:
            return None
        close = [point for point in others if abs(point[0] - nearest[0]) <= _BASELINE]
        if close:
            return max(close, key=lambda point: abs(point[0] - nearest[0]))
        return min(others, key=lambda point: abs(point[0] - nearest[0]))
