"""Plantower PMS5003 as its data manual (version 2.3, appendices I to III) describes it, from the UART's side.

Powered, its fan runs and it sends a frame a second; SET low or the command 0xE4 stops the fan. What it says before the
fan has run for thirty seconds is not yet right. In passive mode it speaks only when asked.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

from stoep_twin.chips.chip import Chip

_END = 0xFFFF  # of its scale: whatever is more, is this (est.: nothing is said of it)
_HEAD = b"\x42\x4d"
_COMMAND = 7  # bytes
_MODE, _ASK, _SLEEP = 0xE1, 0xE2, 0xE4
_MOST = 8  # frames under way


@dataclass(frozen=True)
class Dust:
    """µg/m³ of particles up to that size."""

    pm1_0: float
    pm2_5: float
    pm10: float


@dataclass(frozen=True)
class Unit:
    """How one sensor differs from the ideal: says `gain` times what it sees, and `offset` µg/m³ more."""

    gain: float = 1.0
    offset: float = 0.0

    @classmethod
    def of_works(cls, chance: random.Random) -> Unit:
        """Within the manual's "maximum consistency error", ± 10 µg/m³ below 100 (table 1); most say too much (est.)."""
        return cls(chance.uniform(0.9, 1.4), chance.uniform(0.0, 2.0))

    def says(self, dust: Dust) -> Dust:
        return Dust(*(max(0.0, self.gain * mass + self.offset) for mass in (dust.pm1_0, dust.pm2_5, dust.pm10)))


class PMS5003(Chip):
    """`truth()` is the dust around it as light shows it, `now()` seconds of the chip's time."""

    period = 1.0
    settles = 30.0  # s: what it says before is not yet right

    def __init__(
        self,
        truth: Callable[[], Dust],
        now: Callable[[], float],
        seed: int,
        period: float | None = None,
        settles: float | None = None,
        unit: Unit = Unit(),
    ) -> None:
        self._truth = truth
        self._unit = unit
        self._now = now
        self._period = period or self.period
        self._settles = self.settles if settles is None else settles
        self._chance = random.Random(seed)
        self._set = True  # pulled up inside
        self.reset()

    def reset(self) -> None:
        self._active = True
        self._ordered = True  # awake, as far as commands go
        self._heard = bytearray()
        self._asked = 0
        self._since: float | None = None
        self._told = 0
        self._turn()

    def drive(self, role: str, level: bool) -> None:
        if role == "SET":
            self._set = level
            self._turn()

    def _turn(self) -> None:
        running = self._set and self._ordered
        if running and self._since is None:
            self._since, self._told = self._now(), 0
        elif not running:
            self._since = None
            self._asked = 0

    def received(self, data: bytes) -> None:
        self._heard += data
        while len(self._heard) >= _COMMAND:
            command = bytes(self._heard[:_COMMAND])
            if command[:2] != _HEAD or sum(command[:5]) != struct.unpack(">H", command[5:])[0]:
                del self._heard[0]
                continue
            del self._heard[:_COMMAND]
            self._obey(command[2], command[4])

    def _obey(self, command: int, value: int) -> None:
        if command == _MODE:
            self._active = bool(value)
        elif command == _ASK and not self._active and self._since is not None:
            self._asked += 1
        elif command == _SLEEP:
            self._ordered = bool(value)
            self._turn()

    def sent(self, most: int) -> bytes:
        if self._since is None:
            return b""
        running = self._now() - self._since
        due, self._asked = self._asked, 0
        spoken = int(running / self._period)
        if self._active:
            due += spoken - self._told
        self._told = spoken
        return b"".join(self._frame(running) for _ in range(min(due, _MOST)))[-most:]

    def _frame(self, running: float) -> bytes:
        dust = self._unit.says(self._truth())
        # Still air and a fan that comes up: too high at first.
        early = 1.0 + 2.0 * max(0.0, 1.0 - running / self._settles) if self._settles else 1.0
        masses = [
            round(mass * early * self._chance.uniform(0.98, 1.02)) for mass in (dust.pm1_0, dust.pm2_5, dust.pm10)
        ]
        small = dust.pm1_0 * early * 150 * self._chance.uniform(0.97, 1.03) + self._chance.randrange(1, 12)
        counts = [min(_END, round(small * share)) for share in (1.0, 0.3, 0.06, 0.01, 0.004, 0.001)]
        masses = [min(_END, max(masses[:number])) for number in (1, 2, 3)]
        body = _HEAD + struct.pack(">14H", 28, *masses, *masses, *counts, 0x9700)
        return body + struct.pack(">H", sum(body))
