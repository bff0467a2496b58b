"""The line between bridge and gateway: COBS, CRC-32, and a stream that finds itself again after any garbage.

Each message is COBS(payload ‖ CRC-32, little-endian) and a zero byte. The gateway may only have as many bytes on their
way as the bridge's receive ring holds: `Credit` keeps that account from what the bridge says it has consumed.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from stoep.errors import MalformedError

BAUD = 921_600
END = b"\x00"
LONGEST = 512  # bytes between two zeros; more is garbage
FILTER_KIDS = 48  # kids in one FILTER message, so that it fits the bridge's ring
_LOOKS = 8  # messages of the bridge among which one saw an empty ring, if no byte was lost
_WRAP = 2**32
_BLOCK = 254
_MAC = 6
_CRC = 4


def cobs_encode(data: bytes) -> bytes:
    """`data` without its zeros (Cheshire and Baker, 1999)."""
    out = bytearray()
    part = b""
    for part in data.split(END):
        rest = part
        while len(rest) >= _BLOCK:
            out.append(_BLOCK + 1)
            out += rest[:_BLOCK]
            rest = rest[_BLOCK:]
        out.append(len(rest) + 1)
        out += rest
    if part and len(part) % _BLOCK == 0:
        del out[-1]  # a full block at the very end needs no empty one behind it
    return bytes(out)


def cobs_decode(data: bytes) -> bytes:
    """The inverse; `MalformedError` when `data` was cut or contains a zero."""
    out = bytearray()
    at = 0
    while at < len(data):
        code = data[at]
        block = data[at + 1 : at + code]
        if code == 0 or len(block) != code - 1 or END in block:
            raise MalformedError("not COBS")
        out += block
        at += code
        if code <= _BLOCK and at < len(data):
            out.append(0)
    return bytes(out)


def frame(payload: bytes) -> bytes:
    """The bytes that carry one message."""
    return cobs_encode(payload + zlib.crc32(payload).to_bytes(_CRC, "little")) + END


@dataclass(frozen=True)
class Hello:
    """The bridge lives; what it has consumed since its boot grants credit."""

    TYPE: ClassVar[int] = 0x01
    _FORM: ClassVar[struct.Struct] = struct.Struct(">IIH6sB6I")

    boot: int
    consumed: int
    window: int
    mac: bytes
    channel: int
    counters: tuple[int, ...]  # frames heard, filtered out, sent, send failed, serial errors, receive overflows
    release: str

    @classmethod
    def from_bytes(cls, body: bytes) -> "Hello":
        if len(body) < cls._FORM.size:
            raise MalformedError("HELLO is too short")
        boot, consumed, window, mac, channel, *counters = cls._FORM.unpack_from(body)
        release = body[cls._FORM.size :].decode("utf-8", "replace")
        return cls(boot, consumed, window, mac, channel, tuple(counters), release)

    def to_bytes(self) -> bytes:
        fields = self._FORM.pack(self.boot, self.consumed, self.window, self.mac, self.channel, *self.counters)
        return bytes((self.TYPE,)) + fields + self.release.encode()


@dataclass(frozen=True)
class HeardFrame:
    """A frame off the air, who sent it and how loud."""

    TYPE: ClassVar[int] = 0x02
    _FORM: ClassVar[struct.Struct] = struct.Struct(">I6sb")

    consumed: int
    mac: bytes
    rssi: int
    frame: bytes

    @classmethod
    def from_bytes(cls, body: bytes) -> "HeardFrame":
        if len(body) < cls._FORM.size:
            raise MalformedError("HEARD is too short")
        consumed, mac, rssi = cls._FORM.unpack_from(body)
        return cls(consumed, mac, rssi, body[cls._FORM.size :])

    def to_bytes(self) -> bytes:
        return bytes((self.TYPE,)) + self._FORM.pack(self.consumed, self.mac, self.rssi) + self.frame


@dataclass(frozen=True)
class Send:
    """Put this frame on the air for that radio."""

    TYPE: ClassVar[int] = 0x11

    mac: bytes
    frame: bytes

    @classmethod
    def from_bytes(cls, body: bytes) -> "Send":
        if len(body) <= _MAC:
            raise MalformedError("SEND is too short")
        return cls(body[:_MAC], body[_MAC:])

    def to_bytes(self) -> bytes:
        return bytes((self.TYPE,)) + self.mac + self.frame


@dataclass(frozen=True)
class Filter:
    """Which kids the bridge lets pass, and how many frames of each sender."""

    TYPE: ClassVar[int] = 0x12
    _FORM: ClassVar[struct.Struct] = struct.Struct(">BBBB")
    _KID: ClassVar[int] = 4

    part: int
    parts: int
    rate: int
    burst: int
    kids: tuple[bytes, ...]

    @classmethod
    def from_bytes(cls, body: bytes) -> "Filter":
        rest = body[cls._FORM.size :]
        if len(body) < cls._FORM.size or len(rest) % cls._KID:
            raise MalformedError("FILTER has no whole kids")
        kids = tuple(rest[at : at + cls._KID] for at in range(0, len(rest), cls._KID))
        part, parts, rate, burst = cls._FORM.unpack_from(body)
        return cls(part, parts, rate, burst, kids)

    def to_bytes(self) -> bytes:
        return bytes((self.TYPE,)) + self._FORM.pack(self.part, self.parts, self.rate, self.burst) + b"".join(self.kids)

    @classmethod
    def cut(cls, kids: Sequence[bytes], rate: int, burst: int) -> list["Filter"]:
        """As many messages as `kids` need; one when there are none, which shuts everybody out."""
        chunks = [tuple(kids[at : at + FILTER_KIDS]) for at in range(0, len(kids), FILTER_KIDS)] or [()]
        return [cls(part, len(chunks), rate, burst, chunk) for part, chunk in enumerate(chunks)]


Message = Hello | HeardFrame | Send | Filter
_TYPES: dict[int, type[Hello] | type[HeardFrame] | type[Send] | type[Filter]] = {
    kind.TYPE: kind for kind in (Hello, HeardFrame, Send, Filter)
}


def read_message(raw: bytes) -> Message:
    """The message between two zeros; `MalformedError` for anything else."""
    payload = cobs_decode(raw)
    content, crc = payload[:-_CRC], payload[-_CRC:]
    if not content or zlib.crc32(content).to_bytes(_CRC, "little") != crc:
        raise MalformedError("the CRC does not fit")
    kind = _TYPES.get(content[0])
    if kind is None:
        raise MalformedError(f"message type {content[0]:#04x} is unknown")
    return kind.from_bytes(content[1:])


class Deframer:
    """Bytes in, messages out; None for each stretch of bytes that was none."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._overlong = False

    def feed(self, data: bytes) -> Iterator[Message | None]:
        *whole, rest = data.split(END)
        for piece in whole:
            self._buffer += piece
            raw = bytes(self._buffer)
            overlong, self._overlong = self._overlong, False
            self._buffer.clear()
            if overlong or len(raw) > LONGEST:
                yield None
            elif raw:
                try:
                    message: Message | None = read_message(raw)
                except MalformedError:
                    message = None
                yield message
        self._buffer += rest
        if len(self._buffer) > LONGEST:  # a zero may never come: do not keep what can be no message
            self._buffer.clear()
            self._overlong = True


