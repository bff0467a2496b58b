"""Movements are counted: once, and then not for half a minute and as long as they last, and so many an hour at most."""

from micropython import const

DEAF_S = const(30)
MOST = const(60)  # wakes an hour
HOUR = const(3600)
_HIGHEST = const(10000)  # what the catalogue counts to
HELD = const(255)


def count(memory, tick):
    """A movement."""
    memory.moves = min(memory.moves + 1, _HIGHEST)
    memory.deaf_until = tick + DEAF_S
    hour = tick // HOUR
    if hour != memory.hour:
        memory.hour, memory.wakes = hour, 0
    memory.wakes += 1
    if memory.wakes >= MOST:
        memory.saturated = hour + 1


def seen(memory, high, rose, tick):
    """The same count by a node that is awake and looks at the pin itself; whether this look changed it."""
    if not high:
        memory.held_high = 0
    if tick < memory.deaf_until or (memory.wakes >= MOST and tick // HOUR == memory.hour):
        return False
    if rose:
        count(memory, tick)
    elif high:  # still the same movement
        memory.held_high = min(memory.held_high + 1, HELD)
        memory.deaf_until = tick + DEAF_S
    return rose
