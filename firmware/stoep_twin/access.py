"""The access point in the street's cabinet: who may join it, on which channel, and whether it is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

NOT_FOUND, WRONG_KEY = 201, 202  # as `network.STAT_…` numbers them


@dataclass
class AccessPoint:
    """One Wi-Fi network. What is beyond it is this machine's loopback, whatever the board dials."""

    network: str
    key: str
    channel: int
    there: bool = True
    _left: dict[bytes, Callable[[], None]] = field(default_factory=dict, repr=False)  # by MAC: how to say it is gone

    def join(self, mac: bytes, network: str, key: str, left: Callable[[], None]) -> int:
        """The channel, or why not; `left` is called when the access point is gone."""
        if not self.there or network != self.network:
            return NOT_FOUND
        if key != self.key:
            return WRONG_KEY
        self._left[mac] = left
        return self.channel

    def leave(self, mac: bytes) -> None:
        """That station went."""
        self._left.pop(mac, None)

    def go(self) -> None:
        """No power: every station finds itself alone."""
        self.there = False
        for left in list(self._left.values()):
            left()
        self._left.clear()

    def come(self, channel: int | None = None) -> None:
        """It is back, perhaps on another channel."""
        self.channel = channel or self.channel
        self.there = True


class Station:
    """A board's way to the access point, if there is one; `tell("X")` says to the board that it was put out."""

    def __init__(self, access_point: AccessPoint | None, mac: bytes, tell: Callable[[str], None]) -> None:
        self._access_point = access_point
        self._mac = mac
        self._tell = tell

    def ask(self, body: bytes) -> bytes | None:
        """Network and key: the answer is the channel, or why not. Without them it leaves, which needs no answer."""
        if not body:
            self.leave()
            return None
        network, _, key = body.decode(errors="replace").partition("\0")
        if self._access_point is None:
            return bytes((NOT_FOUND,))
        return bytes((self._access_point.join(self._mac, network, key, lambda: self._tell("X")),))

    def leave(self) -> None:
        if self._access_point is not None:
            self._access_point.leave(self._mac)
