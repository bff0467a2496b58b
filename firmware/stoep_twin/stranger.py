"""Somebody beside the street who has a radio and no key: hears what the lamps tell each other, and says it again."""

from __future__ import annotations

import asyncio
import random

from stoep_twin.air import BROADCAST, Air, Radio

_MAC = b"\x02strng"
_GROUP = bytes.fromhex("8343a1010aa30444")  # how a group frame begins, and a reply
_LONGEST, _COUNTER_AT, _COUNTED = 43, 13, range(0x42, 0x46)
_APART_S = 0.002


class Stranger:
    """Its radio stands `metres` along the street, on the lamps' channel."""

    def __init__(self, air: Air, metres: float, channel: int) -> None:
        self._air = air
        self._chance = random.Random("stranger")
        self._radio = Radio(_MAC, metres, False, self._hear, listening=True, channel=channel, stranger=True)
        self.frames: list[bytes] = []
        self.said = 0
        air.join(self._radio)

    def _hear(self, _sender: bytes, _rssi: int, frame: bytes) -> None:
        if frame.startswith(_GROUP) and len(frame) <= _LONGEST:
            self.frames.append(frame)

    async def say_again(self) -> None:
        """Everything it has heard, as it was and with a bit changed, and once under a counter that is still to come."""
        for frame in self.frames.copy():
            changed = bytearray(frame)
            changed[self._chance.randrange(len(frame))] ^= 1 << self._chance.randrange(8)
            for false in (frame, bytes(changed), self._later(frame)):
                await self._say(false)

    async def flood(self) -> None:
        """Frames that only cryptography can tell from a lamp's, until it is cancelled."""
        while True:
            if self.frames:
                await self._say(self._later(self._chance.choice(self.frames)))
            else:
                await asyncio.sleep(_APART_S)

    async def _say(self, frame: bytes) -> None:
        self._air.transmit(self._radio, BROADCAST, frame, lambda _heard: None)
        self.said += 1
        await asyncio.sleep(_APART_S)

    def _later(self, frame: bytes) -> bytes:
        # The highest byte but one of its counter is raised: no key was needed for that, and none fits.
        forged = bytearray(frame)
        if forged[_COUNTER_AT] in _COUNTED:
            forged[_COUNTER_AT + 2] = min(forged[_COUNTER_AT + 2] + self._chance.randrange(1, 100), 255)
        return bytes(forged)
