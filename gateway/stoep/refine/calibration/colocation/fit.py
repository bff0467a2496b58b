"""The correction that brings a sensor closest to the reference beside it, and how far that can be trusted.

Gain and offset by least squares of the crowd that Theil and Sen find (`line.py`): a lorry beside one of the two, or a
spider in the sensor, is left out and counted. For particles, how much they grow with humidity, and up to which
humidity, is sought among the members of the family whose general one is Nilson's: it is not known beforehand, for it
depends on what the air carries. Days are the blocks of which cross-validation leaves some out and the bootstrap draws:
hours that follow one another tell nearly the same.
"""

import math
import random
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from operator import mul
from typing import NamedTuple

from stoep.errors import CalibrationError
from stoep.refine.calibration.book import is_particles
from stoep.refine.calibration.colocation.line import Line, Sums, sums, theil_sen
from stoep.refine.calibration.colocation.pairing import Pair
from stoep.refine.calibration.correction import NILSON, Correction, Growth
from stoep.wire.channels import Channel

FEWEST = 48  # pairs
SHORTEST_DAYS = 3
USUAL_DAYS = 14  # fewer rarely hold all weathers
_DAY = 86_400
_CROWD = 0.9  # share of the pairs that is believed to be right
_FAR = 2.5  # times as far from the line as all of the crowd: left out
_LEAST_PLACES = 4  # of the gain
_FOLDS = 10
_DRAWN = 200
_FACTORS = (*range(2, 30, 2), *range(30, 61, 5))  # hundredths
_WET = range(60, 96, 5)  # percent
_VARIED = 1_500  # counts of humidity between its 5th and 95th percentile, that growth can be told by
_DAMP = 6_500  # which the 95th must reach

_FOG = 9_000
_FEW_DAMP = 24  # pairs in it

Told = Callable[[float], None]  # the share that is done


class Interval(NamedTuple):
    low: float
    high: float


@dataclass(frozen=True)
class Fit:
    """`gain` and `offset` (in the channel's unit) as they would be written; the intervals hold 95 %.

    Errors are root mean squares over the `kept` pairs, in the channel's unit. `unseen`: of days that the fit did not
    know. `corrected`: each pair's value by this correction.
    """

    pairs: Sequence[Pair]
    kept: Sequence[bool]
    gain: Decimal
    offset: Decimal
    growth: Growth | None
    gain_interval: Interval
    offset_interval: Interval
    raw: Sequence[float]
    corrected: Sequence[float]
    before: float
    after: float
    unseen: float
    r_squared: float
    days: int
    remarks: tuple[str, ...]

    @property
    def left_out(self) -> int:
        return len(self.kept) - sum(self.kept)


def correction_of(gain: Decimal, offset: Decimal, growth: Growth | None, channel: Channel) -> Correction:
    return Correction(1, "", Fraction(gain), Fraction(offset) * 10**channel.decimals, growth)


