"""Which of the two code slots runs: `/a` or `/b`, each with a whole `node/` and `bridge/`.

`boot.py` chooses by one entry of the NVS, which survives power cuts and levels its wear. A slot on trial has so many
starts to be answered in; then the other one runs again.

    slot i32  bit 0: 0 is a, 1 is b · above it 0: settled, else one more than the attempts left
"""

import sys

from esp32 import NVS
from micropython import const

_ATTEMPTS = const(8)


def running():
    """The slot that runs, 0 or 1, or None on a board whose files lie flat."""
    name = sys.path[0]
    return 0 if name == "a" else 1 if name == "b" else None


def settle():
    """The gateway has answered: a slot on trial is one to stay with. What cannot be written now, the next wake can."""
    try:
        cell = NVS("stoep")
        value = cell.get_i32("slot")
        if value > 1:
            _write(cell, value & 1)
        sys.modules.pop("trial", None)
    except OSError:
        pass


def begin(slot, attempts=_ATTEMPTS):
    """Put `slot` on trial from the next start on; it must be on flash, whole."""
    _write(NVS("stoep"), slot | (attempts + 1) << 1)


def try_other():
    """Put the slot that does not run on trial from the next start on."""
    slot = running()
    if slot is None:
        raise ValueError("this board has no slots: its files lie flat")
    begin(1 - slot)


def _write(cell, value):
    cell.set_i32("slot", value)
    cell.commit()
