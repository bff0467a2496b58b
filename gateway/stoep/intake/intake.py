"""The way in: a frame is opened, checked, taken and answered within milliseconds, without waiting for the disk.

A reply names as durable only what was committed before the frame it answers. Whatever comes in, no exception goes out:
bad input is counted, logged at a bounded rate, dropped.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from stoep.clock import EPOCH_2000, Clock, real
from stoep.errors import MalformedError, UnplacedError
from stoep.health import Bounded, Counters
from stoep.intake.node import Heard, Node, Wanted, Way
from stoep.intake.replay import Verdict
from stoep.store.log import Entry, Exchange
from stoep.wire import frame as frames
from stoep.wire.channels import Catalogue
from stoep.wire.light import Light
from stoep.wire.messages import Place, Uplink
from stoep.wire.replies import Answer, Challenge

_log = logging.getLogger(__name__)
ALARM_WAIT = 0.035  # seconds an alarm may hold its reply up; the node listens for 60 ms
_US = 1_000_000

Add = Callable[[Entry], int]
Wait = Callable[[int, float], bool]
Full = Callable[[], bool]
LightOf = Callable[[bytes, float], Light | None]  # of a node (kid) at a UTC, from which the light's times count


class Reply(NamedTuple):
    """A sealed reply, and the links by which the node may hear it, the best first."""

    frame: bytes
    via: tuple[str, ...]


class Unasked(NamedTuple):
    """What a node is to hear though it did not ask: the link by which it was heard last, its address there."""

    via: str
    mac: bytes
    reply: Reply


class Intake:
    """`add` puts an entry into the next commit, `wait` waits for it: the journal's two ends.

    `light` is what a lamppost is to live by, None for whom that is no question; `wanted` the settings of any node.
    While the store is `full` nothing is taken: the answer says where the node stands, and it sends again what that
    leaves out.
    """

    def __init__(
        self,
        instance: bytes,
        clock: Clock,
        catalogue: Catalogue,
        counters: Counters,
        *,
        add: Add,
        wait: Wait,
        light: LightOf = lambda _kid, _utc: None,
        wanted: Wanted = lambda entry, _said: entry.settings,
        full: Full = lambda: False,
    ) -> None:
        self.instance = instance
        self._clock = clock
        self._catalogue = catalogue
        self._counters = counters
        self._add = add
        self._wait = wait
        self._light = light
        self._wanted = wanted
        self._full = full
        self._lock = threading.Lock()
        self._nodes: dict[bytes, Node] = {}  # by kid: under the secret that is in force
        self._coming: dict[bytes, Node] = {}  # by kid: under a newer secret, not heard yet
        self._ended: set[int] = set()  # identities of which the newer secret was heard
        self._identities: dict[int, Node] = {}
        self._again: Counter[int] = Counter()  # samples that were here already, by identity
        self._say = Bounded(_log)

    def set_nodes(self, nodes: Iterable[Node], coming: Iterable[Node] = ()) -> None:
        """From now on these and no others are believed; those `coming` as soon as they are heard, in their place."""
        with self._lock:
            self._nodes = {node.entry.kid: node for node in nodes}
            self._coming = {node.entry.kid: node for node in coming}
            self._identities.update({node.identity: node for node in (*self._nodes.values(), *self._coming.values())})
            for kid, node in list(self._coming.items()):
                if self._nodes[kid].identity in self._ended:
                    self._nodes[kid] = node
                    del self._coming[kid]

    def known(self, identity: int) -> Node | None:
        """A node already met in this instance: its keys and counters must go on, not start again."""
        with self._lock:
            return self._identities.get(identity)

    def ended(self) -> frozenset[int]:
        """The identities whose secret is dead, because a frame under the newer one proved that the node has it."""
        with self._lock:
            return frozenset(self._ended)

    def heard(self) -> dict[bytes, Heard]:
        """The last that was heard of each node."""
        with self._lock:
            return {kid: node.heard for kid, node in self._nodes.items() if node.heard is not None}

    def take_duplicates(self) -> Mapping[int, int]:
        """How many samples of each identity came again since this was asked last."""
        with self._lock:
            again, self._again = self._again, Counter()
        return again

    def committed(self, entries: Iterable[Entry]) -> None:
        """The journal says: these are on disk."""
        with self._lock:
            for entry in entries:
                node = self._identities[entry.identity]
                node.position.commit(entry.floor, entry.samples, entry.lost)
                for alarm in entry.alarms:
                    node.alarms.add((alarm.epoch, alarm.number))
                    node.tickets.pop((alarm.epoch, alarm.number), None)
                self._counters.add("samples_logged", len(entry.samples))

    def handle(self, frame: bytes, at: float, rssi: int | None = None, via: str = "", mac: bytes = b"") -> Reply | None:
        """The reply to a frame that came at monotonic time `at`, or None when it deserves none."""
        try:
            return self._handle(frame, at, rssi, via, mac)
        except frames.ForgedError:
            self._drop("forged", "a frame was not sealed with its node's secret")
        except MalformedError as error:
            self._drop("malformed", f"a frame of {len(frame)} bytes is malformed: {error}")
        except Exception:  # noqa: BLE001 -- the promise of this module; a defect here is counted and logged in full
            self._counters.add("failed")
            _log.exception("a frame of %d bytes could not be handled, it is dropped", len(frame))
        return None

    def _drop(self, kind: str, why: str) -> None:
        self._counters.add(kind)
        self._say.say(kind, "%s", why)

    def unasked(self, kid: bytes) -> Unasked | None:
        """What a node that always listens is to hear now, as a reply to its last report; None when that is nothing."""
        with self._lock:
            node = self._nodes.get(kid)
            if node is None or node.heard is None or node.way is None:
                return None
            settings, light = node.wish(self._wanted), self._light_for(node, node.heard.at)
            if settings is None and light is None:
                return None
            via, mac, counter = node.way
            position = node.position
            answer = Answer(position.durable(), position.beyond(), (), self._utc(), settings, light)
            self._counters.add("unasked")
            return Unasked(via, mac, Reply(node.seal(counter, answer.to_bytes()), node.routes()))

    def _handle(self, frame: bytes, at: float, rssi: int | None, via: str, mac: bytes) -> Reply | None:
        self._counters.add("frames")
        header = frames.read_header(frame)
        with self._lock:
            node = self._nodes.get(header.kid)
            if node is None:
                self._drop("unknown", f"node {header.kid.hex()} is not in the registry")
                return None
            plain = self._supersede(header)
            if plain is not None:
                node = self._nodes[header.kid]
            else:
                verdict = node.window.look(header.counter, frame, real())
                if verdict is not Verdict.FRESH:
                    self._repeated(node, verdict, header.counter, rssi, via)
                    return None
                plain = frames.open_uplink(node.uplink, header)
            try:
                uplink = Uplink.from_bytes(plain, self._catalogue, node.before(header.counter))
            except UnplacedError:
                return self._challenge(node, header.counter, via)
            exchange = Exchange(uplink.epoch, uplink.tick, round(at * _US))
            if uplink.instance != self.instance:
                return self._challenge(node, header.counter, via)
            node.window.accept(header.counter, frame, real())
            node.hear(via, rssi, real(), confirmed=None if uplink.back is None else header.counter - uplink.back)
            anchor = None if uplink.back is None else node.confirmed(header.counter - uplink.back, uplink.epoch)
            node.answered(header.counter, exchange)
            node.way = Way(via, mac, header.counter)
            if self._full():
                node.position.meet(uplink)
                self._counters.add("samples_not_taken", len(uplink.samples))
                ticket = 0
            else:
                ticket = self._take(node, uplink, exchange, anchor)
            node.heard = Heard(at, uplink.epoch, uplink.tick, rssi, node.position.held(), node.health_in(uplink))
            durable, received = node.position.durable(), node.position.beyond()
        if ticket:
            self._wait(ticket, ALARM_WAIT)
        with self._lock:
            return Reply(self._answer(node, header.counter, uplink, at, durable, received), node.routes())

    def _supersede(self, header: frames.Header) -> bytes | None:
        """The plaintext, if the frame is the first under a node's newer secret: from then on the old one is dead."""
        coming = self._coming.get(header.kid)
        if coming is None:
            return None
        try:
            plain = frames.open_uplink(coming.uplink, header)
        except frames.ForgedError:
            return None
        self._ended.add(self._nodes[header.kid].identity)
        self._nodes[header.kid] = self._coming.pop(header.kid)
        return plain

    def _challenge(self, node: Node, counter: int, via: str) -> Reply:
        # By the way it came: where an old frame was said again, tells nothing of where its node is.
        self._counters.add("challenges")
        return Reply(node.seal(counter, Challenge().to_bytes()), (via,))

    def _repeated(self, node: Node, verdict: Verdict, counter: int, rssi: int | None, via: str) -> None:
        if verdict is Verdict.ECHO:
            node.echo(via, rssi, real())
            self._counters.add("echoes")
        else:
            self._drop("replayed", f"{node.entry.name} seems to send counter {counter} again")

    def _take(self, node: Node, uplink: Uplink, exchange: Exchange, anchor: Exchange | None) -> int:
        """What is new goes to the journal; the ticket of the frame's alarms, 0 when all of them are on disk."""
        floor = node.position.floor
        taken = node.position.receive(uplink)
        wanted = {(alarm.epoch, alarm.number): alarm for alarm in uplink.alarms}
        new = [alarm for key, alarm in wanted.items() if key not in node.alarms and key not in node.tickets]
        self._counters.add("samples_received", len(taken.samples))
        self._counters.add("duplicates", taken.duplicates)
        if taken.duplicates:
            self._again[node.identity] += taken.duplicates
        self._counters.add("holes", sum(lost.last - lost.first + 1 for lost in taken.lost if lost.cause == 0))
        for lost in taken.lost:
            cause = self._catalogue.causes.get(lost.cause, str(lost.cause))
            what = f"{node.entry.name} lost {lost.epoch}/{lost.first} to {lost.epoch}/{lost.last}: {cause}"
            self._say.say(f"lost {node.identity}", "%s", what)
        if taken.samples or taken.lost or new or anchor or floor != node.position.floor:
            ticket = self._add(
                Entry(
                    node.identity,
                    exchange.at,
                    uplink.epoch,
                    uplink.tick,
                    uplink.floor,
                    anchor,
                    taken.samples,
                    taken.lost,
                    taken.found,
                    tuple(new),
                )
            )
            node.tickets.update({(alarm.epoch, alarm.number): ticket for alarm in new})
        return max((node.tickets.get(key, 0) for key in wanted), default=0)

    def _answer(
        self, node: Node, counter: int, uplink: Uplink, at: float, durable: Place, received: list[tuple[int, int, int]]
    ) -> bytes:
        alarms = [(a.epoch, a.number) for a in uplink.alarms if (a.epoch, a.number) in node.alarms]
        self._counters.add("samples_acknowledged", node.newly_acknowledged(durable))
        self._counters.add("replies")
        settings, light = node.wish(self._wanted), self._light_for(node, at)
        return node.seal(counter, Answer(durable, received, alarms, self._utc(), settings, light).to_bytes())

    def _utc(self) -> int | None:
        return int(self._clock.utc()) - EPOCH_2000 if self._clock.trusted() else None

    def _light_for(self, node: Node, at: float) -> Light | None:
        """The light that the node does not live by yet; its times count from the monotonic time `at`."""
        if not self._clock.trusted():
            return None
        light = self._light(node.entry.kid, at + self._clock.offset())
        return light if light is not None and node.lacks(light.version) else None
