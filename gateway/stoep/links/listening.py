"""Whether a bridge is behind a port, found out without a word: it says hello each second."""

from stoep.clock import real
from stoep.links.port import open_port
from stoep.wire.serial import Deframer, Hello

_PATIENCE = 6.0  # seconds: a board that opening the port has reset boots first
_CHUNK = 256


def hello(port: str, seconds: float = _PATIENCE) -> Hello | None:
    """The first that comes; None if none does. Raises PortError where the port cannot be opened."""
    until = real() + seconds
    deframer = Deframer()
    with open_port(port) as opened:
        while real() < until:
            for message in deframer.feed(opened.read(_CHUNK) or b""):
                if isinstance(message, Hello):
                    return message
    return None
