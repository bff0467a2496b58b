"""Frames in, replies out: by the bridge that hears the node best; by the broker, if the frame came by the broker."""

from collections.abc import Mapping

from stoep.intake.intake import Intake, Reply
from stoep.links.base import Link, Received


class Exchange:
    """`links` by name; whoever makes them puts them in before the first one starts."""

    def __init__(self, intake: Intake, links: Mapping[str, Link]) -> None:
        self._intake = intake
        self._links = links

    def received(self, link: Link, received: Received) -> None:
        reply = self._intake.handle(received.frame, received.at, received.rssi, link.name, received.mac)
        if reply is not None:
            self._send(link, received.mac, reply)

    def speak(self, kid: bytes) -> bool:
        """Says to a node that listens what it is to know now; False: that is nothing."""
        said = self._intake.unasked(kid)
        if said is None:
            return False
        self._send(self._links[said.via], said.mac, said.reply)
        return True

    def _send(self, link: Link, mac: bytes, reply: Reply) -> None:
        ways = [self._links[name] for name in reply.via]
        best = next((way for way in ways if way.medium == link.medium and way.alive()), link)
        best.send(mac, reply.frame)