def fit(pairs: Sequence[Pair], channel: Channel, seed: int = 1, told: Told = lambda _: None) -> Fit:
    """Raises CalibrationError where the pairs cannot tell."""
    _refuse_few(pairs)
    growths, remarks = _growths(pairs, channel)
    table = []
    for number, growth in enumerate(growths):
        table.append(_readings(pairs, channel, growth))
        told(0.4 * (number + 1) / len(growths))
    kept = _crowd(pairs, table, growing=is_particles(channel.name))
    days = _Days(pairs, kept, table)
    whole = days.best([1] * len(days))
    if whole is None or whole.line.gain <= 0:
        raise CalibrationError(
            f"the readings of {channel.name} do not rise with the reference: is it the same node, the same time, "
            "the same quantity?"
        )
    gain = _decimal(whole.line.gain, _LEAST_PLACES)
    offset = _decimal(whole.line.offset, channel.decimals + 2)
    growth = growths[whole.candidate]
    corrected = _corrected(pairs, channel, correction_of(gain, offset, growth, channel))
    raw = _readings(pairs, channel, None)
    references = [pair.reference for pair in pairs]
    gains, offsets = days.drawn(seed, lambda share: told(0.5 + 0.5 * share))
    after = _rms(corrected, references, kept)
    spread = statistics.pstdev([value for value, keep in zip(references, kept, strict=True) if keep])
    if len(days) < USUAL_DAYS:
        remarks.append(f"{len(days)} days rarely hold all weathers; {USUAL_DAYS} or more are better")
    if growth is not None:
        damp = sum(keep and (pair.shots[0].humidity or 0) >= _FOG for pair, keep in zip(pairs, kept, strict=True))
        if damp < _FEW_DAMP:
            remarks.append(f"only {damp} pairs at {_FOG / 100:.0f} % humidity or more: in fog it is little tried")
    return Fit(
        pairs=pairs,
        kept=kept,
        gain=gain,
        offset=offset,
        growth=growth,
        gain_interval=gains,
        offset_interval=offsets,
        raw=raw,
        corrected=corrected,
        before=_rms(raw, references, kept),
        after=after,
        unseen=days.unseen(),
        r_squared=1 - (after / spread) ** 2 if spread else 0.0,
        days=len(days),
        remarks=tuple(remarks),
    )


def _refuse_few(pairs: Sequence[Pair]) -> None:
    days = (pairs[-1].at - pairs[0].at) / _DAY if pairs else 0.0
    if len(pairs) < FEWEST or days < SHORTEST_DAYS:
        raise CalibrationError(
            f"sensor and reference have {len(pairs)} means in common, over {days:.1f} days; at least {FEWEST} over "
            f"{SHORTEST_DAYS} days are needed: measure longer, or look whether the file's times and the node's overlap"
        )
    if len({pair.reference for pair in pairs}) == 1:
        raise CalibrationError("the reference says one value all the time: no gain can be told from it")


