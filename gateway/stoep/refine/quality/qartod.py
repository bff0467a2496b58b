"""QARTOD's tests as functions of a series, after the manuals of IOOS: gross range, spike, rate of change, flat line.

`values` are counts in the order of taking, `times` the Unix µs at which they were taken, limits in counts. Each returns
a flag for each value. They agree with the PyPI package `ioos-qc` 3.0, as `test_qartod_oracle.py` holds, but here:

- spike: ours is its `differential` method; its `average` one also blames the values beside a spike. With `longest`
  above 1 or a `returns` ours also knows spikes of several values, and steps that are none, which it does not.
- spike: a value at an end of the series is GOOD here (nothing is known against it) and UNKNOWN there.
- rate of change: it rounds the time between two values down to whole seconds; ours does not.
- flat line: it takes the series to be evenly spaced and counts values; ours goes by the time of each. It says so from
  the end of the span on; ours of all values of the run but the first, which was true when it was taken. Its tolerance
  0 never flags, ours flags what is exactly equal.
"""

from collections.abc import Iterator, Sequence

from stoep.store.verdict import Flag

HOUR = 3_600_000_000  # µs
SPARE = HOUR  # that a flat line may last longer than it has to, so that few values make one
_FEWEST = 4  # equal values: fewer are chance, however long they last


def gross_range(
    values: Sequence[float], sensor: tuple[float, float], usual: tuple[float, float] | None = None
) -> list[Flag]:
    """FAIL outside of `sensor`, SUSPECT outside of `usual`; both ends belong to the span."""
    low, high = usual or sensor
    return [
        Flag.FAIL if not sensor[0] <= value <= sensor[1] else Flag.GOOD if low <= value <= high else Flag.SUSPECT
        for value in values
    ]


def spike(
    values: Sequence[float],
    suspect: float,
    fail: float,
    *,
    times: Sequence[int] | None = None,
    longest: int = 1,
    returns: float | None = None,
) -> list[Flag]:
    """Values that lie above or below both what came before and what came after, by more than the limits.

    Up to `longest` in a row may be a spike together, if no more than two hours of `times` lie between what came before
    and after, and these differ by at most `returns` of its size. So a value's flag depends on two hours on either side.
    """
    sizes = [0.0] * len(values)
    if not values or max(values) - min(values) <= suspect:
        return [Flag.GOOD] * len(values)
    for length in range(1, longest + 1):
        for first in range(1, len(values) - length):
            before, after = values[first - 1], values[first + length]
            if times is not None and times[first + length] - times[first - 1] > 2 * HOUR:
                continue
            if not (before < values[first] > after or before > values[first] < after):
                continue
            found = [_beyond(value, before, after) for value in values[first : first + length]]
            size = min(found)
            if size and (returns is None or abs(after - before) <= returns * size):
                for at in range(length):
                    sizes[first + at] = max(sizes[first + at], found[at])
    return [_flag(size, suspect, fail) for size in sizes]


def _beyond(value: float, before: float, after: float) -> float:
    if before < value > after or before > value < after:
        return min(abs(value - before), abs(value - after))
    return 0.0


def _flag(size: float, suspect: float, fail: float) -> Flag:
    return Flag.FAIL if size > fail else Flag.SUSPECT if size > suspect else Flag.GOOD


def rate_of_change(
    values: Sequence[float],
    times: Sequence[int],
    suspect: float,
    fail: float,
    *,
    shortest: int = 0,
    longest: int | None = None,
) -> list[Flag]:
    """The change from the value before, an hour; not looked at across more than `longest` µs.

    Two values nearer than `shortest` may differ by as much as two that are so far apart: noise has no rate.
    """
    flags = [Flag.GOOD] * len(values)
    if values and longest is not None and (max(values) - min(values)) * HOUR <= suspect * shortest:
        return flags
    for at in range(1, len(values)):
        passed = times[at] - times[at - 1]
        if longest is None or passed <= longest:
            change = abs(values[at] - values[at - 1]) * HOUR
            lasting = max(passed, shortest)
            flags[at] = _flag(change, suspect * lasting, fail * lasting)
    return flags


def flat_line(values: Sequence[float], times: Sequence[int], longest: int) -> list[Flag]:
    """SUSPECT where the very same value came for `longest` µs or more, at least four times; the run's first is GOOD.

    Four values have to come within an hour more. So a value's flag depends on `longest` and an hour on either side.
    """
    flags = [Flag.GOOD] * len(values)
    for first, end in _runs(values):
        last = stretched = first
        for begin in range(first, end - _FEWEST + 1):
            while last < end - 1 and (times[last] - times[begin] < longest or last - begin + 1 < _FEWEST):
                last += 1
            lasts = times[last] - times[begin]
            if longest <= lasts <= longest + SPARE and last - begin + 1 >= _FEWEST:
                for at in range(max(begin, stretched) + (begin == first), last + 1):
                    flags[at] = Flag.SUSPECT
                stretched = last
    return flags


def _runs(values: Sequence[float]) -> Iterator[tuple[int, int]]:
    first = 0
    for at in range(1, len(values) + 1):
        if at == len(values) or values[at] != values[first]:
            yield first, at
            first = at
