"""How much a node insists: less and less while nobody answers, again at once when somebody does.

And how much it trusts itself: after several wakes in a row that ended in the watchdog, a panic or an exception it only
talks, and tries the rest again once a day.
"""

from micropython import const

_INSISTENT = const(4)  # frames without an answer in one wake,
_TIRED = const(2)  # and after several such wakes
_WAKES = const(2)  # several
_MOST_SKIPPED = const(4)
_BAD = const(5)  # wakes that did not come to their end
_DAY = const(86400)
_HIGHEST = const(255)


def attempts(memory):
    """How many frames may stay without an answer in this wake."""
    return _INSISTENT if memory.silent < _WAKES else _TIRED


def may_skip(memory, urgent):
    """Whether this wake may pass without an attempt; never with something `urgent` to say."""
    if urgent or not memory.skip:
        return False
    memory.skip -= 1
    return True


def heard(memory):
    """Somebody answered."""
    memory.silent = memory.skip = 0


def unheard(memory, chance):
    """Nobody did; `chance` is a random byte, so that a street whose gateway is back does not speak all at once."""
    memory.silent = min(memory.silent + 1, _HIGHEST)
    tired = min(memory.silent - _WAKES, _MOST_SKIPPED)
    memory.skip = chance % (tired + 1) if tired > 0 else 0


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
