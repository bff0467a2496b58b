"""How much a node trusts itself.

After several wakes in a row that ended in the watchdog, a panic or an exception it only talks, and tries the rest again
once a day. A power cut is no such end, and neither is a gateway that says nothing.
"""

from micropython import const

_BAD = const(5)  # wakes that did not come to their end
_DAY = const(86400)
_HIGHEST = const(255)


def begin(memory, tick):
    """A wake begins: whether it may be a whole one, or only a talk."""
    memory.unfinished = min(memory.unfinished + 1, _HIGHEST)
    if memory.unfinished <= _BAD:
        return True
    if 0 <= tick - memory.tried < _DAY:
        return False
    memory.tried = tick
    return True


def alarms(memory):
    """[(code, on, channel, counts)] that change with this wake: the one before did not end; only talks are left."""
    from node.generated import catalogue as its

    found = []
    for code, least in ((its.ALARM_CRASHED, 1), (its.ALARM_SAFE_MODE, _BAD)):
        on = 1 if memory.unfinished > least else 0
        if on != memory.raised >> code & 1:
            found.append((code, on, its.FAILURES, memory.unfinished - 1))
    return found


def ended(memory, whole):
    """It came to its end; only a whole wake clears the account."""
    memory.unfinished = 0 if whole else memory.unfinished - 1
