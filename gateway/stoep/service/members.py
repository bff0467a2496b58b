"""From the registry's entries to the nodes that are believed: each secret is an identity of its own, the newest wins.

While a node has two secrets the old one is in force, replies and all, until a frame under the new one comes: that frame
proves that the node has it, and the old one is dead at once and for ever. It also dies of age, so that a secret which
somebody may have read off an old board does not stay good because the new board was never put up.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from stoep.clock import Clock, real, timestamp
from stoep.errors import StoreFullError
from stoep.intake.intake import Intake
from stoep.intake.node import Node
from stoep.refine.quality.surroundings import surroundings
from stoep.refine.refiner import Refiner
from stoep.registry.registry import Entry
from stoep.store import alarms, nodes
from stoep.store.database import Database
from stoep.store.nodes import Identity
from stoep.store.position import Position
from stoep.store.superseded import Superseded
from stoep.wire import frame
from stoep.wire.channels import catalogue

_log = logging.getLogger(__name__)
_DAY = 86_400
_AGAIN_SECONDS = 5.0  # real, until a node for which there was no room is tried again


class Members:
    """`identities`: by kid, the newest. One thread calls it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        intake: Intake,
        refiner: Refiner,
        positions: dict[int, Position],
        *,
        old_days: int,
    ) -> None:
        self._database = database
        self._clock = clock
        self._intake = intake
        self._refiner = refiner
        self._positions = positions
        self._alarms = alarms.keys(database)
        self._old_seconds = old_days * _DAY
        self._entries: dict[bytes, Entry] = {}
        self._rotating: dict[int, Entry] = {}  # by the old secret's identity
        self._superseded = Superseded(database)
        self._waiting: list[str] = []  # names of nodes with a secret for which there was no room
        self._tried = 0.0
        self.identities: dict[bytes, Identity] = {}
        self.problem: str | None = None

    def apply(self, entries: Iterable[Entry]) -> None:
        """From now on these are the site's nodes. On a full disk a new secret waits; whoever is retired does not."""
        self._entries = {entry.kid: entry for entry in entries}
        self._refiner.know(surroundings(self._entries.values(), catalogue()))
        self._settle()
        self._set()

    def look(self) -> None:
        """Writes down which old secrets died since, of proof or of age. To be called now and then."""
        again = bool(self._waiting) and real() - self._tried >= _AGAIN_SECONDS
        if self._settle() or again:
            self._set()
        self._superseded.write()

    def rotations(self) -> list[dict[str, Any]]:
        """What the gateway says of those under way; times are None while the clock was never trusted."""
        told = []
        for identity, entry in list(self._rotating.items()):
            state = self._superseded.get(identity)
            since = None if state is None else state.since
            begun = None if since is None else timestamp(since)
            dies = None if since is None else timestamp(since + self._old_seconds)
            told.append({"node": entry.name, "since": begun, "old_secret_dies": dies})
        return told

    def _settle(self) -> bool:
        """Whether an old secret died."""
        now = self._now()
        proven = {identity for identity in self._intake.ended() if not self._superseded.dead(identity)}
        aged = set()
        for identity, entry in self._rotating.items():
            state = self._superseded.get(identity)
            if identity in proven or state is None or state.dead or now is None:
                continue
            if state.since is None or state.since > now:  # the clock was set back: it had been wrong
                self._superseded.begin(identity, now)
            elif now >= state.since + self._old_seconds:
                aged.add(identity)
                _log.warning("%s never used its new secret, the old one is too old: commission it again", entry.name)
        for identity in proven & self._rotating.keys():
            _log.info("%s uses its new secret, the old one is dead", self._rotating[identity].name)
        if not proven | aged:
            return False
        self._superseded.bury(proven | aged)
        return True

    def _set(self) -> None:
        """Tells the intake and the refining thread who is who."""
        self._tried = real()
        self._waiting = []
        believed: list[Node] = []
        coming: list[Node] = []
        dead: list[str] = []
        self._rotating = {}
        self.identities = {}
        for entry in self._entries.values():
            lives = self._lives(entry)
            believed += lives[:1]
            coming += lives[1:]
            if not lives and entry.name not in self._waiting:
                dead.append(entry.name)
        self._intake.set_nodes(believed, coming)
        self._superseded.write()
        problems = []
        if dead:
            what = f"the secret of {', '.join(dead)} is dead, a newer one was in use"
            problems.append(f"{what}: import the newer hand-over, or commission the node again")
        if self._waiting:
            what = f"there is no room in the store to take in {', '.join(self._waiting)}"
            problems.append(f"{what}: make room on its disk, it goes on by itself")
        self._complain("; ".join(problems) or None)

    def _complain(self, problem: str | None) -> None:
        if problem is not None and problem != self.problem:
            _log.error("%s", problem)
        self.problem = problem

    def _lives(self, entry: Entry) -> list[Node]:
        """The node under each of its secrets that is not dead and for which there is room, the old one first."""
        before = None if entry.old is None else replace(entry, secret=entry.old, old=None)
        old = None if before is None else self._identify(before)
        newest = self._identify(entry)
        named = newest or old
        if named is not None:
            self.identities[entry.kid] = named
        if newest is not None:
            if self._superseded.dead(newest.id):
                return []
            self._superseded.revoke(newest.id)
        nodes_ = [] if newest is None else [self._node(entry, newest.id)]
        if before is None or old is None or self._superseded.dead(old.id):
            return nodes_
        self._superseded.begin(old.id, self._now())
        self._rotating[old.id] = entry
        return [self._node(before, old.id), *nodes_]

    def _now(self) -> int | None:
        return int(self._clock.utc()) if self._clock.trusted() else None

    def _identify(self, entry: Entry) -> Identity | None:
        """None: it is new, and there is no room."""
        mark = frame.fingerprint(entry.secret)
        identity: Identity | None
        try:
            identity = nodes.identify(self._database, entry.kid, mark, entry.name, entry.kind)
        except StoreFullError:
            identity = nodes.known(self._database, entry.kid, mark)
            if entry.name not in self._waiting:
                self._waiting.append(entry.name)
            if identity is None:
                return None
        self._refiner.name(identity)
        return identity

    def _node(self, entry: Entry, identity: int) -> Node:
        node = self._intake.known(identity)
        if node is None:
            position = self._positions.pop(identity, None) or Position()
            node = Node(entry, identity, self._intake.instance, position, self._alarms.pop(identity, set()))
        node.entry = entry
        return node
