"""What breaks in a street: a chip that falls silent, garbles, stands still; and is well again.

Such a fault lies between the chip's model and the board, so that it is the same for every chip. What lies between the
street and the chip is in `ailing.py`.
"""

from __future__ import annotations

import enum

from stoep_twin.chips.chip import Chip


class Kind(enum.StrEnum):
    """The ways in which a chip can fail without the board's knowing."""

    ABSENT = "absent"  # it acknowledges nothing and says nothing
    SILENT = "silent"  # it stops in the middle of what it says
    GARBLED = "garbled"  # a bit of what it says is wrong, and with it its checksum
    STUCK = "stuck"  # it says the same for ever
    # Before the chip, which does not know either:
    DRIFTING = "drifting"  # a little more wrong each day
    SPIKING = "spiking"  # now and then altogether wrong
    BLOCKED = "blocked"  # something lies on it
    WEB = "web"  # a spider's, before a range finder
    WET = "wet"  # rain gets into the particle sensor


BEFORE_THE_CHIP = frozenset({Kind.DRIFTING, Kind.SPIKING, Kind.BLOCKED, Kind.WEB, Kind.WET})
_SHORT = 3  # bytes: less is not in the middle of anything


class Broken(Chip):
    """`chip` with a fault; put the chip itself back to mend it."""

    def __init__(self, chip: Chip, kind: Kind) -> None:
        self.chip = chip
        self.baud = chip.baud
        self._kind = kind
        self._asked = b""
        self._answers: dict[bytes, bytes] = {}
        self._frame = b""

    def reset(self) -> None:
        self.chip.reset()

    def power(self, on: bool) -> None:
        self.chip.power(on)

    def write(self, data: bytes) -> bool:
        if self._kind is Kind.ABSENT:
            return False
        self._asked = data
        return self.chip.write(data)

    def read(self, count: int) -> bytes | None:
        data = self.chip.read(count)
        if data is None or self._kind is Kind.ABSENT or (self._kind is Kind.SILENT and count > _SHORT):
            return None
        if self._kind is Kind.STUCK:
            return self._answers.setdefault(self._asked, data)
        return _garbled(data) if self._kind is Kind.GARBLED and count >= _SHORT else data

    def sent(self, most: int) -> bytes:
        data = self.chip.sent(most)
        if self._kind is Kind.ABSENT:
            return b""
        if self._kind is Kind.SILENT:
            return data[:_SHORT]
        if self._kind is Kind.STUCK and data:
            self._frame = self._frame or data
            return (self._frame * (len(data) // len(self._frame) + 1))[: len(data)]
        return _garbled(data) if self._kind is Kind.GARBLED else data

    def received(self, data: bytes) -> None:
        self.chip.received(data)

    def drive(self, role: str, level: bool) -> None:
        self.chip.drive(role, level)

    def modulate(self, role: str, high: float | None, at: float) -> None:
        self.chip.modulate(role, high, at)

    def level(self, role: str) -> bool:
        return self._kind is Kind.STUCK or (self._kind is not Kind.ABSENT and self.chip.level(role))

    def next_level(self, role: str, level: bool, after: float) -> float | None:
        if self._kind is Kind.STUCK:
            return after if level else None
        return None if self._kind is Kind.ABSENT and level else self.chip.next_level(role, level, after)

    def microvolts(self, role: str, full_scale: int) -> int:
        return 0 if self._kind is Kind.ABSENT else self.chip.microvolts(role, full_scale)


def _garbled(data: bytes) -> bytes:
    return bytes(byte ^ 0x10 if at % 4 == 0 else byte for at, byte in enumerate(data))
