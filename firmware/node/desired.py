"""What the gateway wishes a node to be: its settings, taken whole or not at all, and given back when they cut it off.

Those of link and power are on probation: when nobody answers so many attempts under them, the last good ones return.
The first reply that is opened ends it. Nothing here writes flash unless something changes.
"""

from micropython import const

from node import cbor, flash
from node.generated.options import KNOWN

_ATTEMPTS = const(20)
_HIGHEST = 0xFFFFFFFF
_FULL = const(4)
_EMPTY = const(3)
_LINK = const(9)


def fingerprint(kept):
    """The version of settings as they are kept."""
    return flash.crc32(kept or b"\xa0")


def flaw(wanted, kind=None):
    """The id of the first setting that cannot be as `wanted` {id: value} says on a node of this kind, or None."""
    for key in sorted(wanted):
        if key not in KNOWN:
            return key
        _, _, lowest, highest, _ = KNOWN[key]
        if not isinstance(wanted[key], int) or not lowest <= wanted[key] <= highest:
            return key
    if _value(wanted, _LINK) and kind != "lamppost":
        return _LINK  # Wi-Fi is for whoever hangs on the mains
    return _FULL if _value(wanted, _FULL) >= _value(wanted, _EMPTY) else None


def take(life, memory, wanted, kind=None):
    """Live by `wanted` {id: value} from the next wake on, or refuse it; the next report says which."""
    from node.memory import HEALTH

    old, new = life.settings() or b"\xa0", cbor.encode(wanted)
    if new == old:
        return
    memory.untold |= HEALTH
    wrong = flaw(wanted, kind)
    if wrong is not None:
        memory.refused, memory.flaw = fingerprint(new), min(wrong or _HIGHEST, _HIGHEST)
        print("settings refused=%08x setting=%d" % (memory.refused, wrong))
        return
    if _is_risky(cbor.decode(old), wanted):
        life.keep_good(old)
        memory.unanswered = 0
    life.keep_settings(new)
    memory.refused = memory.flaw = 0
    print("settings taken=%08x probation=%d" % (fingerprint(new), 1 if life.good() else 0))


def answered(life):
    """Somebody answered a node that lives by these settings: they are good."""
    if life.good():
        life.keep_good(b"")
        print("settings good=%08x" % fingerprint(life.settings()))


def unanswered(life, memory):
    """Nobody did; after so many attempts the last good ones return."""
    if life.good() and memory.unanswered >= _ATTEMPTS:
        give_up(life, memory, 0)


def give_up(life, memory, reason):
    """Back to the last good settings, for the `reason` that is told: `[refusals]` in channels.toml, or 0.

    Settings that were good until now stay when a reason comes up: the gateway is told, and who else should choose?
    """
    from node.memory import HEALTH

    good, now = life.good(), life.settings()
    if good == now:  # the power went before these were written
        life.keep_good(b"")
        return
    if (memory.refused, memory.flaw) != (fingerprint(now), reason):
        memory.refused, memory.flaw = fingerprint(now), reason
        memory.untold |= HEALTH
        print("settings back=%08x given_up=%08x reason=%d" % (fingerprint(good or now), memory.refused, reason))
    if good:
        life.keep_settings(good)
        life.keep_good(b"")


def _value(wanted, key):
    return wanted.get(key, KNOWN[key][1])


def _is_risky(old, wanted):
    return any(KNOWN[key][4] and _value(old, key) != _value(wanted, key) for key in KNOWN)
