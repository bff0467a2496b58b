"""A listener with a long memory: no key may ever seal two different frames under one nonce.

It reads only what anybody in the street can: the headers. An uplink's key and nonce are given by kid and partial IV,
a reply's by kid, instance and partial IV, both for as long as the kid has the same secret: whoever gives it a new one
says so here. A group frame's are given by kid, generation and partial IV. The same bytes again are a copy and harmless,
also a copy from before the new secret.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field

_HEAD = re.compile(rb"\x83\x43\xa1\x01\x0a([\xa2\xa3])\x04\x44(.{4})\x06([\x41-\x45])", re.DOTALL)
_INSTANCE = re.compile(rb"\x0a\x44(.{4})", re.DOTALL)
_GENERATION = re.compile(rb"\x0a\x42(.{2})", re.DOTALL)
_UPLINK = b"\xa2"


@dataclass(frozen=True)
class Header:
    """What a frame says in the clear."""

    kid: bytes
    counter: int
    instance: bytes | None  # None: an uplink or a group frame
    generation: bytes | None = None  # of a lamp group

    @property
    def is_uplink(self) -> bool:
        return self.instance is None and self.generation is None


def header(frame: bytes) -> Header | None:
    """The header of a frame, or None when it is none of ours."""
    head = _HEAD.match(frame)
    if head is None:
        return None
    end = head.end() + head[3][0] - 0x40
    counter = int.from_bytes(frame[head.end() : end], "big")
    if head[1] == _UPLINK:
        return Header(head[2], counter, None)
    if instance := _INSTANCE.match(frame, end):
        return Header(head[2], counter, instance[1])
    generation = _GENERATION.match(frame, end)
    return Header(head[2], counter, None, generation[1]) if generation else None


@dataclass
class NonceBook:
    """Every (key, nonce) pair seen, and those that were used twice."""

    reused: list[Header] = field(default_factory=list)
    uplinks: int = 0  # different ones
    replies: int = 0
    group_frames: int = 0
    by_kid: Counter[bytes] = field(default_factory=Counter)  # different uplinks
    _secrets: Counter[bytes] = field(default_factory=Counter)  # by kid: how many it had before this one
    _seen: dict[tuple[int, Header], bytes] = field(default_factory=dict)
    _copied: set[bytes] = field(default_factory=set)

    def renew(self, kid: bytes) -> None:
        """This kid has a new secret: its counters and the gateway's begin again, under other keys."""
        self._secrets[kid] += 1

    def note(self, frame: bytes) -> Header | None:
        """Enter one frame."""
        of = header(frame)
        if of is None:
            return None
        digest = hashlib.blake2b(frame, digest_size=8).digest()
        if digest in self._copied:
            return of
        self._copied.add(digest)
        self.uplinks += of.is_uplink
        self.by_kid[of.kid] += of.is_uplink
        self.replies += of.instance is not None
        self.group_frames += of.generation is not None
        if self._seen.setdefault((self._secrets[of.kid], of), digest) != digest:
            self.reused.append(of)
        return of
