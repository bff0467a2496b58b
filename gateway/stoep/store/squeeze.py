"""Bytes that are written once and read once take a third of their room on the card: JSON and CBOR repeat themselves."""

import json
import zlib

from stoep.errors import CorruptError

_LEVEL = 6
_SQUEEZED = 0x78  # zlib's first byte (RFC 1950); JSON begins with "{", a row of the log with CBOR's 0x83


def squeeze(content: bytes) -> bytes:
    return zlib.compress(content, _LEVEL)


def whole(content: bytes) -> bytes:
    """The inverse; what an older release wrote is whole already. Raises ValueError."""
    if content[:1] != bytes((_SQUEEZED,)):
        return content
    try:
        return zlib.decompress(content)
    except zlib.error as error:
        raise ValueError(f"is not as it was squeezed ({error})") from error


def whole_message(payload: object) -> bytes:
    """What was squeezed has an Adler-32, an older release's message must be JSON. Raises CorruptError."""
    if not isinstance(payload, bytes):
        raise CorruptError("a message of the outbox is no blob")
    try:
        message = whole(payload)
        if message is payload:
            json.loads(message)
    except ValueError as error:
        raise CorruptError(f"a message of the outbox is not as it was written ({error})") from error
    return message
