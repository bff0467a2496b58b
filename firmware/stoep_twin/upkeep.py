"""What a board has spent: its waits, its radio, its flash; counted where it is spent, told as each wake ends."""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass
class Upkeep:
    """Sums over the board's wakes; one that ended by force is missing."""

    waited_ms: int = 0  # by the firmware's own wish; in the street's time from a second on
    radio_ms: int = 0
    programs: int = 0
    programmed: int = 0  # bytes
    erases: int = 0

    def add(self, spent: bytes) -> None:
        """One wake, as the board's stand-ins tell it."""
        waited, radio, programs, programmed, erases = struct.unpack("<5I", spent)
        self.waited_ms += waited
        self.radio_ms += radio
        self.programs += programs
        self.programmed += programmed
        self.erases += erases
