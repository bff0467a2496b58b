"""Somebody with a radio in the street: hears everything, says what it likes, under whatever address it likes."""

import asyncio
import random
from collections.abc import Iterable

import attack_frames

from stoep_twin.air import BROADCAST, Air, Radio

_METRES = 40.0
_OWN = bytes.fromhex("0200000000ff")
_LAST_CHALLENGE_S = 0.3
_ADDRESSES = 100  # more than a bridge answers, fewer than make it begin anew: each frame must be accounted for
_REPLIES_AT_ONCE = 4  # what fits between an uplink and the true reply


class Attacker:
    """Stands in the middle of the street."""

    def __init__(self, air: Air, channel: int, seed: int) -> None:
        self._air = air
        self._channel = channel
        self._chance = random.Random(f"{seed}/attacker")
        self._radio = self._as(_OWN)
        self._radio.hear = self._heard
        self._radio.listening = True
        air.join(self._radio)
        self.uplinks: list[tuple[bytes, bytes]] = []  # who sent it, frame
        self.replies: list[tuple[bytes, bytes]] = []
        self.answering = False
        self.answered = 0
        self._replaying = False

    def _as(self, mac: bytes) -> Radio:
        return Radio(mac, _METRES, False, lambda *_: None, channel=self._channel, stranger=True)

    # -- listening -----------------------------------------------------------------------------------------------------

    def _heard(self, sender: bytes, _rssi: int, frame: bytes) -> None:
        if self._replaying:
            return  # the gateway's challenges to the tape do not belong on it
        if not attack_frames.is_uplink(frame):
            self.replies.append((sender, frame))
            return
        if self.answering:
            self._answer(sender, frame)
        self.uplinks.append((sender, frame))

    def _answer(self, node: bytes, uplink: bytes) -> None:
        """Within the node's reply window, before the gateway can: old replies, to it and to others, and broken ones."""
        chance = self._chance
        own = [reply for reply in self.replies if attack_frames.kid_of(reply[1]) == attack_frames.kid_of(uplink)]
        for bridge, reply in chance.choices(own, k=_REPLIES_AT_ONCE - 1) + chance.choices(self.replies, k=1):
            ill = bytearray(reply)
            if chance.random() < 0.3:
                ill[chance.randrange(len(ill))] ^= 1 << chance.randrange(8)
            elif chance.random() < 0.2:
                del ill[chance.randrange(1, len(ill)) :]
            elif chance.random() < 0.2:
                ill = bytearray(attack_frames.renamed(reply, attack_frames.kid_of(uplink)))
            self.answered += 1
            self._air.transmit(self._as(bridge), node, bytes(ill), lambda _: None)

    # -- speaking ------------------------------------------------------------------------------------------------------

    async def say(self, frame: bytes, mac: bytes = _OWN, to: bytes = BROADCAST) -> None:
        """One frame, and wait until it is over."""
        over = asyncio.get_running_loop().create_future()
        self._air.transmit(self._as(mac), to, frame, over.set_result)
        await over

    async def say_all(self, frames: Iterable[bytes], mac: bytes | None = None, pause: float = 0.0) -> int:
        """One after the other; without `mac` from changing addresses. Returns how many."""
        count = 0
        for frame in frames:
            await self.say(frame, mac or b"\x02" + self._chance.randrange(_ADDRESSES).to_bytes(5, "big"))
            count += 1
            if pause:
                await asyncio.sleep(pause)
        return count

    async def replay(self) -> int:
        """The whole tape: each frame once under the address it came from, uplinks and replies alike."""
        self._replaying = True
        for sender, frame in (*self.uplinks, *self.replies):
            await self.say(frame, sender)
        await asyncio.sleep(_LAST_CHALLENGE_S)
        self._replaying = False
        return len(self.uplinks) + len(self.replies)
