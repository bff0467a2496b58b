"""Which of many to give up so that what stays is spread evenly: every second one, then every second of the rest.

By the number itself and not by its place in a list, so that it makes no difference in how many steps it is done, and
all nodes keep the same quarters of an hour.
"""

from collections.abc import Iterable

_LEVELS = 12  # after 2^12 windows there is hardly anything left to thin


def thinned(numbers: Iterable[int], most: int) -> list[int]:
    """The next to go, at most `most`, those that come first in `numbers` before others of the same level."""
    levels: list[list[int]] = [[] for _ in range(_LEVELS + 1)]
    for number in numbers:
        odd = number & -number  # the lowest bit that is set: every second number has 1, every second of the others 2
        levels[min(odd.bit_length() - 1, _LEVELS) if number else _LEVELS].append(number)
    for level in levels:
        if level:
            return level[:most]
    return []
