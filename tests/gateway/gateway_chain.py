"""The stations from intake to outbox without threads: a test says when a commit, a look and a crash happen."""

import json
from pathlib import Path
from typing import Any

from gateway_rig import PlayedNode, TurnedClock
from stoep.health import Counters, Pulse
from stoep.intake.intake import Intake, LightOf
from stoep.intake.node import Node
from stoep.refine.refiner import Refiner
from stoep.registry import Entry
from stoep.service import restore
from stoep.store import nodes, window_rows
from stoep.store.database import Database
from stoep.store.journal import Journal
from stoep.store.keeper import Keeper
from stoep.store.outbox import Outbox
from stoep.store.position import Position
from stoep.uplink.dialects.native import Native
from stoep.wire import frame
from stoep.wire.channels import catalogue
from stoep.wire.replies import Answer


def fail(error: BaseException) -> Any:
    """In the place of the end of the process."""
    raise SystemExit(f"the process would have ended: {error}")


class Chain:
    """One gateway with one node; `crash` forgets everything that is not on disk."""

    def __init__(
        self,
        file: Path,
        clock: TurnedClock,
        node: PlayedNode,
        kind: str = "bin",
        light: LightOf = lambda _kid, _utc: None,
    ) -> None:
        self._file = file
        self._kind = kind
        self._light = light
        self.clock = clock
        self.node = node
        self._open(b"\x01\x02\x03\x04")

    def _open(self, instance: bytes) -> None:
        self.database = Database(self._file, fail)
        self.counters = Counters()
        boot = nodes.boot(self.database, self.clock.boot())
        self.outbox = Outbox(self.database)
        self.native = native = Native("grote-markt", window_rows.generation(self.database), catalogue())
        self.journal = Journal(
            self.database, self.clock, boot, seconds=1, samples=500, committed=self._committed, pulse=Pulse()
        )
        self.intake = Intake(
            instance,
            self.clock,
            catalogue(),
            self.counters,
            add=self.journal.add,
            wait=self._wait,
            light=self._light,
            full=lambda: self.database.full,
        )
        self.alarms_commit = True
        positions = restore(self.database)
        alarms = nodes.alarms(self.database)
        self.refiner = Refiner(
            self.database, self.clock, boot, catalogue(), native, self.outbox, self.counters, Pulse()
        )
        mark = frame.fingerprint(self.node.secret)
        identity = nodes.identify(self.database, self.node.kid, mark, self.node.name, self._kind)
        self.identity = identity
        self.refiner.name(identity)
        self.met = Node(
            Entry(self.node.kid, self.node.name, self._kind, self.node.secret),
            identity.id,
            instance,
            positions.get(identity.id) or Position(),
            alarms.get(identity.id, set()),
        )
        self.intake.set_nodes([self.met])

    def _committed(self, entries: Any) -> None:
        self.intake.committed(entries)

    def _wait(self, _ticket: int, _seconds: float) -> bool:
        if self.alarms_commit:
            self.journal.commit()
        return self.alarms_commit

    def commit(self) -> None:
        self.journal.commit()

    def turn(self, *, last: bool = False) -> None:
        self.refiner.turn(last=last)

    def keeper(self, max_mb: int = 2000, max_days: int = 365) -> Keeper:
        return Keeper(self.database, self.clock, self.counters, max_mb=max_mb, max_days=max_days)

    def crash(self, *, boot: str | None = None) -> None:
        """Without a checkpoint, without a last commit."""
        self.database.close()
        if boot is not None:
            self.clock.name = boot
        number = int.from_bytes(self.met._instance, "big") + 1
        self._open(number.to_bytes(4, "big"))

    def say(self, frame_: bytes) -> bytes | None:
        """The sealed reply."""
        reply = self.intake.handle(frame_, self.clock.monotonic(), -61, "bridge")
        return None if reply is None else reply.frame

    def ask(self, *samples: Any, **report: Any) -> Answer:
        """The answer to a report, after a challenge where there is one."""
        for _ in range(2):
            reply = self.say(self.node.report(*samples, **report))
            assert reply is not None
            answer = self.node.open(reply)
            if isinstance(answer, Answer):
                return answer
        raise AssertionError("challenged twice")

    def windows(self) -> list[dict[str, Any]]:
        """What waits for the city, and goes with this."""
        messages = self.outbox.next(1000, ())
        self.outbox.confirmed([message.id for message in messages])
        return [json.loads(message.payload) for message in messages if message.topic.endswith("/window")]

    def row(self, query: str) -> Any:
        with self.database.reading() as sql:
            return sql.execute(query).fetchone()
