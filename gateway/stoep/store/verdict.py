"""What is said of a reading's quality, and why: small numbers in the store, words for people.

A mark is both in one number, so that a window remembers what it was published with; its window's marks also know which
readings were rejected, for without one of them all the others' numbers change.
"""

from enum import IntEnum

_BITS = 4
_MASK = (1 << _BITS) - 1


class Flag(IntEnum):
    """QARTOD's."""

    GOOD = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


class Reason(IntEnum):
    """Why a flag was given. A number never changes its meaning: windows in the store have it.

    What a node's own series says comes before what its neighbours do: where both are true the lower number is told.
    """

    IN_RANGE = 0
    OUT_OF_RANGE = 1
    UNUSUAL = 2
    SPIKE = 3
    RATE = 4
    FLAT = 5
    SENSOR_FLAT = 6
    SENSOR_SPIKE = 7
    ABOVE = 8
    BELOW = 9
    HUMID = 10
    ABSENT = 11
    SENSOR_APART = 12

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    Reason.IN_RANGE: "in range",
    Reason.OUT_OF_RANGE: "out of range",
    Reason.UNUSUAL: "in range, but beyond what is usual",
    Reason.SPIKE: "a spike: what came before and after is another value",
    Reason.RATE: "changes faster than is natural",
    Reason.FLAT: "stands still: is the sensor stuck?",
    Reason.SENSOR_FLAT: "its sensor stands still",
    Reason.SENSOR_SPIKE: "another reading of its sensor is a spike",
    Reason.ABOVE: "far above its neighbours",
    Reason.BELOW: "far below its neighbours",
    Reason.HUMID: "so humid that droplets may have counted",
    Reason.ABSENT: "the sensor could not be read",
    Reason.SENSOR_APART: "another reading of its sensor is far from its neighbours'",
}


_FLAGS = {int(flag): flag for flag in Flag}
_REASONS = {int(reason): reason for reason in Reason}  # asked for every reading, and an Enum's call is dear


def mark(flag: Flag, reason: Reason, rejected: int = 0) -> int:
    """`rejected` is a number that stands for the readings of a window which failed; 0: none."""
    return rejected << 2 * _BITS | reason << _BITS | flag


def flag_of(marked: int) -> Flag:
    return _FLAGS[marked & _MASK]


def reason_of(marked: int) -> Reason:
    return _REASONS[marked >> _BITS & _MASK]


def rejected_of(marked: int) -> int:
    return marked >> 2 * _BITS


GOOD = mark(Flag.GOOD, Reason.IN_RANGE)
