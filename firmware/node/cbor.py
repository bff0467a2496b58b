"""The part of CBOR (RFC 8949) the wire uses: integers, byte strings, arrays, maps, null.

Shortest forms only (section 4.2.1), in both directions: one meaning has one spelling, so a frame
can be compared, counted and budgeted by its bytes.
"""

from micropython import const

_DEEPEST = const(6)  # report → map → runs → run → list → past → value; a hostile nesting must not reach the C stack


class Malformed(ValueError):  # noqa: N818 (the word of RFC 8949)
    """The bytes are not in the subset, or not in their shortest form."""


def head(out, major, number):
    """Append the head of an item: major type and argument, in the shortest form (section 3)."""
    major <<= 5
    if number < 24:
        out.append(major | number)
        return
    if number < 0x100:
        size = 1
    elif number < 0x10000:
        size = 2
    elif number < 0x100000000:
        size = 4
    else:
        size = 8
    out.append(major | (23 + (1, 2, 4, 8).index(size) + 1))
    out.extend(number.to_bytes(size, "big"))


def size(number):
    """How many bytes an integer takes."""
    if number < 0:
        number = -1 - number
    if number < 24:
        return 1
    return 2 if number < 0x100 else 3 if number < 0x10000 else 5 if number < 0x100000000 else 9


def write(out, thing):
    """Append `thing` (int, bytes, list, tuple, dict, None) to the bytearray `out`; maps in the order given."""
    if thing is None:
        out.append(0xF6)
    elif isinstance(thing, int):
        if thing < 0:
            head(out, 1, -1 - thing)
        else:
            head(out, 0, thing)
    elif isinstance(thing, (bytes, bytearray, memoryview)):
        head(out, 2, len(thing))
        out.extend(thing)
    elif isinstance(thing, dict):
        head(out, 5, len(thing))
        for key in sorted(thing):
            write(out, key)
            write(out, thing[key])
    else:
        head(out, 4, len(thing))
        for item in thing:
            write(out, item)


def encode(thing):
    """The bytes of `thing`."""
    out = bytearray()
    write(out, thing)
    return bytes(out)


def read(data, at=0, depth=0):
    """One item of `data` from offset `at`: (item, offset behind it). Raises Malformed."""
    if at >= len(data) or depth > _DEEPEST:
        raise Malformed("truncated or too deep")
    major = data[at] >> 5
    if major == 7:
        if data[at] != 0xF6:
            raise Malformed("only null of the simple values")
        return None, at + 1
    number, at = _read_argument(data, at)
    if major == 0:
        return number, at
    if major == 1:
        return -1 - number, at
    if number > len(data) - at:
        raise Malformed("truncated")
    if major == 2:
        return bytes(data[at : at + number]), at + number
    if major == 4:
        return _read_array(data, at, number, depth)
    if major == 5:
        return _read_map(data, at, number, depth)
    raise Malformed("not in the subset")


def _read_argument(data, at):
    number = data[at] & 31
    at += 1
    if number < 24:
        return number, at
    width = number - 24
    if width > 3:
        raise Malformed("indefinite or reserved")
    width = 1 << width
    if at + width > len(data):
        raise Malformed("truncated")
    number = int.from_bytes(data[at : at + width], "big")
    if number < (24 if width == 1 else 1 << (width * 4)):
        raise Malformed("not the shortest form")
    return number, at + width


def _read_array(data, at, count, depth):
    items = []
    for _ in range(count):
        item, at = read(data, at, depth + 1)
        items.append(item)
    return items, at


def _read_map(data, at, pairs, depth):
    things = {}
    last = -1
    for _ in range(pairs):
        key, at = read(data, at, depth + 1)
        if not isinstance(key, int) or key <= last:
            raise Malformed("keys are integers and rise")
        last = key
        things[key], at = read(data, at, depth + 1)
    return things, at


def decode(data):
    """The one item that `data` is. Raises Malformed, also on bytes left over."""
    thing, at = read(data)
    if at != len(data):
        raise Malformed("bytes left over")
    return thing
