"""What came of each command is written down and told to the city in one transaction: neither without the other."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from stoep.clock import Clock
from stoep.health import Bounded, Counters
from stoep.store import commands as rows
from stoep.store.command import Command, Result, Step
from stoep.store.database import Database
from stoep.store.outbox import Outbox

_log = logging.getLogger(__name__)
_TOLD = frozenset(Result) - {Result.SENT}  # the city hears of


@dataclass(frozen=True)
class Said:
    """What the city is told of a command: `number` is ours, `id` the city's, `utc` Unix seconds."""

    number: int
    node: str
    kid: bytes | None
    id: str | None
    result: str
    reason: str | None
    version: int | None
    utc: int | None


Compose = Callable[[Said], tuple[str, str, bytes]]  # (key, topic, payload)


class Trail:
    """What it is told between two ends of `writing` is one transaction."""

    def __init__(self, database: Database, outbox: Outbox, clock: Clock, counters: Counters, compose: Compose) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._counters = counters
        self._compose = compose
        self._say = Bounded(_log, logging.INFO)
        self._new: list[tuple[Command, Step]] = []

    def now(self) -> int | None:
        """Unix seconds; None while nobody knows."""
        return int(self._clock.utc()) if self._clock.trusted() else None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Counted and logged is what is on the disk. Raises StoreFullError: then nothing of it happened."""
        self._new = []
        with self._database.transaction() as sql:
            yield sql
        for command, step in self._new:
            self._counters.add(f"commands_{step.result}")
            because = f" ({step.why})" if step.why else ""
            self._say.say(step.result, "command %s to %s: %s%s", command.id, command.node, step.result, because)
        self._outbox.waiting.set()

    def begin(self, sql: sqlite3.Connection, new: Command, result: Result, why: str | None = None) -> Command:
        """The row of a command that came just now, with its first result."""
        step = Step(self.now(), result, why)
        entered = rows.add(sql, replace(new, result=result, steps=(step,)))
        self._tell(sql, entered, step)
        return entered

    def go_on(
        self,
        sql: sqlite3.Connection,
        command: Command,
        result: Result,
        why: str | None = None,
        version: int | None = None,
    ) -> Command:
        """One step more; `version` when the settings with it are others now."""
        step = Step(self.now(), result, why)
        moved = rows.move(sql, command, step, command.version if version is None else version)
        self._tell(sql, moved, step)
        return moved

    def repeat(self, sql: sqlite3.Connection, command: Command) -> None:
        """The last thing that the city was told, again."""
        last = next(step for step in reversed(command.steps) if step.result in _TOLD)
        Outbox.put(sql, *self._composed(command, last))

    def _tell(self, sql: sqlite3.Connection, command: Command, step: Step) -> None:
        self._new.append((command, step))
        if step.result in _TOLD:
            Outbox.put(sql, *self._composed(command, step))

    def _composed(self, command: Command, step: Step) -> tuple[str, str, bytes]:
        who = (command.number, command.node, command.kid, command.id)
        return self._compose(Said(*who, step.result, step.why, command.version, step.at))
