"""A lamppost between its samples: as any other node, but that it stays awake and serves its lamp.

In safe mode there is no lamp to serve: the pin that dims it is driven by nobody, which is light.
"""

from node import memory
from node.cycle import TAKING, Cycle
from node.lamp.post import Post
from node.lamp.radio import Radio

_STAYS = "watch", "frame", "ccm", "kdf", "links", "identity"  # what the lamp needs at any time, or has nothing to drop


class Awake(Cycle):
    """A lamppost."""

    def _prepare(self, options):
        from node.links import choice

        identity, recalled = self._identity, self._memory
        if self._lamp is None:
            self._lamp = Post(identity, recalled, Radio(identity.channel, recalled.bridge))
        self._lamp.tune(identity.channel)
        choice.choose(self._lamp, identity, options.link)

    def _flaw(self):
        from node.links import choice

        return choice.flaw(self._lamp.follows) if self._lamp else 0

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
        self._lamp.stay(self._memory.next_wake)
