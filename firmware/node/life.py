"""What only grows, and what was given up: the cells a node lives by.

The epoch rises with each cold boot. Frame counters are reserved in flash ahead of their use, and a cold boot
skips to the end of the reservation, so no counter is ever used twice for a secret.
"""

import struct

from micropython import const

from node import cbor, flash
from node.cells import Cells

_GROWING = const(1)
_SETTINGS = const(2)
_LOST = const(3)
_CRASH = const(4)
_GOOD = const(5)
_BLOCK = const(256)  # counters reserved at a time: at 96 reports a day a program every other day
_MOST_LOST = const(13)  # epochs with losses, as many as a cell has room for; those declared first go first


class Life:
    """Epoch, counter reservation, settings and declared losses of one node."""

    def __init__(self, device):
        self._cells = Cells(device, flash.LIFE)
        value = self._cells.get(_GROWING)
        self.alive = value is not None  # an identity without its counter must not transmit
        self.epoch, self.reserved = struct.unpack("<HQ", value) if value else (0, 0)
        if self._cells.torn:  # the record that broke may have been the next epoch and the next block
            self.epoch += 1
            self.reserved += _BLOCK

    def begin(self):
        """Start the counters of a new secret; the epoch goes on if it is known."""
        epoch = self.epoch
        settings = self._cells.get(_SETTINGS)
        self._cells.wipe()
        self.alive = True
        self._grow(epoch, 1)
        if settings is not None:
            self._cells.put(_SETTINGS, settings)

    def cold_boot(self):
        """Begin a new epoch: (epoch, first free counter, end of its reservation)."""
        free = self.reserved
        self._grow(self.epoch + 1, free + _BLOCK)
        return self.epoch, free, self.reserved

    def reserve(self):
        """Reserve one block of counters more; the new end."""
        self._grow(self.epoch, self.reserved + _BLOCK)
        return self.reserved

    def _grow(self, epoch, reserved):
        self._cells.put(_GROWING, struct.pack("<HQ", epoch, reserved))
        self.epoch, self.reserved = epoch, reserved

    def settings(self):
        """The settings' bytes, or None."""
        return self._cells.get(_SETTINGS)

    def keep_settings(self, value):
        self._cells.put(_SETTINGS, value)

    def good(self):
        """The bytes of the settings that return if nobody answers under the present ones; empty: these are good."""
        return self._cells.get(_GOOD) or b""

    def keep_good(self, value):
        self._cells.put(_GOOD, value)

    def crash(self):
        """The end of the last exception's traceback, or None."""
        return self._cells.get(_CRASH)

    def keep_crash(self, text):
        self._cells.put(_CRASH, text)

    def lost(self):
        """Within these ranges samples were given up, [[epoch, first, last, cause], …], until it is acknowledged."""
        value = self._cells.get(_LOST)
        return cbor.decode(value) if value else []

    def declare(self, epoch, first, last, cause):
        """Note a range as given up, on flash, before it is. Those of an epoch become one, over what is held between."""
        ranges = self.lost()
        for known in ranges:
            if known[0] == epoch and known[3] == cause:
                known[1], known[2] = min(known[1], first), max(known[2], last)
                break
        else:
            ranges.append([epoch, first, last, cause])
        self._cells.put(_LOST, cbor.encode(ranges[-_MOST_LOST:]))

    def acknowledged(self, epoch, seq):
        """Forget the declarations that the gateway has on its disk."""
        ranges = self.lost()
        kept = [lost for lost in ranges if (lost[0], lost[2]) > (epoch, seq)]
        if len(kept) != len(ranges):
            self._cells.put(_LOST, cbor.encode(kept))
