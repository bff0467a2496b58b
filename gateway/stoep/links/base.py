"""What every link is, whatever carries its frames."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

RATE = 50  # frames a second of one sender: a node that drains its backlog stays below
BURST = 100


@dataclass(frozen=True)
class Received:
    """A frame as it came: from which radio, how loud, and at which monotonic time of the gateway's clock.

    `mac` is the sender's address on its link, `rssi` None where there is nothing to measure.
    """

    mac: bytes
    frame: bytes
    rssi: int | None
    at: float


class Link(Protocol):
    name: str
    medium: str  # links of one medium know a node by the same address

    def start(self) -> None:
        """From now on frames go to the handler given at construction, from the link's own thread."""

    def stop(self) -> None: ...

    def send(self, mac: bytes, frame: bytes) -> None:
        """As soon as possible or not at all: a late reply is worth nothing. Never raises."""

    def allow(self, kids: Collection[bytes]) -> None:
        """Nodes other than these may be kept off the link."""

    def alive(self) -> bool: ...

    def status(self) -> Mapping[str, object]:
        """For the gateway's health: JSON-able."""


Handler = Callable[[Link, Received], None]
