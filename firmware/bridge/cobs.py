"""The serial line's framing: COBS with a CRC-32, one zero byte behind each message.

Consistent Overhead Byte Stuffing (Cheshire and Baker, 1999) takes the zero bytes out of a message, so that a zero
can only be an end; whatever garbage came before, the next message begins behind it.
"""

from binascii import crc32

from micropython import const

_RUN = const(254)  # the longest block without a zero


def pack(payload):
    """The bytes that carry `payload` on the line, the ending zero included."""
    message = bytes(payload) + (crc32(payload) & 0xFFFFFFFF).to_bytes(4, "little")
    out = bytearray()
    for block in message.split(b"\x00"):
        at = 0
        while len(block) - at >= _RUN:
            out.append(_RUN + 1)
            out.extend(block[at : at + _RUN])
            at += _RUN
        out.append(len(block) - at + 1)
        out.extend(block[at:])
    out.append(0)
    return out


def unpack(line):
    """The payload of what stood between two zeros, or None when it is no whole message."""
    message = bytearray()
    at = 0
    while at < len(line):
        code = line[at]
        end = at + code
        if code == 0 or end > len(line):
            return None
        message.extend(line[at + 1 : end])
        at = end
        if code <= _RUN and at < len(line):
            message.append(0)
    if len(message) < 5:
        return None
    payload = bytes(message[:-4])
    return payload if crc32(payload) & 0xFFFFFFFF == int.from_bytes(message[-4:], "little") else None
