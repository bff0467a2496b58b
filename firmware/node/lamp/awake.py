"""A lamppost between its samples: as any other node, but that it stays awake and serves its lamp.

In safe mode there is no lamp to serve: the pin that dims it is driven by nobody, which is light. It talks by the link
that its settings name all the same.
"""

from micropython import const

from node import flash, memory, staging
from node.cycle import TAKING, Cycle
from node.lamp.post import Post
from node.lamp.radio import Radio

_STAYS = const(("moves", "frame", "ccm", "kdf", "links"))  # what the lamp needs at any time


class Awake(Cycle):
    """A lamppost."""

    _wanted = 0  # the link that its settings name,
    _wifi = None  # and the one it uses beside ESP-NOW, see links/choice.py

    def _prepare(self, options):
        identity, recalled = self._identity, self._memory
        self._wanted = options.link
        if not self._whole:
            return
        if self._lamp is None:
            self._lamp = Post(identity, recalled, Radio(identity.channel, recalled.bridge))
        self._lamp.tune(identity.channel)
        self._put_away()
        if self._wanted or self._wifi is not None:
            from node.links import choice

            self._wifi = choice.choose(self._lamp, identity, self._wifi, self._wanted)
            del choice
            staging.forget("links.choice", "generated")

    def _held(self):
        from node.held import Held

        return Held(self._device, flash.RING)

    def _talk(self):
        self._put_away()
        return super()._talk()

    def _put_away(self):
        # What keeps and tells is opened anew when there is something to keep or to tell: the lamp needs its room.
        self._opened_life = self._opened_ring = None
        staging.forget("life", "cells", "ring", "held", "keeping", "payload", "settings", "trust", "generated")

    def _link(self):
        if self._lamp or not self._wanted:
            return self._lamp
        from node.links import choice

        return choice.alone(self._identity, self._memory.bridge)

    def _flaw(self):
        if self._lamp is None or self._wifi is None:
            return 0
        from node.links import choice

        flaw = choice.flaw(self._lamp.follows, self._wifi)
        del choice
        staging.forget("links.choice", "generated")
        return flaw

    def _forget(self, names):
        super()._forget([name for name in names if name not in _STAYS] + ["lamp.told"])

    def _rest(self, now):
        if self._lamp is None:
            super()._rest(now)
            return
        from node import trust

        self._whole = trust.begin(self._memory, now)  # what goes wrong while it stays awake counts, too
        del trust
        memory.keep(self._memory)
        self._forget(TAKING)
        self._put_away()
        while self._lamp.stay(self._memory.next_wake):
            wanted, self._lamp.wanted = self._lamp.wanted, None
            if wanted:
                self._settle(wanted, 0)
            self._forget(("desired",))
            self._report()
            self._put_away()
            if wanted:
                return  # to wake by them
