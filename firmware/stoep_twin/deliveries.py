"""What the city's broker delivered in a run of the street, a line each, in `city.log`: time, topic, payload.

    12.071 stoep/1/street/bin-1/window {"site":"street","node":"bin-1",…

Seconds since the subscriber began (real). A user finds in it what a city would have got; tests hold it against the
published schemas.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import NamedTuple

FILE = "city.log"


class Delivered(NamedTuple):
    """One message, as it came."""

    topic: str
    payload: bytes


class Deliveries:
    """Writes what comes, from the subscriber's thread."""

    def __init__(self, directory: Path) -> None:
        self._lock = threading.Lock()
        self._file = (directory / FILE).open("wb")
        self._began = time.monotonic()

    def note(self, topic: str, payload: bytes) -> None:
        """Keep one message; a line break, which JSON may have between its parts only, becomes a space."""
        seconds = time.monotonic() - self._began
        with self._lock:
            if not self._file.closed:
                self._file.write(b"%.3f %s %s\n" % (seconds, topic.encode(), payload.replace(b"\n", b" ")))

    def close(self) -> None:
        """Nothing more comes."""
        with self._lock:
            self._file.close()


def read(file: Path) -> list[Delivered]:
    """All of a run, or as far as it was written; half a line at its end is passed over."""
    content = file.read_bytes()
    lines = content[: content.rfind(b"\n") + 1].splitlines()
    rows = (line.split(b" ", 2) for line in lines)
    return [Delivered(topic.decode(), payload) for _, topic, payload in rows]
