"""Who this board is: written once when it is commissioned, read at each boot."""

from micropython import const

from node import cbor, flash
from node.cells import Cells

_IDENTITY = const(1)  # the one cell of the identity sectors


class Identity:
    """`kind` and radio `channel` of any board; `kid` and `secret` of a node, None on a bridge."""

    def __init__(self, kind, channel, kid, secret):
        self.kind = kind
        self.channel = channel
        self.kid = kid
        self.secret = secret


def load(device):
    """The board's identity, or None when it must be commissioned."""
    value = Cells(device, flash.IDENTITY).get(_IDENTITY)
    if value is None:
        return None
    try:
        kind, channel, kid, secret = cbor.decode(value)
    except ValueError:
        return None
    return Identity(kind.decode(), channel, kid, secret)


def store(device, kind, channel, kid, secret):
    """Write the identity, replacing an older one."""
    cells = Cells(device, flash.IDENTITY)
    cells.wipe()
    cells.put(_IDENTITY, cbor.encode([kind.encode(), channel, kid, secret]))