class Credit:
    """How many bytes may still be sent to the bridge.

    Bytes that a bad line loses, doubles or makes up must not eat credit for ever. More consumed than sent: nobody sent
    the rest. Never all consumed, however often one looks: as many as were always missing are lost.
    """

    def __init__(self) -> None:
        self._boot: int | None = None
        self._granted = False
        self._window = 0
        self._sent = 0
        self._consumed = 0
        self._intruded = False
        self._least = _WRAP  # the fewest bytes that were under way since they were last judged
        self._looks = 0
        self.astray = False  # as of the last HELLO: bytes were lost, or came in that nobody sent

    def hello(self, boot: int, consumed: int, window: int, *, idle: bool) -> bool:
        """A HELLO grants credit; True when the bridge has booted since the last one.

        `idle`: nothing was sent for so long that whatever is not consumed by now was lost on the line.
        """
        booted = boot != self._boot
        if booted:
            self._sent = consumed
            self._looks = 0
        self._boot, self._window, self._granted = boot, window, True
        self.consumed(consumed)
        lost = 0
        if booted or idle or self._looks >= _LOOKS:
            lost = (self._sent - consumed) % _WRAP if idle else self._least
            self._sent = (self._sent - lost) % _WRAP
            self._least, self._looks = _WRAP, 0
        self.astray, self._intruded = not booted and (lost > 0 or self._intruded), False
        return booted

    def consumed(self, consumed: int) -> None:
        if (self._sent - consumed) % _WRAP >= _WRAP // 2:
            self._sent = consumed
            self._intruded = True
        self._consumed = consumed
        self._least = min(self._least, (self._sent - consumed) % _WRAP)
        self._looks += 1

    def revoke(self) -> None:
        """Something other than the bridge's program spoke: send nothing until it says hello."""
        self._granted = False

    def room(self) -> int:
        return max(0, self._window - (self._sent - self._consumed) % _WRAP) if self._granted else 0

    def spend(self, size: int) -> None:
        self._sent = (self._sent + size) % _WRAP
