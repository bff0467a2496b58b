"""HKDF-SHA-256 (RFC 5869) on a board whose hashlib has sha256 and no hmac."""

from hashlib import sha256

from micropython import const

_BLOCK = const(64)
_HASH = const(32)


def hmac(key, message):
    """HMAC-SHA-256 (RFC 2104): 32 bytes."""
    if len(key) > _BLOCK:
        key = sha256(key).digest()
    inner = bytearray(b"\x36" * _BLOCK)
    outer = bytearray(b"\x5c" * _BLOCK)
    for index in range(len(key)):
        inner[index] ^= key[index]
        outer[index] ^= key[index]
    digest = sha256(inner)
    digest.update(message)
    outer.extend(digest.digest())
    return sha256(outer).digest()


def hkdf(secret, info, length, salt=b""):
    """`length` bytes (at most 8,160) derived from `secret` for the purpose `info`."""
    key = hmac(salt or bytes(_HASH), secret)
    out = bytearray()
    block = b""
    while len(out) < length:
        block = hmac(key, block + info + bytes((len(out) // _HASH + 1,)))
        out.extend(block)
    return bytes(out[:length])
