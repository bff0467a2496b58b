"""Which window did a reading near an edge go to? The split that explains the delivered windows best.

Readings are in the order of taking and so are windows, so each edge between two windows is a point in the list of
readings. Where a reading may stand on either side, its edge has several possible points; a shortest path over these
points finds the cheapest explanation. What is still missing or too many then, is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Cost = TypeVar("Cost")


@dataclass(frozen=True)
class _Chain(Generic[Cost]):
    before: _Chain[Cost] | None
    said: Cost


def best_split(
    times: Sequence[int],
    edges: Sequence[int],
    tolerance: int,
    cost: Callable[[int, int, int], tuple[int, Cost]],
) -> list[Cost]:
    """Split `times` (ascending) at the inner `edges` (ascending), each up to `tolerance` off.

    `cost(window, first, last)` says what it costs, and what to say of it, that `window` holds `times[first:last]`;
    window w lies before `edges[w]`, the last one behind all edges. Returns what was said of each window, in order.
    """
    # For each possible split point at the edge reached: total cost, and the words of all windows before, as a chain.
    reached: dict[int, tuple[int, _Chain[Cost] | None]] = {0: (0, None)}
    for window in range(len(edges) + 1):
        if window < len(edges):
            points = range(
                bisect_left(times, edges[window] - tolerance), bisect_right(times, edges[window] + tolerance) + 1
            )
        else:
            points = range(len(times), len(times) + 1)
        following: dict[int, tuple[int, _Chain[Cost] | None]] = {}
        for point in points:
            for start, (spent, words) in reached.items():
                if start > point:
                    continue
                price, said = cost(window, start, point)
                if point not in following or spent + price < following[point][0]:
                    following[point] = (spent + price, _Chain(words, said))
        reached = following
    said_of: list[Cost] = []
    link = reached[len(times)][1]
    while link is not None:
        said_of.append(link.said)
        link = link.before
    return said_of[::-1]
