"""The gateway's end of a bad line, twice: the framing alone in the rig's own loop, and the real `BridgeLink`."""

import asyncio
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Protocol

from stoep.clock import SystemClock
from stoep.health import Counters
from stoep.links.base import Link, Received
from stoep.links.bridge import BridgeLink, State
from stoep.wire import serial as line

_READ = 65536
_SHORTEST, _LONGEST = 24, 200
_IDLE = 0.25  # as the link has it


class End(Protocol):
    """What a campaign sees of either. `got` holds what came, by `key`."""

    filters: bool  # whether it tells the bridge whom it knows
    got: Counter[bytes]

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def is_open(self) -> bool: ...

    def problems(self) -> list[str]: ...

    def key(self, body: bytes) -> bytes | None:
        """What of a payload this end shows; None when it keeps such a one to itself."""


class Peer:
    """Reads and writes the pty itself, with the gateway's framing and credit, and answers each frame."""

    filters = False

    def __init__(self, port: Path, seed: int) -> None:
        self.got: Counter[bytes] = Counter()
        self._port = port
        self._chance = random.Random(f"{seed}/replies")
        self._deframer = line.Deframer()
        self._credit = line.Credit()
        self._most = 0
        self._written_at = 0.0
        self._terminal = -1

    def start(self) -> None:
        self._terminal = os.open(self._port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        asyncio.get_running_loop().add_reader(self._terminal, self._ready)

    def stop(self) -> None:
        if self._terminal >= 0:
            asyncio.get_running_loop().remove_reader(self._terminal)
            os.close(self._terminal)
            self._terminal = -1

    def is_open(self) -> bool:
        return self._terminal >= 0

    def problems(self) -> list[str]:
        return [f"the deframer held {self._most} bytes"] if self._most > line.LONGEST else []

    def key(self, body: bytes) -> bytes | None:
        return body

    def _ready(self) -> None:
        try:
            data = os.read(self._terminal, _READ)
        except OSError:  # the cable was pulled
            self.stop()
            return
        for message in self._deframer.feed(data):
            self._take(message)
        self._most = max(self._most, len(self._deframer._buffer))

    def _take(self, message: line.Message | None) -> None:
        if message is None:
            self._credit.revoke()
            return
        self.got[message.to_bytes()] += 1
        if isinstance(message, line.Hello):
            idle = time.monotonic() - self._written_at > _IDLE
            if self._credit.hello(message.boot, message.consumed, message.window, idle=idle):
                self._write(line.END)
        elif isinstance(message, line.HeardFrame):
            self._credit.consumed(message.consumed)
            reply = self._chance.randbytes(self._chance.randint(_SHORTEST, _LONGEST))
            self._write(line.frame(line.Send(message.mac, reply).to_bytes()))

    def _write(self, data: bytes) -> None:
        if self._credit.room() >= len(data):
            self._credit.spend(len(data))
            os.write(self._terminal, data)
            self._written_at = time.monotonic()


class LinkEnd:
    """The gateway's own link, its thread and its port; the handler answers each frame."""

    filters = True

    def __init__(self, port: Path, seed: int, kids: list[bytes]) -> None:
        self.got: Counter[bytes] = Counter()
        self.counters = Counters()
        self.link = BridgeLink(str(port), self._handle, SystemClock(), self.counters)
        self._chance = random.Random(f"{seed}/replies")
        self._kids = kids

    def start(self) -> None:
        self.link.start()
        self.link.allow(self._kids)

    def stop(self) -> None:
        self.link.stop()

    def is_open(self) -> bool:
        return self.link.state is not State.CLOSED

    def problems(self) -> list[str]:
        found = [] if self.link._thread.is_alive() else ["the link's thread has ended"]
        return found if self.link.alive() else [*found, "the link takes the bridge for dead"]

    def key(self, body: bytes) -> bytes | None:
        return body[5:] if body[0] == line.HeardFrame.TYPE else None

    def _handle(self, link: Link, received: Received) -> None:
        self.got[received.mac + received.rssi.to_bytes(1, "big", signed=True) + received.frame] += 1
        link.send(received.mac, self._chance.randbytes(self._chance.randint(_SHORTEST, _LONGEST)))
