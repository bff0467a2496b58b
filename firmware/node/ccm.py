"""AES-CCM-16-64-128 (RFC 3610; COSE algorithm 10) out of the two modes that stock MicroPython has.

Two calls into C do the work: the CBC-MAC is the last block of a CBC encryption with a zero IV,
the keystream is one ECB encryption of the counter blocks. 13-byte nonce, 8-byte tag, at most 65,535 bytes.
"""

from cryptolib import aes
from micropython import const

_ECB = const(1)
_CBC = const(2)
_TAG = const(8)
_FLAGS = const(0x19)  # tag of 8 bytes, length field of 2 (RFC 3610 section 2.2)
_ADATA = const(0x40)
_NO_IV = bytes(16)


def _pad(blocks):
    blocks.extend(bytes(-len(blocks) % 16))


def _mac(key, nonce, aad, plain):
    blocks = bytearray()
    blocks.append(_FLAGS | (_ADATA if aad else 0))
    blocks.extend(nonce)
    blocks.extend(len(plain).to_bytes(2, "big"))
    if aad:
        blocks.extend(len(aad).to_bytes(2, "big"))
        blocks.extend(aad)
        _pad(blocks)
    blocks.extend(plain)
    _pad(blocks)
    aes(key, _CBC, _NO_IV).encrypt(blocks, blocks)
    return blocks[-16 : -16 + _TAG]


def _keystream(key, nonce, length):
    count = (length + 15) // 16 + 1  # block 0 hides the tag
    blocks = bytearray(count * 16)
    for index in range(count):
        at = index * 16
        blocks[at] = 1
        blocks[at + 1 : at + 14] = nonce
        blocks[at + 14] = index >> 8
        blocks[at + 15] = index & 0xFF
    aes(key, _ECB).encrypt(blocks, blocks)
    return blocks


def _xor(one, other):
    # Long integers in C are faster than a loop of bytes, and this is not a hot path.
    if not one:
        return b""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")


def seal(key, nonce, aad, plain):
    """Ciphertext followed by the 8-byte tag."""
    tag = _mac(key, nonce, aad, plain)
    stream = _keystream(key, nonce, len(plain))
    return _xor(plain, stream[16 : 16 + len(plain)]) + _xor(tag, stream[:_TAG])


def unseal(key, nonce, aad, sealed):
    """The plaintext, or None when the tag does not fit."""
    length = len(sealed) - _TAG
    if length < 0:
        return None
    stream = _keystream(key, nonce, length)
    plain = _xor(sealed[:length], stream[16 : 16 + length])
    expected = _xor(_mac(key, nonce, aad, plain), stream[:_TAG])
    different = 0  # compare in constant time
    for index in range(_TAG):
        different |= expected[index] ^ sealed[length + index]
    return None if different else plain
