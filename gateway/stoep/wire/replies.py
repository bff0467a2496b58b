"""What the gateway answers, as `wire.cddl` says it: a challenge, or what it has and what it wishes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import cbor2

from stoep.errors import MalformedError
from stoep.wire.light import Light, read_light
from stoep.wire.messages import Place
from stoep.wire.shape import U32, decode, integer, listed, rising

_CHALLENGE = b"\x00"
_EPOCH = 65535
_U64 = 2**64 - 1
_RANGES, _ALARMS, _SETTINGS = 4, 8, 16  # wire.cddl: at most
_LONGEST = 215  # bytes, beside the longest header a frame has
DURABLE, RECEIVED, ALARMS_HELD, UTC, SETTINGS, LIGHT = 1, 2, 3, 4, 5, 6


@dataclass(frozen=True)
class Challenge:
    """Authentic, but not for this instance; the header says which is. Nothing was taken."""

    def to_bytes(self) -> bytes:
        return _CHALLENGE


@dataclass(frozen=True)
class Answer:
    """What the gateway has: `durable` on disk, `received` beyond it, `alarms` of the frame answered on disk."""

    durable: Place
    received: Sequence[tuple[int, int, int]] = ()
    alarms: Sequence[tuple[int, int]] = ()
    utc: int | None = None
    settings: Mapping[int, int] | None = None  # as the node shall be, by id
    light: Light | None = None  # tonight's, its times since the tick of the frame answered

    def to_bytes(self) -> bytes:
        content: dict[int, object] = {DURABLE: list(self.durable)}
        if self.received:
            content[RECEIVED] = [list(item) for item in self.received[:_RANGES]]
        if self.alarms:
            content[ALARMS_HELD] = [list(item) for item in self.alarms[:_ALARMS]]
        if self.utc is not None and 0 <= self.utc <= U32:
            content[UTC] = self.utc
        plain = cbor2.dumps(content)
        wishes = {SETTINGS: dict(sorted((self.settings or {}).items())), LIGHT: self.light and self.light.content()}
        for key, wish in wishes.items():
            if wish:
                more = cbor2.dumps({**content, key: wish})
                if len(more) <= _LONGEST:  # else it waits for a shorter reply
                    content[key], plain = wish, more
        return plain


def _ranges(part: object) -> list[tuple[int, int, int]]:
    return [
        (integer(epoch, 0, _EPOCH), integer(first, 0, U32), integer(last, 0, U32))
        for epoch, first, last in (listed(item, 3, 3) for item in listed(part, 1, _RANGES))
    ]


def version_of(settings: Mapping[int, int]) -> int:
    """The fingerprint by which both sides know these settings, see wire.cddl."""
    return crc32(cbor2.dumps(dict(sorted(settings.items()))))


def _settings(part: object) -> dict[int, int]:
    if type(part) is not dict or not 1 <= len(part) <= _SETTINGS:
        raise MalformedError("no map of settings")
    rising(part, _U64)
    return {key: integer(value, 0, U32) for key, value in part.items()}


def read_reply(plain: bytes) -> Answer | Challenge:
    """A reply's content as the node reads it; for tests and for whoever plays a node."""
    content = decode(plain)
    if type(content) is int and content == 0:
        return Challenge()
    known = {DURABLE, RECEIVED, ALARMS_HELD, UTC, SETTINGS, LIGHT}
    if type(content) is not dict or DURABLE not in content or not set(content) <= known:
        raise MalformedError("neither a challenge nor an answer")
    rising(content)
    epoch, seq = listed(content[DURABLE], 2, 2)
    alarms = listed(content[ALARMS_HELD], 1, _ALARMS) if ALARMS_HELD in content else []
    return Answer(
        durable=Place(integer(epoch, 0, _EPOCH), integer(seq, 0, U32)),
        received=_ranges(content[RECEIVED]) if RECEIVED in content else (),
        alarms=[(integer(e, 0, _EPOCH), integer(n, 0, U32)) for e, n in (listed(item, 2, 2) for item in alarms)],
        utc=integer(content[UTC], 0, U32) if UTC in content else None,
        settings=_settings(content[SETTINGS]) if SETTINGS in content else None,
        light=read_light(content[LIGHT]) if LIGHT in content else None,
    )
