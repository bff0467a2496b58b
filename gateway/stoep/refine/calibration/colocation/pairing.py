"""What sensor and reference measured in the same time: a pair for each quarter of an hour, or for each of its means."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from stoep.refine.calibration.colocation.reference import Reference
from stoep.store.series import Taken
from stoep.store.windows import SECONDS

_WHOLE = 0.5  # share of the reference's rows that a pair needs


class Shot(NamedTuple):
    """One reading in counts, and the humidity in counts where it is known."""

    counts: int
    humidity: int | None


class Pair(NamedTuple):
    """`at`: Unix seconds of its begin; `reference` in the channel's unit."""

    at: int
    reference: float
    shots: tuple[Shot, ...]


def pair(
    reference: Reference,
    samples: Iterable[Taken],
    channel: int,
    humidity: Callable[[Taken], int | None],
    period: int | None = None,
) -> list[Pair]:
    """In the order of time. `period`: seconds over which the reference's rows are means, from their time on."""
    seconds = period or round(reference.seconds) or SECONDS
    finer = seconds < SECONDS
    length = SECONDS if finer else seconds
    phase = 0 if finer else round(reference.rows[0].at) % length
    shots: dict[int, list[Shot]] = {}
    for taken in samples:
        if channel in taken.counts:
            slot = int(taken.at / 1_000_000 - phase) // length
            shots.setdefault(slot, []).append(Shot(taken.counts[channel], humidity(taken)))
    values: dict[int, list[float]] = {}
    for row in reference.rows:
        values.setdefault(int(row.at - phase) // length, []).append(row.value)
    fewest = _WHOLE * length / seconds if finer else 1
    return [
        Pair(slot * length + phase, sum(values[slot]) / len(values[slot]), tuple(shots[slot]))
        for slot in sorted(values.keys() & shots.keys())
        if len(values[slot]) >= fewest
    ]
