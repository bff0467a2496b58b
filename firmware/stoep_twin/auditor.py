"""Holds what the city received against what the boards say they took.

The boards' record is their own console, with the true virtual time of each line; the city's is what a subscriber of the
twin's own got from the broker. Neither has passed through code of the gateway that the other has.
"""

from __future__ import annotations

import tomllib
from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stoep_twin.splitting import best_split

WINDOW_S = 900
_US = 1_000_000
_EXACT = 1e-6  # how far a float may be off a whole number of counts
_MOST_FINDINGS = 40
_SINGLE = "min", "mean", "max", "last"


@dataclass(frozen=True)
class Channel:
    """What the catalogue says of a channel."""

    unit: str
    decimals: int
    leaves: str = "reading"  # "sum": no single reading leaves the street; "never": nothing does


def catalogue(wire: Path) -> dict[str, Channel]:
    """Read from `channels.toml` directly, so that a misreading of the gateway's is not shared."""
    with (wire / "channels.toml").open("rb") as file:
        channels: dict[str, dict[str, Any]] = tomllib.load(file)["channels"]
    return {
        name: Channel(said["unit"], said["decimals"], said.get("leaves", "reading")) for name, said in channels.items()
    }


@dataclass(frozen=True, order=True)
class Taken:
    """One sample of the boards' own record."""

    at_us: int  # Unix, true
    order: tuple[int, int]  # epoch, seq
    counts: dict[str, int] = field(compare=False)


@dataclass(frozen=True)
class Verdict:
    """One window, or all."""

    lost: int = 0
    duplicates: int = 0
    wrong: tuple[str, ...] = ()

    @property
    def price(self) -> int:
        """Lost and duplicated readings are worse than a wrong value, which they cause."""
        return 1000 * (self.lost + self.duplicates) + len(self.wrong)


@dataclass
class Audit:
    """The figures of the summary."""

    readings_taken: int = 0
    readings_delivered: int = 0
    lost: int = 0
    duplicates: int = 0
    redelivered: int = 0
    values_wrong: int = 0
    windows: int = 0
    findings: list[str] = field(default_factory=list)

    def find(self, text: str) -> None:
        """Put in words what was wrong; bounded."""
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(text)


@dataclass
class _Delivered:
    rank: tuple[int, int]  # generation, revision
    channels: dict[str, dict[str, Any]]


