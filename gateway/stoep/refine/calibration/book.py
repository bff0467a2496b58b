"""All calibrations of a site: which one holds for a sensor at a time."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from stoep.refine.calibration.correction import NILSON, Correction
from stoep.store.windows import SECONDS
from stoep.wire.channels import Catalogue, catalogue

_PARTICLES = ("pm1_0", "pm2_5", "pm10")
_HUMIDITY = "humidity"
_EVER = 1 << 62  # Unix seconds


@dataclass(frozen=True)
class Calibration:
    """From `begins` to before `ends` (Unix seconds of the time of taking; None: until further notice).

    Both lie on a quarter of an hour, so that a window has one correction and not two.
    """

    kid: bytes
    channel: int
    begins: int
    ends: int | None
    correction: Correction

    @property
    def end(self) -> int:
        return _EVER if self.ends is None else self.ends

    def overlaps(self, other: "Calibration") -> bool:
        return self.begins < other.end and other.begins < self.end


class Span(NamedTuple):
    """From `begins` to before `ends`, Unix seconds."""

    begins: int
    ends: int


class Book:
    """`general`: what particles are corrected by where no calibration holds; None: nothing."""

    def __init__(
        self,
        calibrations: Iterable[Calibration] = (),
        *,
        general: Correction | None = NILSON,
        known: Catalogue | None = None,
    ) -> None:
        known = known or catalogue()
        numbers = {channel.name: channel.id for channel in known.channels.values()}
        self.calibrations = tuple(calibrations)
        self.humidity = numbers[_HUMIDITY]
        self._general = general
        self._particles = {numbers[name] for name in _PARTICLES if name in numbers}
        self._of = _by_node(self.calibrations)

    def holding(self, kid: bytes, at: int) -> Mapping[int, Correction]:
        """By channel, at `at` (Unix seconds)."""
        found = {} if self._general is None else dict.fromkeys(self._particles, self._general)
        return found | self.own(kid, at)

    def own(self, kid: bytes, at: int) -> dict[int, Correction]:
        """Of `holding`, what was found out about this very node's sensors."""
        return {one.channel: one.correction for one in self._of.get(kid, ()) if one.begins <= at < one.end}

    def changed(self, before: "Book") -> dict[bytes, list[Span]]:
        """By node the times at which something else held `before`. The general correction is not compared:

        a release that brings another one does not say a month of a whole site anew.
        """
        ours, theirs = _by_node(self.calibrations), _by_node(before.calibrations)
        spans = {kid: list(_differing(ours.get(kid, []), theirs.get(kid, []))) for kid in ours.keys() | theirs.keys()}
        return {kid: found for kid, found in spans.items() if found}


def _by_node(calibrations: Iterable[Calibration]) -> dict[bytes, list[Calibration]]:
    found: dict[bytes, list[Calibration]] = {}
    for one in calibrations:
        found.setdefault(one.kid, []).append(one)
    return found


def _differing(ours: list[Calibration], theirs: list[Calibration]) -> Iterable[Span]:
    edges = sorted({edge for one in (*ours, *theirs) for edge in (one.begins, one.end)})
    for begins, ends in itertools.pairwise(edges):
        here, there = (
            {one.channel: one.correction for one in all_ if one.begins <= begins < one.end} for all_ in (ours, theirs)
        )
        if here != there:
            yield Span(begins, ends)


def quarter(utc: float) -> int:
    """The quarter of an hour in which `utc` (Unix seconds) lies."""
    return int(utc // SECONDS) * SECONDS


def is_particles(channel: str) -> bool:
    """Whether what this channel measures takes up water."""
    return channel in _PARTICLES
