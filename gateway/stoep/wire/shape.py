"""What both kinds of messages are made of: CBOR in its shortest form only, and nothing but what is asked for.

Everything here raises MalformedError.
"""

import cbor2

from stoep.errors import MalformedError

U32 = 2**32 - 1


def integer(value: object, lowest: int, highest: int) -> int:
    if type(value) is not int or not lowest <= value <= highest:
        raise MalformedError(f"{value!r:.40} is not an integer within {lowest}..{highest}")
    return value


def listed(value: object, least: int = 1, most: int = U32) -> list[object]:
    if type(value) is not list or not least <= len(value) <= most:
        raise MalformedError(f"{value!r:.40} is not an array of {least} or more")
    return value


def rising(parts: dict[object, object], highest: int = U32) -> None:
    """Keys are numbers in rising order: one content, one form."""
    keys = [integer(key, 0, highest) for key in parts]
    if keys != sorted(keys):
        raise MalformedError("keys out of order")


def decode(plain: bytes) -> object:
    try:
        content = cbor2.loads(plain)
        canonical = cbor2.dumps(content)
    except Exception as error:  # whatever a CBOR library raises on a stranger's bytes
        raise MalformedError(f"not CBOR: {type(error).__name__}") from error
    if canonical != plain:
        raise MalformedError("not the shortest form, or more than one item")
    return content  # type: ignore[no-any-return, unused-ignore]