class Auditor:
    """Collects both records; `audit` can be asked at any time."""

    def __init__(self, channels: dict[str, Channel], tolerance_us: int) -> None:
        self._channels = channels
        self._tolerance = tolerance_us
        self._taken: dict[str, list[Taken]] = defaultdict(list)
        self._windows: dict[str, dict[int, _Delivered]] = defaultdict(dict)
        self._seen: dict[tuple[str, int, int, int], Any] = {}
        self._redelivered = 0
        self._bad: list[str] = []
        self.samples_taken = 0
        self.readings_taken = 0
        self.readings_delivered = 0

    # -- the two records -----------------------------------------------------------------------------------------------

    def take(self, node: str, taken: Taken) -> None:
        """A board has said that it took this sample."""
        insort(self._taken[node], taken)
        self.samples_taken += 1
        self.readings_taken += len(taken.counts)

    def deliver(self, node: str, message: Any) -> None:
        """The city has received this window."""
        try:
            start = _unix_us(message["start"])
            rank = (int(message["generation"]), int(message["revision"]))
            channels = dict(message["channels"])
            whole = message["node"] == node and message["seconds"] == WINDOW_S and start % (WINDOW_S * _US) == 0
        except (KeyError, TypeError, ValueError):
            whole = False
        if not whole:
            self._bad.append(f"{node}: a window that is none: {str(message)[:200]}")
            return
        first = self._seen.setdefault((node, start, *rank), message)
        if first is not message:
            self._redelivered += 1
            if first != message:
                self._bad.append(f"{node}: {message['start']} revision {rank} came twice with different content")
            return
        known = self._windows[node].get(start)
        if known is None or known.rank < rank:
            self._windows[node][start] = _Delivered(rank, channels)
            self.readings_delivered += _count(channels) - (_count(known.channels) if known else 0)

    def windows(self, node: str) -> int:
        """How many windows of this node the city has."""
        return len(self._windows.get(node, ()))

    def channels(self, node: str) -> set[str]:
        """What the city has of this node."""
        return {name for window in self._windows.get(node, {}).values() for name in window.channels}

    def last_taken_us(self) -> int | None:
        """When the last reading was taken (Unix)."""
        return max((taken[-1].at_us for taken in self._taken.values() if taken), default=None)

    # -- the verdict ---------------------------------------------------------------------------------------------------

    def audit(self) -> Audit:
        """Everything so far."""
        audit = Audit(redelivered=self._redelivered, values_wrong=len(self._bad))
        for text in self._bad:
            audit.find(text)
        for node in sorted(set(self._taken) | set(self._windows)):
            self._node(node, audit)
        return audit

    def _node(self, node: str, audit: Audit) -> None:
        taken, windows = self._taken[node], self._windows[node]
        audit.readings_taken += sum(len(sample.counts) for sample in taken)
        for window in windows.values():
            audit.readings_delivered += _count(window.channels)
        audit.windows += len(windows)
        starts = self._starts(taken, windows)
        if not starts:
            return
        if any(_is_estimated(window.channels) for window in windows.values()):
            self._totals(node, taken, windows, audit)
            return
        empty = _Delivered((0, 0), {})

        def cost(window: int, first: int, last: int) -> tuple[int, Verdict]:
            verdict = self._compare(taken[first:last], windows.get(starts[window], empty).channels)
            return verdict.price, verdict

        times = [sample.at_us for sample in taken]
        for start, verdict in zip(starts, best_split(times, starts[1:], self._tolerance, cost), strict=True):
            audit.lost += verdict.lost
            audit.duplicates += verdict.duplicates
            audit.values_wrong += bool(verdict.wrong)
            if verdict.price:
                audit.find(_in_words(node, start, verdict))

    def _totals(self, node: str, taken: Sequence[Taken], windows: dict[int, _Delivered], audit: Audit) -> None:
        # Where the gateway could only estimate when, and says so, a reading counts, whichever window it is in.
        counts: dict[str, int] = defaultdict(int)
        sums: dict[str, float] = defaultdict(float)
        for sample in taken:
            for name, value in sample.counts.items():
                counts[name] += 1
                sums[name] += value
        delivered: dict[str, int] = defaultdict(int)
        for window in windows.values():
            for name, said in window.channels.items():
                delivered[name] += said["count"] + said.get("rejected", 0)
                if not said["count"]:
                    continue  # all of its readings failed, or there was none: it has no number
                total = said["sum"] if self._channels[name].leaves == "sum" else said["count"] * measured(said)["mean"]
                sums[name] -= total * 10 ** self._channels[name].decimals
        for name in sorted(set(counts) | set(delivered)):
            missing = counts[name] - delivered[name]
            audit.lost += max(0, missing)
            audit.duplicates += max(0, -missing)
            # A window's mean is rounded to a hundredth of a count.
            wrong = not missing and abs(sums[name]) > 0.0051 * delivered[name] + _EXACT
            audit.values_wrong += wrong
            if missing or wrong:
                off = f"their sum off by {sums[name]:.1f}"
                audit.find(f"{node}: {name} {delivered[name]} delivered of {counts[name]}, {off}")

    def _starts(self, taken: Sequence[Taken], windows: dict[int, _Delivered]) -> list[int]:
        width = WINDOW_S * _US
        ends = list(windows)
        if taken:
            ends += [(taken[0].at_us - self._tolerance) // width * width]
            ends += [(taken[-1].at_us + self._tolerance) // width * width]
        return list(range(min(ends), max(ends) + 1, width)) if ends else []

    def _compare(self, samples: Sequence[Taken], delivered: dict[str, dict[str, Any]]) -> Verdict:
        lost = duplicates = 0
        wrong: list[str] = []
        expected: dict[str, list[int]] = defaultdict(list)
        for sample in samples:
            for name, counts in sample.counts.items():
                expected[name].append(counts)
        for name in sorted(set(expected) | set(delivered)):
            values, said = expected.get(name, []), delivered.get(name)
            count = int(said.get("count", 0)) + int(said.get("rejected", 0)) if said else 0
            lost += max(0, len(values) - count)
            duplicates += max(0, count - len(values))
            if said:
                wrong += [f"{name} {text}" for text in self._differences(name, values, said)]
        return Verdict(lost, duplicates, tuple(wrong))

    def _differences(self, name: str, counts: list[int], said: dict[str, Any]) -> list[str]:
        channel = self._channels.get(name)
        if channel is None:
            return ["is not in the catalogue"]
        if said.get("unit") != channel.unit:
            return [f"in {said.get('unit')} instead of {channel.unit}"]
        rejected = said.get("rejected", 0)  # of which nobody here knows which they were
        if said.get("count", 0) + rejected != len(counts):
            return [f"count {said.get('count')} and {rejected} rejected instead of {len(counts)}"]
        if not counts or rejected:
            return []
        scale = 10**channel.decimals
        if channel.leaves != "reading":
            return _differing_sum(sum(counts) / scale, said, _EXACT)
        differences, said = [], measured(said)
        for what, value in (("min", min(counts)), ("max", max(counts)), ("last", counts[-1])):
            if not isinstance(said.get(what), int | float) or abs(said[what] * scale - value) > _EXACT * scale:
                differences.append(f"{what} {said.get(what)} instead of {value / scale}")
        mean = sum(counts) / len(counts) / scale
        if not isinstance(said.get("mean"), int | float) or abs(said["mean"] - mean) > 0.51 / scale / 100:
            differences.append(f"mean {said.get('mean')} instead of {mean}")
        return differences


def measured(said: dict[str, Any]) -> dict[str, Any]:
    """A channel of a window as the node measured it, where the gateway has corrected it."""
    return {**said, **said.get("raw", {})}


def _differing_sum(total: float, said: dict[str, Any], within: float) -> list[str]:
    told = [what for what in _SINGLE if what in said]
    if told:
        return [f"{what} tells of single readings" for what in told]
    right = isinstance(said.get("sum"), int | float) and abs(said["sum"] - total) <= within
    return [] if right else [f"sum {said.get('sum')} instead of {total}"]


def _count(channels: dict[str, dict[str, Any]]) -> int:
    return sum(int(said.get("count", 0)) for said in channels.values())


def _is_estimated(channels: dict[str, dict[str, Any]]) -> bool:
    return any(said.get("time_quality") == "estimated" for said in channels.values())


def _unix_us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * _US


def _in_words(node: str, start_us: int, verdict: Verdict) -> str:
    parts = [f"{verdict.lost} lost"] if verdict.lost else []
    parts += [f"{verdict.duplicates} too many"] if verdict.duplicates else []
    parts += verdict.wrong[:3]
    return f"{node} {datetime.fromtimestamp(start_us // _US, UTC):%Y-%m-%dT%H:%MZ}: {', '.join(parts)}"
