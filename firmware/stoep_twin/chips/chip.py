"""What the wiring asks of a chip. A model answers in the ways in which it is wired; the rest stays as it is here."""

from __future__ import annotations


class Chip:
    """One part. It has its supply from the start, unless the drawing gives it a pin `<PART>_POWER`.

    A pin's role is its name in the drawing without the part's: `RANGE_POWER` of the part `range` is `POWER`.
    """

    baud = 9600  # of its UART

    def reset(self) -> None:
        """The board was without power: everything as after the chip's own power-on."""

    def power(self, on: bool) -> None:
        """The supply is switched by a pin."""

    # -- I2C -----------------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> bool:
        """The bytes after its address; whether it acknowledged them."""
        return False

    def read(self, count: int) -> bytes | None:
        """The bytes it sends after its address; None: it did not acknowledge."""
        return None

    # -- UART ----------------------------------------------------------------------------------------------------------

    def sent(self, most: int) -> bytes:
        """What it has sent since last asked, no more than the last `most` bytes worth of time."""
        return b""

    def received(self, data: bytes) -> None:
        """What the board has sent to it."""

    # -- pins ----------------------------------------------------------------------------------------------------------

    def drive(self, role: str, level: bool) -> None:
        """The board sets one of its inputs."""

    def modulate(self, role: str, high: float | None, at: float) -> None:
        """The board drives one of its inputs high for this share of the time, from `at` on; None: nobody drives it."""

    def level(self, role: str) -> bool:
        """One of its outputs."""
        return False

    def next_level(self, role: str, level: bool, after: float) -> float | None:
        """When one of its outputs is next at `level`, from `after` on (both in its time); None: nobody knows."""
        return None

    def microvolts(self, role: str, full_scale: int) -> int:
        """What the ESP32's ADC makes of one of its outputs, never above `full_scale`."""
        return 0
