"""How much a node insists: less and less while nobody answers, as before when somebody does.

An alarm waits for nothing; samples do, and are taken all the same.
"""

from micropython import const

_INSISTENT = const(4)  # frames without an answer in one wake,
_TIRED = const(2)  # and after several such wakes
_WAKES = const(2)  # several
_MOST_SKIPPED = const(4)
_HIGHEST = const(255)


def attempts(memory):
    """How many frames may stay without an answer in this wake."""
    return _INSISTENT if memory.silent < _WAKES else _TIRED


def heard(memory):
    """Somebody answered."""
    memory.silent = memory.skip = 0


def unheard(memory, chance):
    """Nobody did; `chance` is a random byte, so that a street whose gateway is back does not speak all at once."""
    memory.silent = min(memory.silent + 1, _HIGHEST)
    tired = min(memory.silent - _WAKES, _MOST_SKIPPED)
    memory.skip = chance % (tired + 1) if tired > 0 else 0
