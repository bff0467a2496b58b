"""Noise on one direction of a line, and the account of what it left whole.

A byte can be flipped, dropped, doubled, or have something inserted before it. Whatever happens is noted, so that it is
known of each frame whether it must arrive: it must when none of its bytes was touched and the one before it was whole
to its end, zero included. That is what "back in step within one frame" means.
"""

import random
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from cobs import cobs

_CRC = 4
_IN_FLIGHT = 0.1  # seconds: what was passed on so shortly before a plug was pulled may have been lost behind us


@dataclass(frozen=True)
class Weather:
    """How bad a line is: chances for each bit (flips) and each byte."""

    flips: float = 0.0
    drops: float = 0.0
    doubles: float = 0.0
    ctrl_c: float = 0.0  # a 0x03 that nobody sent
    boot_text: float = 0.0


BOOT_TEXT = b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0x8 (TG1WDT_SYS_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"


def payload(piece: bytes) -> bytes | None:
    """What stood between two zeros, read by another COBS than ours; None for boot text and the like."""
    try:
        message = cobs.decode(piece)
    except cobs.DecodeError:
        return None
    body, crc = message[:-_CRC], message[-_CRC:]
    return body if body and zlib.crc32(body).to_bytes(_CRC, "little") == crc else None


class Noise:
    """One direction. `sent` is every payload that went in, `due` those that must come out at the other end."""

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)
        self.weather = Weather()
        self.listening = True  # False: whoever should receive this is not there, nothing is due
        self.sent: Counter[bytes] = Counter()
        self.watch: Callable[[bytes], None] = lambda _body: None  # told of each payload that goes in
        self.bytes = 0
        self.touched = 0  # times
        self._due: list[tuple[float, bytes]] = []
        self._piece = bytearray()
        self._whole = self._in_step = True

    @property
    def due(self) -> Counter[bytes]:
        return Counter(body for _, body in self._due)

    def through(self, data: bytes, room: int | None = None) -> bytes:
        """`data` as it arrives where only `room` bytes can be taken: the rest is lost, and noted so."""
        out = bytearray()
        for byte in data:
            arrives = self._disturb(byte)
            if room is not None and len(out) + len(arrives) > room:
                arrives = arrives[: room - len(out)]
            out += arrives
            self._account(byte, arrives)
        return bytes(out)

    def interrupted(self) -> None:
        """Something that nobody sent stands on the line here, or something that was sent does not."""
        self.touched += 1
        self._whole = False
        if not self._piece:
            self._in_step = False

    def pulled(self) -> None:
        """The plug, at either end: what was under way is due no more."""
        self.interrupted()
        self._piece.clear()
        self._whole = self._in_step = False
        then = time.monotonic() - _IN_FLIGHT
        self._due = [(at, body) for at, body in self._due if at < then]

    def _disturb(self, byte: int) -> bytes:
        weather, draw = self.weather, self._chance.random
        if weather == Weather():
            return bytes((byte,))
        for bit in range(8):
            if weather.flips and draw() < weather.flips:
                byte ^= 1 << bit
        arrives = bytes((byte,))
        if draw() < weather.drops:
            arrives = b""
        if draw() < weather.doubles:
            arrives += arrives
        if draw() < weather.ctrl_c:
            arrives = b"\x03" + arrives
        if draw() < weather.boot_text:
            arrives = BOOT_TEXT + arrives
        return arrives

    def _account(self, byte: int, arrives: bytes) -> None:
        self.bytes += 1
        whole = arrives == bytes((byte,))
        self.touched += not whole
        self._whole &= whole
        if byte:
            self._piece.append(byte)
            return
        body = payload(bytes(self._piece)) if self._piece else None
        if body is not None:
            self.sent[body] += 1
            self.watch(body)
            if self._whole and self._in_step and self.listening:
                self._due.append((time.monotonic(), body))
        self._piece.clear()
        self._in_step = whole
        self._whole = True
