"""Sealed frames: COSE_Encrypt0 (RFC 9052 section 5.2), byte-exact as `wire/wire.cddl` draws them.

A frame is looked at by its fixed header first and by cryptography last.
"""

from micropython import const

from node import cbor, ccm
from node.kdf import hkdf

LONGEST = const(250)  # one ESP-NOW frame
PLAIN_LONGEST = const(221)  # what fits beside the longest header, byte-string head and tag
COUNTER_HIGHEST = 0xFFFFFFFFFF

UPLINK = b"\x83\x43\xa1\x01\x0a\xa2\x04\x44"  # [h'A1010A', {4: kid…
_DOWN = const(b"\x83\x43\xa1\x01\x0a\xa3\x04\x44")
_AAD = const(b"\x83\x68Encrypt0\x43\xa1\x01\x0a")  # Enc_structure up to the external data


class Keys:
    """Key and context IV of one direction."""

    def __init__(self, secret, purpose):
        okm = hkdf(secret, purpose, 29)
        self.key = okm[:16]
        self._iv = okm[16:]

    def nonce(self, counter):
        """The context IV xor the partial IV (RFC 9052 section 3.1)."""
        nonce = bytearray(self._iv)
        at = 12
        while counter:
            nonce[at] ^= counter & 0xFF
            counter >>= 8
            at -= 1
        return nonce


def shortest(counter):
    """The partial IV of a counter."""
    size = 1
    while counter >> (8 * size):
        size += 1
    return counter.to_bytes(size, "big")


def seal_uplink(keys, kid, counter, plain):
    """The frame for `plain` under `counter`, which is never used again for this secret."""
    frame = bytearray(UPLINK)
    frame.extend(kid)
    frame.append(0x06)
    cbor.write(frame, shortest(counter))
    cbor.write(frame, ccm.seal(keys.key, keys.nonce(counter), _AAD + b"\x40", plain))
    return frame


def reply_head(kid, frame):
    """(instance, counter, where the ciphertext begins) by the outside of a reply to the node `kid`; None for others."""
    if not 30 <= len(frame) <= LONGEST or bytes(frame[:8]) != _DOWN or bytes(frame[8:12]) != kid or frame[12] != 0x06:
        return None
    size = frame[13] - 0x40
    at = 14 + size
    if not 1 <= size <= 5 or frame[14] == 0 or len(frame) < at + 15 or frame[at] != 0x0A or frame[at + 1] != 0x44:
        return None
    return bytes(frame[at + 2 : at + 6]), int.from_bytes(frame[14:at], "big"), at + 6


def open_reply(secret, kid, counter, frame):
    """(instance, plaintext) of a reply to our uplink `counter`; None for anything else, whatever it is."""
    head = reply_head(kid, frame)
    if head is None:
        return None
    instance, own, at = head
    try:
        sealed, end = cbor.read(frame, at)
    except cbor.Malformed:
        return None
    if end != len(frame) or not isinstance(sealed, bytes):
        return None
    keys = Keys(secret, b"down" + instance)
    aad = _AAD + b"\x49" + kid + counter.to_bytes(5, "big")
    plain = ccm.unseal(keys.key, keys.nonce(own), aad, sealed)
    return None if plain is None else (instance, plain)
