"""Bins of the virtual world over weeks, as their range finders see them, through the gateway's own refining.

What is not here is radio and store: a sample is a sounding, taken every quarter of an hour. The finder is the twin's
model of the chip, its shots are judged by the firmware's own file.
"""

import random
import runpy
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from unittest import mock
from zoneinfo import ZoneInfo

from stoep.refine.bins.days import Day
from stoep.refine.bins.fill import BEFORE_DAY, LEAD, TAIL, Said, day_of, fill, midnight
from stoep.refine.bins.pattern import learned
from stoep.refine.bins.sounding import Sounding
from stoep_twin.chips.a02yyuw import A02YYUW
from stoep_twin.world import weather
from stoep_twin.world.echoes import Echoes, Trouble
from stoep_twin.world.fill import EMPTY_MM, FULL_MM
from stoep_twin.world.lid import Lid
from stoep_twin.world.waste import Waste

SHOTS_FILE = Path(__file__).resolve().parents[2] / "firmware" / "node" / "sensors" / "shots.py"
MONDAY = 1780264800.0  # 2026-06-01, midnight in Brussels
ZONE = ZoneInfo("Europe/Brussels")
DAY, HOUR, QUARTER = 86400.0, 3600.0, 900.0
KEPT_DAYS = 35
FULL = 90.0  # %
_HIDES = (Trouble.WEB, Trouble.STUCK, Trouble.SILENT)
_SHOTS, _NEAREST, _FARTHEST, _PERIOD = 5, 30, 4500, 0.1
_HOURLY = 4  # quarters of an hour
_TIMED = 25  # one window in so many: all hours of the day


def _firmwares_judge() -> Any:
    board = ModuleType("micropython")
    board.const = lambda number: number  # type: ignore[attr-defined]
    with mock.patch.dict(sys.modules, {"micropython": board}):
        return runpy.run_path(str(SHOTS_FILE))["judge"]


judge = _firmwares_judge()


class Finder:
    """One bin's range finder and what its node makes of it."""

    def __init__(self, echoes: Echoes, seed: int) -> None:
        self._echoes = echoes
        self._now = 0.0
        self._before = 0.0
        self._chip = A02YYUW(lambda: self._before, lambda: self._now, seed)
        self._last: Sounding | None = None

    def sounding(self, at: float) -> Sounding | None:
        before = self._echoes.distance_mm(at)
        if before is None:
            return None
        spell = self._echoes.trouble(at)
        if spell is not None and spell.trouble is Trouble.STUCK and self._last is not None:
            return self._last._replace(at=at)
        self._before = before
        self._last = self._shoot(at)
        return self._last

    def _shoot(self, at: float) -> Sounding | None:
        self._now = at
        self._chip.power(on=True)
        self._now = at + _PERIOD * (_SHOTS + 0.5)
        raw = self._chip.sent(4 * _SHOTS)
        self._chip.power(on=False)
        shots = [raw[i + 1] << 8 | raw[i + 2] for i in range(0, len(raw), 4)]
        good = [mm for mm in shots if _NEAREST <= mm <= _FARTHEST]
        try:
            mm = judge(good, sum(mm < _NEAREST for mm in shots), sum(mm > _FARTHEST for mm in shots), _NEAREST)
        except ValueError:
            return None
        depth = EMPTY_MM - FULL_MM
        return None if mm is None else Sounding(at, min(100, max(0, ((EMPTY_MM - mm) * 100 + depth // 2) // depth)), mm)


class Round(NamedTuple):
    """The bin is emptied: levels before and after; `hidden`: the finder could not see it."""

    at: float
    before: float
    after: float
    hidden: bool


@dataclass
class Case:
    """One forecast, and what became of it: in how many hours it was full, and its true level when it was said."""

    at: float
    said: Said
    truth: float | None
    level: float
    learned_days: int


@dataclass
class Told:
    """What was said of one bin in its days, and what was so."""

    rounds: list[Round]
    cases: list[Case] = field(default_factory=list)
    emptied: list[float] = field(default_factory=list)  # each once, in the order in which they were told
    seconds: float = 0.0  # of the processor, for the windows that were timed
    timed: int = 0


def told(seed: int, index: int, days: int) -> Told:
    """Each quarter of an hour what the window that ends says; each hour it is a case."""
    waste = Waste(seed, index, MONDAY, days)
    echoes = _echoes(seed, index, days, waste)
    result = Told([Round(at, level, waste.level(at + 1), _is_hidden(echoes, at)) for at, level in waste.emptied])
    taken = list(_soundings(seed, index, days, echoes))
    known: list[Day] = []
    pattern = None
    first = upto = 0
    for quarter in range(1, int(days * DAY / QUARTER)):
        until = MONDAY + quarter * QUARTER
        number, begins = midnight(until, ZONE)
        while upto < len(taken) and taken[upto].at < until:
            upto += 1
        while first < upto and taken[first].at < begins - LEAD:
            first += 1
        timed = quarter % _TIMED == 0
        began = time.process_time() if timed else 0.0
        yesterday = begins - DAY
        if until - begins >= TAIL and yesterday >= MONDAY and (not known or known[-1].number < number - 1):
            mine = [s for s in taken[:upto] if yesterday - BEFORE_DAY <= s.at < begins + TAIL]
            known = [*known, day_of(number - 1, ZONE, mine)][-KEPT_DAYS:]
            pattern = learned(known)
        said = fill(taken[first:upto], until, pattern, ZONE)
        if timed:
            result.seconds += time.process_time() - began
            result.timed += 1
        if said.emptied is not None and said.emptied.at not in result.emptied:
            result.emptied.append(said.emptied.at)
        if quarter % _HOURLY == 0:
            full = waste.full_at(until, FULL)
            truth = None if full is None else (full - until) / HOUR
            result.cases.append(Case(until, said, truth, waste.level(until), len(known)))
    return result


def _echoes(seed: int, index: int, days: int, waste: Waste) -> Echoes:
    def distance(at: float) -> float:
        return EMPTY_MM - waste.level(at) / 100 * (EMPTY_MM - FULL_MM)

    lid = Lid(seed, index, weather.of(seed).wind)
    return Echoes(seed, index, MONDAY, MONDAY + days * DAY, lid, distance)


def _is_hidden(echoes: Echoes, at: float) -> bool:
    return any(spell.trouble in _HIDES and spell.begins <= at <= spell.ends for spell in echoes.spells)


def _soundings(seed: int, index: int, days: int, echoes: Echoes) -> Iterator[Sounding]:
    finder = Finder(echoes, seed * 1000 + index)
    at = MONDAY + random.Random(f"{seed}/{index}/phase").uniform(0, QUARTER)
    while at < MONDAY + days * DAY:
        found = finder.sounding(at)
        if found is not None:
            yield found
        at += QUARTER
