"""The stations from intake to outbox without threads: a test says when a commit, a look and a crash happen."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway_rig import PlayedNode, TurnedClock
from stoep.clock import Clock
from stoep.downlink.commands import Commands
from stoep.fleet.survey import Wanted
from stoep.fleet.watch import Watch
from stoep.health import Counters, Pulse
from stoep.intake.intake import Intake, LightOf
from stoep.intake.node import Heard, Node
from stoep.ledger.receipts import Receipts, cause_word
from stoep.refine.calibration.book import Book
from stoep.refine.refiner import Refiner
from stoep.registry.registry import Entry
from stoep.service.service import restore
from stoep.steady import SteadyClock
from stoep.store import alarms, nodes, window_rows
from stoep.store.database import Database
from stoep.store.journal import Journal
from stoep.store.keeper import Keeper
from stoep.store.outbox import Outbox
from stoep.store.position import Position
from stoep.store.windows import SECONDS
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
        settings: Mapping[int, int] | None = None,
        forward: Collection[str] = ("window", "event", "state"),
        *,
        steady: bool = False,
        book: Book | None = None,
    ) -> None:
        self._forward = forward
        self.book = book  # what the next start finds
        self._file = file
        self._settings = settings or {}
        self._kind = kind
        self._light = light
        self._steady = steady  # as in the service; else the clock is believed whatever it says
        self.clock = clock
        self.steady: Clock = clock
        self.node = node
        self._open(b"\x01\x02\x03\x04")

    def _open(self, instance: bytes) -> None:
        self.database = Database(self._file, fail)
        self.counters = Counters()
        boot = nodes.boot(self.database, self.clock.boot())
        if self._steady:
            self.steady = SteadyClock(self.clock, nodes.offsets(self.database).get(boot))
        self.outbox = Outbox(self.database)
        self.native = native = Native("grote-markt", window_rows.generation(self.database), catalogue())
        self.journal = Journal(
            self.database, self.steady, boot, seconds=1, samples=500, committed=self._committed, pulse=Pulse()
        )
        self.commands = Commands(
            self.database,
            self.outbox,
            self.clock,
            catalogue(),
            self.counters,
            native.result,
            heard=self._heard,
        )
        self.intake = Intake(
            instance,
            self.steady,
            catalogue(),
            self.counters,
            add=self.journal.add,
            wait=self._wait,
            light=self._light,
            wanted=self.commands.wanted,
            full=lambda: self.database.full,
        )
        self.alarms_commit = True
        positions = restore(self.database)
        known = alarms.keys(self.database)
        self.refiner = Refiner(
            self.database,
            self.steady,
            boot,
            catalogue(),
            native,
            self.outbox,
            self.counters,
            Pulse(),
            forward=self._forward,
            book=self.book,
        )
        mark = frame.fingerprint(self.node.secret)
        identity = nodes.identify(self.database, self.node.kid, mark, self.node.name, self._kind)
        self.identity = identity
        self.refiner.name(identity)
        self.met = Node(
            Entry(self.node.kid, self.node.name, self._kind, self.node.secret, self._settings),
            identity.id,
            instance,
            positions.get(identity.id) or Position(),
            known.get(identity.id, set()),
        )
        self.others: list[Node] = []
        self.intake.set_nodes([self.met])
        self.commands.set_nodes([self.met.entry])

    def join(self, entry: Entry) -> None:
        """One more node; a crash forgets it."""
        identity = nodes.identify(self.database, entry.kid, frame.fingerprint(entry.secret), entry.name, entry.kind)
        self.refiner.name(identity)
        self.others.append(Node(entry, identity.id, self.met._instance, Position(), set()))
        self.intake.set_nodes([self.met, *self.others])

    def _heard(self) -> Mapping[bytes, Heard]:
        return self.intake.heard()

    def wish(self, settings: Mapping[int, int]) -> None:
        """The registry says other settings now."""
        self.met.entry = replace(self.met.entry, settings=settings)
        self.commands.set_nodes([self.met.entry])

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

    def ask(self, *samples: Any, node: PlayedNode | None = None, **report: Any) -> Answer:
        """The answer to a report, after a challenge where there is one."""
        asking = node or self.node
        for _ in range(2):
            reply = self.say(asking.report(*samples, **report))
            assert reply is not None
            answer = asking.open(reply)
            if isinstance(answer, Answer):
                return answer
        raise AssertionError("challenged twice")

    def windows(self) -> list[dict[str, Any]]:
        """The windows that wait for the city; all that waits goes with this."""
        return self.said("window")

    def said(self, what: str) -> list[dict[str, Any]]:
        """As `windows`, of another kind of message."""
        messages = self.outbox.next(1000, ())
        self.outbox.confirmed([message.id for message in messages])
        return [json.loads(message.payload) for message in messages if message.topic.endswith(f"/{what}")]

    def row(self, query: str) -> Any:
        with self.database.reading() as sql:
            return sql.execute(query).fetchone()

    def watch(self) -> Watch:
        """The station that looks at the fleet from beside."""
        return Watch(
            self.database,
            self.clock,
            catalogue(),
            Receipts(self.database, self.outbox, self.native, lambda cause: cause_word(catalogue().causes, cause)),
            wanted=lambda: {self.node.kid: Wanted("bin-1", "bin", SECONDS)},
            published=lambda: dict(self.refiner.published),
            again=self.intake.take_duplicates,
            counters=self.counters,
            pulse=Pulse(),
        )
