"""What a listener in the street would have on tape: every frame that was in the air, a line each, in `frames.log`.

    0.532 240ac4100001 ffffffffffff 8343a1010aa2…

Seconds since the tape began (real), sender, receiver, frame. Tests open these frames with the secrets, send them again,
or compare them; a user finds in them what was said.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

FILE = "frames.log"


@dataclass(frozen=True)
class Heard:
    """One frame on the tape."""

    seconds: float
    sender: bytes
    to: bytes
    frame: bytes


class Recording:
    """Writes the tape of one run."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._file = (directory / FILE).open("w")
        self._began = time.monotonic()

    def note(self, sender: bytes, to: bytes, frame: bytes) -> None:
        """Put one frame on the tape."""
        seconds = time.monotonic() - self._began
        self._file.write(f"{seconds:.6f} {sender.hex()} {to.hex()} {frame.hex()}\n")

    def flush(self) -> None:
        """What was heard up to now can be read."""
        self._file.flush()

    def close(self) -> None:
        """The tape is full."""
        self._file.close()


def read(directory: Path) -> list[Heard]:
    """The tape of a run that has ended, or as far as it was flushed; half a line at its end is passed over."""
    text = (directory / FILE).read_text()
    tape = []
    for line in text[: text.rfind("\n") + 1].splitlines():
        seconds, sender, to, frame = line.split()
        tape.append(Heard(float(seconds), bytes.fromhex(sender), bytes.fromhex(to), bytes.fromhex(frame)))
    return tape
