"""A battery that runs down: the node spends less, says so while it can, and at last only sleeps and looks.

Stage 1: samples half as often. Stage 2: a quarter, and movements are not counted. Stage 3: every six hours. A battery
that recovers gives all of it back, stage by stage.
"""

from micropython import const

SPARING = const(2)
_EMPTY = const(3)
_STEP = const(100)  # mV from stage to stage, and what it must recover to leave one
_RARELY = const(6 * 3600)
_LONGEST = const(86400)


def stage(before, millivolts, low):
    """The stage at this voltage, coming from `before`; `low` is where the first begins (mV; 0: never)."""
    if not low or millivolts >= low + _STEP:
        return 0
    now = min((low - millivolts) // _STEP + 1, _EMPTY) if millivolts < low else 0
    if now >= before:
        return now
    return before if millivolts < low - (before - 2) * _STEP else max(now, before - 1)


def interval(memory, seconds):
    """Seconds from wake to wake where the settings say `seconds`."""
    if memory.thrift == _EMPTY:
        return max(seconds, _RARELY)
    return min(seconds << memory.thrift, _LONGEST)


def alarms(memory, counts, low):
    """Take a sample's voltage in: [(code, on, channel, counts)] of what changes with it."""
    from node.generated import catalogue as its

    millivolts = counts.get(its.BATTERY_VOLTAGE)
    if millivolts is None:
        return []
    memory.thrift = stage(memory.thrift, millivolts, low)
    found = []
    for code, least in ((its.ALARM_BATTERY_LOW, 1), (its.ALARM_BATTERY_EMPTY, _EMPTY)):
        on = 1 if memory.thrift >= least else 0
        if on != memory.raised >> code & 1:
            found.append((code, on, its.BATTERY_VOLTAGE, millivolts))
    return found
