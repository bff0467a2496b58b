"""Giving a board its identity: what the technician's tool runs on it, once for each flashing."""

from node import flash, identity
from node.life import Life
from node.links import account


def write(kind, channel, kid=None, secret=None, wifi=None):
    """Make this board a `kind` on radio `channel`; a node needs its 4-byte kid and a new 32-byte secret.

    `wifi`, for a lamppost: {"network": …, "key": …, "host": …, "port": …}, the access point and the local broker.

    A board that was another node may still hold readings of that one, and they must not go out under the new name:
    ValueError. The order matters when the power goes in between: without an identity a board only says that it must be
    commissioned, so the counters of the new secret are begun first.
    """
    if kind == "bridge":
        if kid is not None or secret is not None:
            raise ValueError("a bridge holds no keys")
    elif kid is None or secret is None or len(kid) != 4 or len(secret) != 32:
        raise ValueError("a node needs a kid of 4 bytes and a secret of 32")
    if not 1 <= channel <= 13:
        raise ValueError("radio channel must be 1 to 13")
    known = account.Account(**wifi) if wifi else None
    if known and kind != "lamppost":
        raise ValueError("only a lamppost has the power for Wi-Fi")
    device = flash.partition()
    was = identity.load(device)
    if was is not None and was.kid is not None and was.kid != kid:
        raise ValueError("this board was node %s and may hold its readings: erase its flash first" % was.kid.hex())
    identity.store(device, "none", channel, kid, None)
    if kid is not None:
        Life(device).begin()
    identity.store(device, kind, channel, kid, secret)
    if known:
        account.write(device, known)
