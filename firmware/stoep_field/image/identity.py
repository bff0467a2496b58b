"""Who a board is, in the first sectors of its partition `stoep`: as `node/identity.py` and `node/life.py` read it.

A new secret begins with counter 1. The epoch goes on where the board already had one, so that what it still holds of
its life before is told apart from what comes.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

import cbor2

from stoep_field.folder import Wifi
from stoep_field.image import cells
from stoep_field.image.layout import BLANK, SECTOR

BRIDGE = "bridge"
KID, SECRET = 4, 32  # bytes
HEAD = 4 * SECTOR  # identity and life; the ring is behind them
_IDENTITY, _ACCOUNT = 1, 2  # the cells of the identity sectors
_GROWING, _SETTINGS = 1, 2  # of the life's
_GROWN = struct.Struct("<HQ")  # epoch, counters below which are spent
_FIELDS = 4


@dataclass(frozen=True)
class Identity:
    """`kid` and `secret` are None on a bridge, `wifi` on all but some lampposts; no secret ever shows in a log."""

    kind: str
    channel: int
    kid: bytes | None = None
    secret: bytes | None = field(default=None, repr=False)
    wifi: Wifi | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Held:
    """What a board's flash said of it before it was flashed."""

    identity: Identity | None
    epoch: int


def head(who: Identity, epoch: int, settings: Mapping[int, int]) -> bytes:
    """The sectors before the ring, of a board whose next cold boot begins the epoch after `epoch`."""
    named = {_IDENTITY: cbor2.dumps([who.kind.encode(), who.channel, who.kid, who.secret])}
    if who.wifi is not None:
        known = who.wifi
        named[_ACCOUNT] = cbor2.dumps([known.network.encode(), known.key.encode(), known.host.encode(), known.port])
    life: dict[int, bytes] = {}
    if who.kid is not None:
        life[_GROWING] = _GROWN.pack(epoch, 1)
    if settings:
        life[_SETTINGS] = cbor2.dumps(dict(sorted(settings.items())))
    blank = BLANK * SECTOR
    return cells.write(named) + blank + (cells.write(life) if life else blank) + blank


def read(sectors: bytes) -> Held:
    """What `sectors`, the head of a partition `stoep`, say; of a board that never was one of ours: nobody."""
    life = cells.read(sectors[2 * SECTOR :])
    grown = life.values.get(_GROWING, b"")
    epoch = _GROWN.unpack(grown)[0] if len(grown) == _GROWN.size else 0
    return Held(_identity(cells.read(sectors).values.get(_IDENTITY)), epoch + life.torn)


def _identity(value: bytes | None) -> Identity | None:
    try:
        found = cbor2.loads(value) if value is not None else None
    except cbor2.CBORDecodeError:
        return None
    if not isinstance(found, list) or len(found) != _FIELDS or not isinstance(found[0], bytes):
        return None
    kind, channel, kid, secret = found
    return Identity(kind.decode(errors="replace"), channel, kid, secret)
