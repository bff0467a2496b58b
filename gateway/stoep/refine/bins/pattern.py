"""What a bin's own weeks say of its next days: how fast it fills by hour and weekday, and how far that can be wrong.

Every rate is drawn towards what is known more coarsely, the more so the less it was seen (the gamma-Poisson shrinkage
of empirical Bayes, e.g. Gelman et al., Bayesian Data Analysis, 3rd ed., 2.6): an hour of the day towards a street's
usual day, a weekday towards all days, a weekday's four hours (a market) towards that weekday.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from stoep.refine.bins.days import HOURS, Day

_USUAL = (
    0.15, 0.1, 0.1, 0.1, 0.15, 0.3, 0.6, 1.1, 1.4, 1.2, 1.2, 1.4,
    1.6, 1.4, 1.3, 1.4, 1.7, 1.9, 1.7, 1.4, 1.1, 0.8, 0.5, 0.3,
)  # fmt: skip  # of the mean rate, hour by hour: a street nobody has watched yet (est.)
_USUAL_DAYS = 1.5  # so many days of one's own weigh as much
_WEEK = 7
_BLOCK = 4  # hours of a weekday that are learned together
_BLOCKS = HOURS // _BLOCK
_LUMP, _LUMP_WEIGHT = 2.5, 3.0  # %: what comes at once, before anything is known; as if so many days had said it
_MOOD, _MOOD_WEIGHT = 0.12, 20.0  # variance of a whole day's fortune (weather, an event), likewise
_WEEKDAYS, _MARKETS = 0.25, 0.25  # variances of weekdays among each other, and of a weekday's hours among themselves
_MEAN = 0.3  # variance of what a bin fills in a day against what its first day says, until more days have spoken
_LEAST = 0.02  # % an hour: nothing is never expected


@dataclass(frozen=True)
class Pattern:
    """`rates[weekday][hour]` in % an hour, Monday 0; how sure it is of them, and what a day may do besides."""

    rates: Sequence[Sequence[float]]
    lump: float  # %: the variance of what comes over its mean
    mood: float  # the relative variance of a day
    trust: tuple[float, ...]  # the relative variance of a weekday's rates, as they were learned
    level: float  # that of all rates together
    days: float  # seen


def learned(days: Sequence[Day]) -> Pattern | None:
    """None where not even a day was seen, or nothing came."""
    watched = sum(sum(day.watched) for day in days) / HOURS
    came = sum(sum(day.came) for day in days)
    if watched < 1 or came <= 0:
        return None
    hours = _by_hour(days, came)
    lump, mood = _LUMP, _MOOD
    rates: Sequence[Sequence[float]] = [hours] * _WEEK
    for _ in range(2):
        rates, seen = _by_weekday(days, hours, lump, mood)
        lump, mood = _spread(days, rates, lump)
    trust = tuple(1 / (1 / _WEEKDAYS + weight) for weight in seen)
    return Pattern(rates, lump, mood, trust, 1 / (1 / _MEAN + sum(seen)), watched)


def _by_hour(days: Sequence[Day], came: float) -> tuple[float, ...]:
    mean = came / sum(_USUAL[h] * day.watched[h] for day in days for h in range(HOURS))
    rates = []
    for hour in range(HOURS):
        usual = mean * _USUAL[hour]
        rose = sum(day.came[hour] for day in days)
        looked = sum(day.watched[hour] for day in days)
        rates.append(max(_LEAST, (rose + usual * _USUAL_DAYS) / (looked + _USUAL_DAYS)))
    return tuple(rates)


def _by_weekday(
    days: Sequence[Day], hours: Sequence[float], lump: float, mood: float
) -> tuple[list[Sequence[float]], list[float]]:
    """The rates, and how many unit variances each weekday's were seen."""
    rates: list[Sequence[float]] = []
    weights = []
    for weekday in range(_WEEK):
        mine = [day for day in days if (day.number - 1) % _WEEK == weekday]
        factor, weight = _factor(mine, hours, range(HOURS), lump, mood, _WEEKDAYS)
        weights.append(weight)
        row = [factor * rate for rate in hours]
        for block in range(_BLOCKS):
            part = range(block * _BLOCK, (block + 1) * _BLOCK)
            market, _ = _factor(mine, row, part, lump, mood, _MARKETS)
            row[part.start : part.stop] = [max(_LEAST, market * row[h]) for h in part]
        rates.append(array("d", row))  # a third of what as many numbers in a tuple take
    return rates, weights


def _factor(
    days: Sequence[Day], rates: Sequence[float], hours: range, lump: float, mood: float, among: float
) -> tuple[float, float]:
    """By how much more came in these hours than the rates say, drawn towards 1; and the weight of what was seen."""
    said = weight = 0.0
    for day in days:
        expected = sum(rates[h] * day.watched[h] for h in hours)
        if expected > 0:
            units = expected / (lump + mood * expected)
            weight += units
            said += units * sum(day.came[h] for h in hours) / expected
    return max(0.0, (said + 1 / among) / (weight + 1 / among)), weight


def _spread(days: Sequence[Day], rates: Sequence[Sequence[float]], lump: float) -> tuple[float, float]:
    """From what came against what was expected: within a day hour by hour, and day by day."""
    hourly = expected = 0.0
    daily = squared = 0.0
    for day in days:
        row = rates[(day.number - 1) % _WEEK]
        hopes = [rate * watched for rate, watched in zip(row, day.watched, strict=True)]
        hope = sum(hopes)
        if hope <= 0:
            continue
        fortune = max(0.0, sum(day.came)) / hope
        hourly += sum((came - fortune * h) ** 2 for came, h in zip(day.came, hopes, strict=True))
        expected += hope
        daily += (sum(day.came) - hope) ** 2 - lump * hope
        squared += hope * hope
    count = sum(1 for day in days if sum(day.watched) > 0)
    usual = expected / count if count else 1.0
    found = (hourly + _LUMP * usual * _LUMP_WEIGHT) / (expected + usual * _LUMP_WEIGHT)
    mood = (max(0.0, daily) + _MOOD * usual * usual * _MOOD_WEIGHT) / (squared + usual * usual * _MOOD_WEIGHT)
    return found, mood
