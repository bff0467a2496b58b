"""Between two samples: movements are counted in the RTC memory, without flash and radio.

A movement on the watched pin ends the sleep once; then it is deaf for half a minute and as long as the pin stays high,
while the timer keeps what is left of the interval. Wakes an hour are capped, and a cap that was reached is said.
"""

from micropython import const

from node.moves import DEAF_S, HELD, HOUR, MOST

_DAY = const(86400)


def between_samples():
    """Take a wake in that is due to nothing but a movement, and sleep on. Returns when a sample is due."""
    from machine import Pin

    from node import clock, memory, moves, power, recall

    recalled = recall.last_wake() if power.cause() == "deepsleep" else None
    if recalled is None or not recalled.watched:
        return
    now = clock.tick()
    if power.moved():
        moves.count(recalled, now)
    if 0 < recalled.next_wake - now <= _DAY:
        seconds, watching = rest(recalled, Pin(recalled.watched, Pin.IN).value(), now)
        memory.keep(recalled)
        power.sleep(seconds * 1000, recalled.watched if watching else None)
    memory.keep(recalled)


def rest(memory, high, tick):
    """(seconds to sleep, whether a movement may end it), up to the next sample at the longest."""
    left = max(1, memory.next_wake - tick)
    if not memory.watched:
        return left, False
    memory.held_high = min(memory.held_high + 1, HELD) if high else 0
    until = memory.deaf_until
    if memory.wakes >= MOST and tick // HOUR == memory.hour:
        until = (memory.hour + 1) * HOUR
    elif high:
        until = max(until, tick + DEAF_S)  # still the same movement
    if 0 < until - tick <= HOUR:
        return min(left, until - tick), False
    return left, True


def alarms(memory, tick):
    """[(code, on, channel, counts)]: whether movements were missed in this hour or the one before, if that is news."""
    from node.generated import catalogue as its

    on = memory.raised >> its.ALARM_SATURATED & 1
    missed = memory.saturated > 0 and tick // HOUR <= memory.saturated
    return [(its.ALARM_SATURATED, 1 - on, its.MOTION_COUNT, memory.wakes)] if missed != bool(on) else []
