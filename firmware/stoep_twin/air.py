"""The air between the antennas: ESP-NOW frames with loss, airtime, range and radio channel.

What a sender learns is little, as in life: a unicast frame is acknowledged when the addressed radio heard it, whatever
becomes of it there; a broadcast is always "sent". Each hearer of a broadcast hears or loses it for itself.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from stoep_twin.loss import Deck
from stoep_twin.nonces import Header, NonceBook
from stoep_twin.recording import Recording

BROADCAST = b"\xff" * 6
_DEAF_BELOW = -95  # dBm
_OVERHEAD_BYTES = 43  # of an ESP-NOW action frame around its data
_PREAMBLE_S = 0.0004  # preamble, waiting for the channel, acknowledgement
_SECONDS_PER_BYTE = 8e-6  # 1 Mbit/s


@dataclass
class Radio:
    """One board's radio, as the air sees it."""

    mac: bytes
    metres: float  # along the street
    bridge: bool
    hear: Callable[[bytes, int, bytes], None] = field(repr=False)  # (from, RSSI, frame)
    listening: bool = False
    channel: int = 0
    stranger: bool = False  # not one of the street's: hears whatever is in range, and is not held to our promises


@dataclass
class Figures:
    """What happened in the air."""

    sent: int = 0
    lost: int = 0
    unheard: int = 0  # sent while nobody in range listened
    reply_ms: list[float] = field(default_factory=list)


class Air:
    """All radios of a street. To be used from one event loop."""

    def __init__(self, loss: float, seed: int, extra_delay_s: float = 0.0, tape: Recording | None = None) -> None:
        self._deck = Deck(loss, seed)
        self._others: dict[bytes, Deck] = {}  # of the nodes that hear a broadcast, each its own
        self._loss, self._seed = loss, seed
        self._chance = random.Random(f"{seed}/air")
        self._delay = extra_delay_s
        self._tape = tape
        self._radios: dict[bytes, Radio] = {}
        self.figures = Figures()
        self.nonces = NonceBook()
        self._uplinks: dict[bytes, tuple[Header, float]] = {}  # by kid: the last uplink and when it ended

    def join(self, radio: Radio) -> None:
        """A radio is in the street."""
        self._radios[radio.mac] = radio

    def transmit(self, sender: Radio, to: bytes, frame: bytes, sent: Callable[[bool], None]) -> None:
        """Send `frame`; `sent(acknowledged)` is called when it is over."""
        self.figures.sent += not sender.stranger
        airtime = _PREAMBLE_S + (len(frame) + _OVERHEAD_BYTES) * _SECONDS_PER_BYTE + self._delay
        header = None if sender.stranger else self.nonces.note(frame)
        if self._tape is not None and not sender.stranger:
            self._tape.note(sender.mac, to, frame)
        hearers = [(radio, self._rssi(sender, radio)) for radio in self._radios.values() if radio is not sender]
        hearers = [
            (radio, rssi)
            for radio, rssi in hearers
            if radio.listening
            and radio.channel == sender.channel
            and (not sender.stranger if radio.stranger else to in (BROADCAST, radio.mac))
            and rssi >= _DEAF_BELOW
        ]
        arriving = []
        counted = lost = False
        for radio, rssi in hearers:
            # What nodes hear of broadcasts does not enter into the figures: those are of the way to the gateway.
            meant = (to != BROADCAST or radio.bridge) and not radio.stranger
            gone = not radio.stranger and (self._deck if meant else self._deck_of(radio)).draw()
            if not gone:
                arriving.append((radio, rssi))
            counted |= meant
            lost |= gone and meant
        if lost:
            self.figures.lost += not sender.stranger
        elif not counted:
            self.figures.unheard += not sender.stranger
        asyncio.get_running_loop().call_later(airtime, self._land, sender, to, frame, header, arriving, sent)

    def _deck_of(self, radio: Radio) -> Deck:
        if radio.mac not in self._others:
            self._others[radio.mac] = Deck(self._loss, f"{self._seed}/{radio.mac.hex()}")
        return self._others[radio.mac]

    def _land(
        self,
        sender: Radio,
        to: bytes,
        frame: bytes,
        header: Header | None,
        arriving: list[tuple[Radio, int]],
        sent: Callable[[bool], None],
    ) -> None:
        now = time.monotonic()
        if header is not None and header.is_uplink:
            self._uplinks[header.kid] = (header, now)
        for radio, rssi in arriving:
            if radio.listening:
                radio.hear(sender.mac, rssi, frame)
                if header is not None and header.instance is not None:
                    self._time_reply(header.kid, now)
        sent(to == BROADCAST or any(not radio.stranger for radio, _ in arriving))

    def _time_reply(self, kid: bytes, now: float) -> None:
        waiting = self._uplinks.pop(kid, None)
        if waiting is not None:
            self.figures.reply_ms.append((now - waiting[1]) * 1000)

    def _rssi(self, sender: Radio, radio: Radio) -> int:
        metres = max(1.0, abs(sender.metres - radio.metres))
        return round(-40 - 22 * math.log10(metres) + self._chance.gauss(0, 2))
