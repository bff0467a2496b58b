"""What the gateway wishes a node to be: its settings, taken whole or not at all, and given back when they cut it off.

Those of link and power are on probation: when nobody answers so many attempts under them, the last good ones return.
The first reply that is opened ends it. Nothing here writes flash unless something changes.
"""

from micropython import const

from node import cbor, flash
from node.generated.options import KNOWN

_ATTEMPTS = const(20)
_HIGHEST = 0xFFFFFFFF
_FULL, _EMPTY = const(4), const(3)


def fingerprint(kept):
    """The version of settings as they are kept."""
    return flash.crc32(kept or b"\xa0")


def flaw(wanted):
    """The id of the first setting that cannot be as `wanted` {id: value} says, or None."""
    for key in sorted(wanted):
        if key not in KNOWN:
            return key
        _, _, lowest, highest, _ = KNOWN[key]
        if not isinstance(wanted[key], int) or not lowest <= wanted[key] <= highest:
            return key
    return _FULL if _value(wanted, _FULL) >= _value(wanted, _EMPTY) else None


def take(life, memory, wanted):
    """Live by `wanted` {id: value} from the next wake on, or refuse it; the next report says which."""
    from node.memory import HEALTH

    old, new = life.settings() or b"\xa0", cbor.encode(wanted)
    if new == old:
        return
    memory.untold |= HEALTH
    wrong = flaw(wanted)
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
    from node.memory import HEALTH

    good = life.good()
    if not good or memory.unanswered < _ATTEMPTS:
        return
    if good != life.settings():
        memory.refused, memory.flaw = fingerprint(life.settings()), 0
        memory.untold |= HEALTH
        life.keep_settings(good)
        print("settings back=%08x given_up=%08x" % (fingerprint(good), memory.refused))
    life.keep_good(b"")


def _value(wanted, key):
    return wanted.get(key, KNOWN[key][1])


def _is_risky(old, wanted):
    return any(KNOWN[key][4] and _value(old, key) != _value(wanted, key) for key in KNOWN)
