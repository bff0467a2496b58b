"""What an attacker makes of frames that were in the air: cut, flipped, spliced, under other names."""

import random
from collections.abc import Iterator

_AT_KID = 8
_KID = 4


def cuts(frame: bytes) -> Iterator[bytes]:
    """The frame cut at each length, from one byte to all but one."""
    for length in range(1, len(frame)):
        yield frame[:length]


def flips(frame: bytes) -> Iterator[bytes]:
    """The frame with each of its bits flipped, one at a time."""
    for bit in range(8 * len(frame)):
        flipped = bytearray(frame)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)


def splices(one: bytes, other: bytes) -> Iterator[bytes]:
    """The beginning of one frame and the end of another, joined at each place where they would differ from both."""
    for at in range(1, min(len(one), len(other))):
        for spliced in (one[:at] + other[at:], one[:-at] + other[-at:]):
            if spliced not in (one, other):
                yield spliced


def renamed(frame: bytes, kid: bytes) -> bytes:
    """The same frame under another kid."""
    return frame[:_AT_KID] + kid + frame[_AT_KID + _KID :]


def renumbered(frame: bytes, counter: int) -> bytes:
    """The same uplink under another counter."""
    at = _AT_KID + _KID + 1
    end = at + 1 + frame[at] - 0x40
    number = counter.to_bytes((counter.bit_length() + 7) // 8, "big")
    return frame[:at] + bytes((0x40 + len(number),)) + number + frame[end:]


def strangers(frame: bytes, count: int, chance: random.Random) -> Iterator[bytes]:
    """The frame under kids that nobody knows."""
    for _ in range(count):
        yield renamed(frame, b"\xee" + chance.randbytes(_KID - 1))


def kid_of(frame: bytes) -> bytes:
    """The kid in the header of a frame of ours, up or down."""
    return frame[_AT_KID : _AT_KID + _KID]


def is_uplink(frame: bytes) -> bool:
    """Whether it has the head of an uplink."""
    return frame[:_AT_KID] == bytes.fromhex("8343a1010aa20444")
