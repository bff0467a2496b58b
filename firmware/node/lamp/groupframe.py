"""What a lamp tells its group: one of its own motions, sealed (`groupframe` in `wire/wire.cddl`).

Key and context IV come from the group's secret, the generation and the sender's kid, the counter is the sender's alone
and never used twice in a generation. Who cannot be the sender, what is of another generation and what was said before
is dropped before any cryptography, so that a copy costs nothing; a frame of another night finds no generation.
"""

from micropython import const

from node import cbor, ccm, frame

HIGHEST = const(65535)  # of generation, event and age

_HEAD = const(b"\x83\x43\xa1\x01\x0a\xa3\x04\x44")  # as a reply's; what follows the partial IV is shorter
_CONTEXT = const(b"\x0a\x42")
_AAD = const(b"\x83\x68Encrypt0\x43\xa1\x01\x0a\x40")
_SHORTEST = const(29)
_LONGEST = const(43)


def keys(secret, generation, kid):
    """Those of one sender in one generation."""
    return frame.Keys(secret, generation.to_bytes(2, "big") + kid)


def seal(own, kid, generation, counter, event, age):
    """The frame of the motion `event`, `age` ms ago; `own` are the sender's keys, which never see `counter` again.

    One motion is told several times, each under a counter of its own; its `event` stays the same, and is not one of the
    sender's eight before it.
    """
    piv = frame.shortest(counter)
    out = bytearray(_HEAD)
    out.extend(kid)
    out.append(0x06)
    cbor.write(out, piv)
    out.extend(_CONTEXT)
    out.extend(generation.to_bytes(2, "big"))
    plain = cbor.encode((event & HIGHEST, min(age, HIGHEST)))
    cbor.write(out, ccm.seal(own.key, own.nonce(counter), _AAD, plain))
    return out


class Group:
    """The lamps whose `kids` are in the order of the street, as number `own` of them hears them in one generation."""

    def __init__(self, secret, generation, kids, own):
        self._secret = secret
        self._generation = generation
        self._label = _CONTEXT + generation.to_bytes(2, "big")
        self._kids = kids
        self._keys = [None] * len(kids)  # made when that lamp is first heard
        self._counters = [0] * len(kids)
        self._counters[own] = frame.COUNTER_HIGHEST  # what comes back of its own is a copy

    def open(self, data):
        """(lamp, event, age in ms) of a group frame that is news; None for anything else, whatever it is."""
        at = self._sealed_at(data)
        kid = bytes(data[8:12])
        if not at or kid not in self._kids:
            return None
        lamp = self._kids.index(kid)
        counter = int.from_bytes(data[14 : at - 5], "big")
        if counter <= self._counters[lamp]:
            return None
        known = self._keys[lamp]
        if known is None:
            known = self._keys[lamp] = keys(self._secret, self._generation, kid)
        plain = ccm.unseal(known.key, known.nonce(counter), _AAD, data[at:])
        if plain is None:
            return None
        self._counters[lamp] = counter
        said = _said(plain)
        return said and (lamp, said[0], said[1])

    def _sealed_at(self, data):
        # Where the ciphertext of a frame of this generation begins; 0: it is none.
        if not _SHORTEST <= len(data) <= _LONGEST or bytes(data[:8]) != _HEAD or data[12] != 0x06:
            return 0
        at = data[13] - 0x40 + 19
        if not 20 <= at <= 24 or data[14] == 0 or at + 8 >= len(data):
            return 0
        return at if bytes(data[at - 5 : at - 1]) == self._label and data[at - 1] == 0x40 + len(data) - at else 0


def _said(plain):
    try:
        said = cbor.decode(plain)
    except cbor.Malformed:
        return None
    if not isinstance(said, list) or len(said) != 2:
        return None
    for number in said:
        if not isinstance(number, int) or not 0 <= number <= HIGHEST:
            return None
    return said
