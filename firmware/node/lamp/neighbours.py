"""The lamps of a group, as one of them speaks to the others and hears them: motions, and nothing else.

A motion is told four times within a third of a second, each time under a counter of its own, and acted on once. The
counter is the epoch and a number that the RTC memory keeps ahead, so none is used twice in a generation.
"""

import os
import time

from micropython import const

from node import cbor, flash, memory
from node.lamp import groupframe
from node.lamp.follow import Follow

_AGAIN_MS = const(10000)  # somebody who still moves is told of again
_AFTER_MS = const((0, 40, 120, 300))  # a motion is told so long after it,
_SPREAD = const(31)  # and up to so many ms more, or all lamps that see one walker would speak at once
_COUNTERS = const(24)  # bits of a counter below the epoch
BLOCK = const(4096)  # counters that may be spent between two writes to the RTC memory


class Neighbours:
    """The group that the gateway names: (generation, secret, own number, [(kid, dm)])."""

    def __init__(self, recalled, kid, link, group):
        generation, secret, own, lamps = group
        self._told = flash.crc32(cbor.encode(group))
        self._memory = recalled
        self._kid = kid
        self._link = link
        self._generation = generation
        self._keys = groupframe.keys(secret, generation, kid)
        self._group = groupframe.Group(secret, generation, [one for one, _ in lamps], own)
        self._own = own
        self._follow = Follow(own, [dm for _, dm in lamps])
        self._event = os.urandom(1)[0]  # the number of the motion told last,
        self._said = self._due = time.ticks_ms()  # when it was, and when it is told next,
        self._left = 0  # if it still is

    def is_of(self, group):
        """Whether it is the same group, with the same key: then what was heard in it must not be heard again."""
        return self._told == flash.crc32(cbor.encode(group))

    def take(self, frame, now):
        """Whether these bytes were told by one of the group, and its motion is taken in."""
        said = self._group.open(frame)
        if said is None:
            return False
        self._follow.heard(said[0], said[1], time.ticks_add(now, -said[2]))
        return True

    def moved(self, rose, now):
        """Somebody moves under this lamp, since now if it `rose`."""
        if not rose and time.ticks_diff(now, self._said) < _AGAIN_MS:
            return
        self._follow.moved(self._own, now)
        self._event = (self._event + 1) & groupframe.HIGHEST
        self._said = self._due = now
        self._left = len(_AFTER_MS)

    def speak(self, now):
        """Tell what is due."""
        if not self._left or time.ticks_diff(now, self._due) < 0:
            return
        recalled = self._memory
        recalled.group = (recalled.group + 1) & ((1 << _COUNTERS) - 1)
        if recalled.group % BLOCK == 0:
            memory.keep(recalled)
        counter = recalled.epoch << _COUNTERS | recalled.group
        age = time.ticks_diff(now, self._said)
        self._link.tell(groupframe.seal(self._keys, self._kid, self._generation, counter, self._event, age))
        self._left -= 1
        if self._left:
            after = _AFTER_MS[len(_AFTER_MS) - self._left] + (os.urandom(1)[0] & _SPREAD)
            self._due = time.ticks_add(self._said, after)

    def bright(self, now):
        """For how many ms from now this lamp should be bright; 0: it need not be."""
        return self._follow.bright(now)
