"""A PIR (Senba AM312 and its like): its pin wakes the board, `node/watch.py` counts; here the count is read."""

from micropython import const

_STUCK = const(60)  # looks in a row, half a minute apart


class PIR:
    """The movements that `memory` has counted since the sample before."""

    def __init__(self, memory):
        self._memory = memory

    def read(self):
        """How many. Raises ValueError when the pin has been high for half an hour: no crowd holds it so long."""
        if self._memory.held_high >= _STUCK:
            raise ValueError("the PIR's output does not go low any more")
        return self._memory.moves
