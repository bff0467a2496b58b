"""A checksum over what SQLite would hand back without a word: it knows a torn page, not a changed byte in a blob.

Sealed: the byte 2, a CRC-32 over `about` and the content, the content. `about` binds it to its row. What older releases
wrote has none; it is CBOR, an array that begins with the number 1.
"""

import zlib

import cbor2

from stoep.errors import CorruptError

_MARK = b"\x02"
_CRC = 4


def seal(content: bytes, *about: int | bytes) -> bytes:
    return _MARK + _sum(content, about) + content


def unseal(sealed: object, *about: int | bytes) -> bytes:
    """Raises CorruptError."""
    if isinstance(sealed, bytes):
        content = sealed[1 + _CRC :]
        if sealed[:1] == _MARK and sealed[1 : 1 + _CRC] == _sum(content, about):
            return content
        if sealed[:1] != _MARK and _is_old(sealed):
            return sealed
    raise CorruptError(f"a row of the store is not as it was written (checksum, {about})")


def _sum(content: bytes, about: tuple[int | bytes, ...]) -> bytes:
    number = zlib.crc32(repr(about).encode())
    return zlib.crc32(content, number).to_bytes(_CRC, "big")


def _is_old(content: bytes) -> bool:
    try:
        found = cbor2.loads(content)
    except Exception:  # noqa: BLE001 -- of garbage a decoder may say anything
        return False
    return isinstance(found, list) and found[:1] == [1]
