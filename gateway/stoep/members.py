"""From the registry's entries to the nodes that are believed: each secret is an identity of its own, the newest wins.

While a node has two secrets the old one is in force, replies and all, until a frame under the new one comes: that frame
proves that the node has it, and the old one is dead at once and for ever. It also dies of age, so that a secret which
somebody may have read off an old board does not stay good because the new board was never put up.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from stoep.clock import Clock, timestamp
from stoep.intake.intake import Intake
from stoep.intake.node import Node
from stoep.refine.refiner import Refiner
from stoep.registry import Entry
from stoep.store import nodes, superseded
from stoep.store.database import Database
from stoep.store.nodes import Identity
from stoep.store.position import Position
from stoep.store.superseded import Superseded
from stoep.wire import frame

_log = logging.getLogger(__name__)
_DAY = 86_400


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
        self._alarms = nodes.alarms(database)
        self._old_seconds = old_days * _DAY
        self._entries: dict[bytes, Entry] = {}
        self._rotating: dict[int, Entry] = {}  # by the old secret's identity
        self._buried: set[int] = set()
        self.identities: dict[bytes, Identity] = {}
        self.problem: str | None = None

    def apply(self, entries: Iterable[Entry]) -> None:
        """From now on these are the site's nodes."""
        self._entries = {entry.kid: entry for entry in entries}
        self._settle()
        self._set()

    def look(self) -> None:
        """Writes down which old secrets died since, of proof or of age. To be called now and then."""
        if self._settle():
            self._set()

    def rotations(self) -> list[dict[str, Any]]:
        """What the gateway says of those under way; times are None while the clock was never trusted."""
        known = superseded.find(self._database)
        told = []
        for identity, entry in self._rotating.items():
            since = known[identity].since
            begun = None if since is None else timestamp(since)
            dies = None if since is None else timestamp(since + self._old_seconds)
            told.append({"node": entry.name, "since": begun, "old_secret_dies": dies})
        return told

    def _settle(self) -> bool:
        """Whether an old secret died."""
        now = self._now()
        known = superseded.find(self._database) if self._rotating else {}
        proven = self._intake.ended() - self._buried
        aged = set()
        for identity, entry in self._rotating.items():
            state = known.get(identity, Superseded(None, dead=False))
            if identity in proven or state.dead:
                continue
            if now is None:
                continue
            if state.since is None or state.since > now:  # the clock was set back: it had been wrong
                superseded.begin(self._database, identity, now)
            elif now >= state.since + self._old_seconds:
                aged.add(identity)
                _log.warning("%s never used its new secret, the old one is too old: commission it again", entry.name)
        for identity in proven & self._rotating.keys():
            _log.info("%s uses its new secret, the old one is dead", self._rotating[identity].name)
        if not proven | aged:
            return False
        superseded.bury(self._database, proven | aged)
        self._buried |= proven | aged
        return True

    def _set(self) -> None:
        """Tells the intake and the refining thread who is who."""
        known = superseded.find(self._database)
        believed: list[Node] = []
        coming: list[Node] = []
        dead: list[str] = []
        self._rotating = {}
        self.identities = {}
        for entry in self._entries.values():
            lives = self._lives(entry, known)
            believed += lives[:1]
            coming += lives[1:]
            if not lives:
                dead.append(entry.name)
        self._intake.set_nodes(believed, coming)
        self.problem = None
        if dead:
            what = f"the secret of {', '.join(dead)} is dead, a newer one was in use"
            self.problem = f"{what}: import the newer hand-over, or commission the node again"
            _log.error("%s", self.problem)

    def _lives(self, entry: Entry, known: Mapping[int, Superseded]) -> list[Node]:
        """The node under each of its secrets that is not dead, the old one first."""
        before = None if entry.old is None else replace(entry, secret=entry.old, old=None)
        old = None if before is None else self._identify(before)
        newest = self.identities[entry.kid] = self._identify(entry)
        if newest.id in known:
            if known[newest.id].dead:
                return []
            superseded.revoke(self._database, newest.id)
        node = self._node(entry, newest.id)
        if before is None or old is None or (old.id in known and known[old.id].dead):
            return [node]
        superseded.begin(self._database, old.id, self._now())
        self._rotating[old.id] = entry
        return [self._node(before, old.id), node]

    def _now(self) -> int | None:
        return int(self._clock.utc()) if self._clock.trusted() else None

    def _identify(self, entry: Entry) -> Identity:
        mark = frame.fingerprint(entry.secret)
        identity = nodes.identify(self._database, entry.kid, mark, entry.name, entry.kind)
        self._refiner.name(identity)
        return identity

    def _node(self, entry: Entry, identity: int) -> Node:
        node = self._intake.known(identity)
        if node is None:
            position = self._positions.pop(identity, None) or Position()
            node = Node(entry, identity, self._intake.instance, position, self._alarms.pop(identity, set()))
        node.entry = entry
        return node