def _growths(pairs: Sequence[Pair], channel: Channel) -> tuple[list[Growth | None], list[str]]:
    """Those to choose from, and what is to be said about them."""
    if not is_particles(channel.name):
        return [None], []
    damp = sorted(shot.humidity for pair in pairs for shot in pair.shots if shot.humidity is not None)
    if len(damp) < sum(len(pair.shots) for pair in pairs):
        raise CalibrationError("some readings have no humidity beside them: repair the node's climate sensor first")
    low, high = damp[len(damp) // 20], damp[-1 - len(damp) // 20]
    if high - low < _VARIED or high < _DAMP:
        said = (
            f"the humidity was {low / 100:.0f} to {high / 100:.0f} %, too even to tell how the particles grow with it"
        )
        return [NILSON.growth], [f"{said}: the growth is the general one, after Nilson et al."]
    return [None, *(Growth(Fraction(f, 100), 3_000, wet * 100) for f in _FACTORS for wet in _WET)], []


def _readings(pairs: Sequence[Pair], channel: Channel, growth: Growth | None) -> list[float]:
    """Each pair's mean reading in the channel's unit, freed of its water."""
    scale = 10.0**channel.decimals
    if growth is None:
        return [sum(shot.counts for shot in pair.shots) / len(pair.shots) / scale for pair in pairs]
    factor = float(growth.factor)
    found = []
    for pair in pairs:
        total = 0.0
        for shot in pair.shots:
            held = min(growth.wet, max(growth.dry, shot.humidity or 0))
            total += shot.counts / (1 + factor * held / (10_000 - held))
        found.append(total / len(pair.shots) / scale)
    return found


def _corrected(pairs: Sequence[Pair], channel: Channel, correction: Correction) -> list[float]:
    """By the very arithmetic that will be applied."""
    scale = 10**channel.decimals
    return [
        float(sum(correction.exactly(shot.counts, shot.humidity) for shot in pair.shots) / len(pair.shots) / scale)
        for pair in pairs
    ]


def _crowd(pairs: Sequence[Pair], table: list[list[float]], *, growing: bool) -> list[bool]:
    """Which pairs belong together; `growing`: what measures much may be farther off.

    The growth is chosen by a sum in which what is far off counts little more than what is farther off still: a night of
    fog that one growth explains counts for it, a lorry that none explains counts against none.
    """
    references = [pair.reference for pair in pairs]
    distances = [far for readings in table if (far := _distances(readings, references, growing=growing)) is not None]
    if not distances:
        raise CalibrationError("the sensor says one value all the time: is it stuck?")
    usual = min(map(statistics.median, distances)) or 1e-9
    best = min(distances, key=lambda far: sum(math.log1p((one / usual) ** 2) for one in far))
    limit = _FAR * sorted(best)[int(_CROWD * (len(best) - 1))]
    return [one <= limit for one in best]


def _distances(readings: list[float], references: list[float], *, growing: bool) -> list[float] | None:
    """Of each pair from the line through most of them."""
    line = theil_sen(readings, references)
    if line is None:
        return None
    said = [line.at(x) for x in readings]
    usual = statistics.median(map(abs, said)) or 1.0
    widths = [max(1.0, abs(one) / usual) if growing else 1.0 for one in said]
    return [abs(one - y) / width for one, y, width in zip(said, references, widths, strict=True)]


class _Best(NamedTuple):
    candidate: int
    line: Line


class _Days:
    """The sums of each day and candidate, so that days can be left out and drawn."""

    def __init__(self, pairs: Sequence[Pair], kept: Sequence[bool], table: list[list[float]]) -> None:
        days = sorted({pair.at // _DAY for pair, keep in zip(pairs, kept, strict=True) if keep})
        self._count = len(days)
        self._columns: list[tuple[tuple[float, ...], ...]] = []
        for readings in table:
            points: dict[int, list[tuple[float, float]]] = {day: [] for day in days}
            for pair, keep, x in zip(pairs, kept, readings, strict=True):
                if keep:
                    points[pair.at // _DAY].append((x, pair.reference))
            self._columns.append(tuple(zip(*(sums(points[day]) for day in days), strict=True)))

    def __len__(self) -> int:
        return self._count

    def _sums(self, candidate: int, weights: Sequence[int]) -> Sums:
        return Sums(*(sum(map(mul, weights, column)) for column in self._columns[candidate]))

    def best(self, weights: Sequence[int]) -> _Best | None:
        found: tuple[float, _Best] | None = None
        for candidate in range(len(self._columns)):
            of = self._sums(candidate, weights)
            line = of.line()
            if line is not None and (found is None or of.squares(line) < found[0]):
                found = of.squares(line), _Best(candidate, line)
        return None if found is None else found[1]

    def unseen(self) -> float:
        """The error at days that are left out of the fit in turn."""
        squares, count = 0.0, 0.0
        folds = min(_FOLDS, self._count)
        for fold in range(folds):
            within = [int(day % folds == fold) for day in range(self._count)]
            best = self.best([1 - one for one in within])
            if best is not None:
                held = self._sums(best.candidate, within)
                squares, count = squares + held.squares(best.line), count + held.n
        return math.sqrt(squares / count) if count else math.nan

    def drawn(self, seed: int, told: Told) -> tuple[Interval, Interval]:
        """Of gain and offset: between which they are in 95 of 100 such times of other days."""
        chance = random.Random(seed)
        lines = []
        for number in range(_DRAWN):
            often = Counter(chance.choices(range(self._count), k=self._count))
            best = self.best([often[day] for day in range(self._count)])
            if best is not None:
                lines.append(best.line)
            told((number + 1) / _DRAWN)
        return _middle([line.gain for line in lines]), _middle([line.offset for line in lines])


def _middle(values: list[float]) -> Interval:
    ordered = sorted(values)
    cut = len(ordered) * 25 // 1000
    return Interval(ordered[cut], ordered[-1 - cut])


def _rms(said: Sequence[float], true: Sequence[float], kept: Sequence[bool]) -> float:
    squares = [(one - other) ** 2 for one, other, keep in zip(said, true, kept, strict=True) if keep]
    return math.sqrt(sum(squares) / len(squares))


def _decimal(value: float, places: int) -> Decimal:
    return round(Decimal(value), places)
