"""What the intake knows of one node while the service runs."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from stoep.intake.replay import ReplayWindow
from stoep.registry.registry import Entry
from stoep.store.log import Exchange
from stoep.store.position import Position
from stoep.wire import frame
from stoep.wire.messages import Health, Origin, Place, Uplink
from stoep.wire.replies import version_of

_EXCHANGES = 16
_STALE = 3600.0  # real seconds after which a bridge that did not hear the node again is forgotten
_UNKNOWN_RSSI = -128

Wanted = Callable[[Entry, Health], Mapping[int, int]]  # the settings for a node that says this of itself; {}: its own


@dataclass(frozen=True)
class Heard:
    """The last that was heard of a node; `at` is the gateway's monotonic time."""

    at: float
    epoch: int
    tick: int
    rssi: int | None
    held: int
    health: Health | None = None  # what the node said of itself last, in this epoch and to this instance


class Way(NamedTuple):
    """A link, the node's address on it, and the counter of the frame that came by it."""

    via: str
    mac: bytes
    counter: int


class Node:
    """Keys, replay window, position and open exchanges of one identity."""

    def __init__(self, entry: Entry, identity: int, instance: bytes, position: Position, alarms: set[tuple[int, int]]):
        self.entry = entry
        self.identity = identity
        self.uplink = frame.uplink_keys(entry.secret)
        self.window = ReplayWindow()
        self.position = position
        self.alarms = alarms  # on disk
        self.tickets: dict[tuple[int, int], int] = {}  # alarms on their way there
        self.heard: Heard | None = None
        self.way: Way | None = None  # by which the frame heard last came
        self._instance = instance
        self._reply = frame.reply_keys(entry.secret, instance)
        self._replies = 0
        self._routes: dict[str, tuple[int, float]] = {}
        self._exchanges: OrderedDict[int, Exchange] = OrderedDict()
        self._acknowledged: Place | None = None if position.floor is None else position.durable()

    def seal(self, answered: int, plain: bytes) -> bytes:
        """The next reply of this instance: its counter only rises, so (key, nonce) is never used twice."""
        self._replies += 1
        return frame.seal_reply(self._reply, self.entry.kid, self._instance, self._replies, answered, plain)

    def hear(self, via: str, rssi: int | None, now: float, *, confirmed: int | None) -> None:
        """A frame of this instance came by the link `via`; it says which counter's reply the node heard last.

        When that is not the last one answered, a louder bridge is no better: an echo can come from anybody who has
        a radio and stands beside it, so the next reply goes the way the frame came.
        """
        if confirmed is None or confirmed != next(reversed(self._exchanges), None):
            self._routes = {}
        self.echo(via, rssi, now)

    def echo(self, via: str, rssi: int | None, now: float) -> None:
        """The frame heard last, or a copy of it, came by the link `via`."""
        self._routes[via] = (_UNKNOWN_RSSI if rssi is None else rssi, now)
        self._routes = {name: route for name, route in self._routes.items() if now - route[1] <= _STALE}

    def routes(self) -> tuple[str, ...]:
        """The links by which the node was heard, the loudest first."""
        return tuple(sorted(self._routes, key=lambda name: self._routes[name], reverse=True))

    def health_in(self, uplink: Uplink) -> Health | None:
        """What the node last said of itself since its cold boot."""
        if uplink.health is not None or self.heard is None or self.heard.epoch != uplink.epoch:
            return uplink.health
        return self.heard.health

    def wish(self, wanted: Wanted) -> Mapping[int, int] | None:
        """The settings to send: when the node is known to live by others, and has not refused these."""
        said = None if self.heard is None else self.heard.health
        settings = None if said is None else wanted(self.entry, said)
        if not settings or said is None or version_of(settings) in (said.version, said.refused):
            return None
        return settings

    def lacks(self, light: int) -> bool:
        """Whether the node is known to live by another light than the one of this version."""
        said = None if self.heard is None else self.heard.health
        return said is not None and said.light != light

    def answered(self, counter: int, exchange: Exchange) -> None:
        """Remembers when `counter` came. The first time counts: a copy that comes later must not move it."""
        self._exchanges.setdefault(counter, exchange)
        while len(self._exchanges) > _EXCHANGES:
            self._exchanges.popitem(last=False)

    def before(self, counter: int) -> Origin | None:
        """What a usual report under `counter` counts from."""
        exchange = self._exchanges.get(counter - 1)
        return None if exchange is None else Origin(exchange.epoch, exchange.tick)

    def confirmed(self, counter: int, epoch: int) -> Exchange | None:
        """The exchange whose reply the node says it heard: an anchor, once."""
        exchange = self._exchanges.get(counter)
        if exchange is None or exchange.epoch != epoch:
            return None
        return self._exchanges.pop(counter)

    def newly_acknowledged(self, durable: Place) -> int:
        """How many positions `durable` names that no reply named before."""
        before, self._acknowledged = self._acknowledged, durable
        if before is None or durable <= before:
            return 0
        return durable.seq - (before.seq if before.epoch == durable.epoch else 0)
