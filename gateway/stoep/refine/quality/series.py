"""The marks of one node's readings by what the node itself measured: a function of its series by time of taking.

Each test sees only what the tests before it have let pass: a reading that failed is no witness against its neighbours.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stoep.refine.quality import qartod
from stoep.refine.quality.judged import Marks
from stoep.refine.quality.limits import Limits
from stoep.refine.quality.qartod import HOUR
from stoep.store.series import Taken
from stoep.store.verdict import GOOD, Flag, Reason, mark
from stoep.store.windows import TimeQuality
from stoep.wire.channels import Channel

SPIKE_HOURS = 2.0  # on either side
_LONGEST_SPIKE = 3  # readings
_RETURNS = 3.0  # what comes after a spike is so near to what came before it, in sizes of the spike
_NOISE = HOUR // 6
_FLAT = mark(Flag.SUSPECT, Reason.FLAT)
_SENSOR_FLAT = mark(Flag.SUSPECT, Reason.SENSOR_FLAT)
_SENSOR_SPIKE = mark(Flag.SUSPECT, Reason.SENSOR_SPIKE)
_SHARED = {
    _FLAT: _SENSOR_FLAT,
    mark(Flag.SUSPECT, Reason.SPIKE): _SENSOR_SPIKE,
    mark(Flag.FAIL, Reason.SPIKE): _SENSOR_SPIKE,
}
_SKIPPED = frozenset({Flag.FAIL, Flag.SUSPECT})


class Reach(NamedTuple):
    """How many hours a test looks, and on how many hours before and after it a reading's mark depends in all."""

    test: float
    mark: float


def reach(limits: Mapping[int, Limits]) -> Reach:
    flat = max((own.flat / HOUR + 1 for own in limits.values() if own.flat), default=0.0)
    test = max(SPIKE_HOURS, flat)
    return Reach(test, SPIKE_HOURS + test)


def alone(channel: Channel, counts: int) -> int:
    """The mark of a reading of which nothing else is known."""
    return GOOD if channel.lowest <= counts <= channel.highest else mark(Flag.FAIL, Reason.OUT_OF_RANGE)


def judge(samples: Sequence[Taken], limits: Mapping[int, Limits]) -> list[Marks]:
    """For each of `samples`, which are in the order of taking, the mark of each of its readings."""
    marks: list[Marks] = [dict.fromkeys(sample.counts, GOOD) for sample in samples]
    for channel, own in limits.items():
        _judge_channel(samples, channel, own, marks)
    _share(marks, limits)
    for channel, own in limits.items():
        if own.follows is not None:
            _follow(marks, channel, own.follows)
    return marks


def _share(marks: list[Marks], limits: Mapping[int, Limits]) -> None:
    """One measurement gives all channels of a sensor: what is wrong with one of them is with the others."""
    for marked in marks:
        ill = {limits[channel].sensor: shared for channel, own in marked.items() if (shared := _SHARED.get(own))}
        for channel, own in marked.items() if ill else ():
            if own == GOOD and channel in limits and limits[channel].sensor is not None:
                marked[channel] = ill.get(limits[channel].sensor, GOOD)


def _follow(marks: list[Marks], channel: int, leader: int) -> None:
    for marked in marks:
        if marked.get(channel) == GOOD:
            marked[channel] = marked.get(leader, GOOD)


def _judge_channel(samples: Sequence[Taken], channel: int, own: Limits, marks: list[Marks]) -> None:
    places = [at for at, sample in enumerate(samples) if channel in sample.counts]
    values = [samples[at].counts[channel] for at in places]
    in_range = []
    for at, flag in zip(places, qartod.gross_range(values, own.sensor_span, own.usual), strict=True):
        if flag is Flag.FAIL:
            marks[at][channel] = mark(flag, Reason.OUT_OF_RANGE)
        elif flag is Flag.SUSPECT:
            marks[at][channel] = mark(flag, Reason.UNUSUAL)
        if flag is not Flag.FAIL and samples[at].time != TimeQuality.ESTIMATED:
            in_range.append(at)  # one of which nobody knows when it was has no place in a series
    steady = _spikes(samples, channel, own, in_range, marks)
    _rates(samples, channel, own, steady, marks)
    if own.flat is not None:
        values, times = _column(samples, channel, steady)
        for at, flag in zip(steady, qartod.flat_line(values, times, own.flat), strict=True):
            if flag is not Flag.GOOD:
                marks[at][channel] = max(marks[at][channel], _FLAT, key=_gravity)


def _gravity(marked: int) -> tuple[bool, bool]:
    return marked & 0xF == Flag.FAIL, marked & 0xF == Flag.SUSPECT


def _column(samples: Sequence[Taken], channel: int, places: Sequence[int]) -> tuple[list[int], list[int]]:
    return [samples[at].counts[channel] for at in places], [samples[at].at for at in places]


def _spikes(samples: Sequence[Taken], channel: int, own: Limits, places: list[int], marks: list[Marks]) -> list[int]:
    """Those of `places` that are no spikes."""
    if own.spike is None:
        return places
    values, times = _column(samples, channel, places)
    flags = qartod.spike(values, *own.spike, times=times, longest=_LONGEST_SPIKE, returns=_RETURNS)
    for at, flag in zip(places, flags, strict=True):
        if flag is not Flag.GOOD:
            marks[at][channel] = mark(flag, Reason.SPIKE)
    return [at for at, flag in zip(places, flags, strict=True) if flag not in _SKIPPED]


def _rates(samples: Sequence[Taken], channel: int, own: Limits, places: list[int], marks: list[Marks]) -> None:
    if own.rate is None:
        return
    values, times = _column(samples, channel, places)
    flags = qartod.rate_of_change(values, times, *own.rate, shortest=_NOISE, longest=round(SPIKE_HOURS * HOUR))
    for at, flag in zip(places, flags, strict=True):
        if flag is not Flag.GOOD and marks[at][channel] == GOOD:
            marks[at][channel] = mark(flag, Reason.RATE)
