"""The city's commands, from the moment they come until the node says what came of them.

A command is a row before the city hears `accepted`, and each step is one transaction with the message that tells it: so
killed at any instant none is forgotten and none is done twice. Without room on the disk nothing is accepted and nothing
counts as done: memory follows the disk, and it is done again later. What has expired never goes into a reply, whatever
became of the thread that should have noticed. Links ask `wanted` while a node waits: it reads what is in memory.
"""

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple, Protocol

from stoep.clock import Clock, real
from stoep.downlink import order
from stoep.downlink.desired import DEFAULTS, Desired, Settings, UnderWay, spelled
from stoep.downlink.order import RefusedError
from stoep.downlink.trail import Compose, Trail
from stoep.errors import StoreFullError
from stoep.health import Counters
from stoep.registry.registry import Entry
from stoep.store import commands as rows
from stoep.store.command import DOUBTFUL, Command, Result
from stoep.store.database import Database
from stoep.store.outbox import Outbox
from stoep.wire.channels import Catalogue
from stoep.wire.messages import Health
from stoep.wire.replies import version_of

_TALK = 15.0  # seconds that a talk lasts at most, by the gateway's clock: what comes later has heard the reply or not
_SILENCE = 86_400  # seconds after its end for which a command that was sent waits for the node's word
_LONGEST_NAME = 64
_PRUNE_SECONDS = 3600.0  # real
_PRUNE_ROWS = 1000


class Heard(Protocol):
    """The last that was heard of a node: at which monotonic time, and what it said of itself."""

    @property
    def at(self) -> float: ...

    @property
    def health(self) -> Health | None: ...


class _Sent(NamedTuple):
    number: int
    version: int
    at: float  # monotonic


class Commands:
    """`heard` tells of each node, `changed` is called with the kid of one that is to live by others from now on."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        clock: Clock,
        catalogue: Catalogue,
        counters: Counters,
        compose: Compose,
        *,
        heard: Callable[[], Mapping[bytes, Heard]],
        changed: Callable[[bytes], None] = lambda _kid: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._counters = counters
        self._trail = Trail(database, outbox, clock, counters, compose)
        self._heard = heard
        self._changed = changed
        self._lock = threading.Lock()  # of whoever writes; who asks reads a whole Desired
        self._desired: dict[bytes, Desired] = {}
        self._sent: dict[bytes, _Sent] = {}  # to be written down at the next turn
        self._given = rows.given(database)
        self._waiting: dict[bytes, UnderWay] = {}  # for whom no node is known yet
        self._dropped: list[tuple[Command, str]] = []  # with why, to be written down at the next turn
        for command in rows.still_open(database):
            self._resume(command)
        self._pruned_at = -_PRUNE_SECONDS
        self._taken = 0  # since then

    def _resume(self, command: Command) -> None:
        """After a restart: whether it was sent just before, only the node knows."""
        try:
            read = order.read(command.content.encode(), self._catalogue.settings)
        except RefusedError as error:  # another release may know other settings
            self._dropped.append((command, str(error)))
            return
        sent_at = self._clock.monotonic() if command.result is Result.SENT else None
        if command.kid is not None and command.expires is not None:
            self._waiting[command.kid] = UnderWay(command, command.expires, read.changes, sent_at)

    def lived_by(self, kid: bytes) -> Settings:
        """What a node lives by as far as it is known here, without a command under way; the rest is the default."""
        desired = self._desired.get(kid)
        return {} if desired is None else desired.settled()

    def set_nodes(self, entries: Iterable[Entry]) -> None:
        """From now on these are the site's nodes; who is gone is told nothing any more."""
        with self._lock:
            known = {entry.kid: entry for entry in entries}
            waiting = self._waiting | {kid: d.under_way for kid, d in self._desired.items() if d.under_way}
            self._waiting = {}
            for kid, under_way in waiting.items():
                if kid not in known:
                    self._dropped.append((under_way.command, "the node was retired"))
            self._desired = {
                kid: Desired(entry, self._given.get(kid), waiting.get(kid)) for kid, entry in known.items()
            }
            with suppress(StoreFullError):
                self._write_dropped()

    def wanted(self, entry: Entry, said: Health) -> Settings:
        """What a node that says this of itself is to live by now; empty: as it does."""
        desired = self._desired.get(entry.kid)
        if desired is None:
            return {}
        whole = desired.settled()
        under_way = desired.under_way
        if under_way is not None and not desired.is_strange(said):
            version = version_of(desired.changed())
            if said.version in desired.versions():
                whole = desired.changed()  # it has done so
            elif self._is_fresh(under_way) and said.refused != version:
                whole = desired.changed()
                self._sent[entry.kid] = _Sent(under_way.command.number, version, self._clock.monotonic())
        return {} if said.version == DEFAULTS and whole == spelled({}) else whole

    def _is_fresh(self, under_way: UnderWay) -> bool:
        return self._clock.trusted() and self._clock.utc() < under_way.expires

    # -- what comes from the city --------------------------------------------------------------------------------------

    def take(self, topic: str, payload: bytes, retained: bool) -> None:
        """What the city's broker hands over on `stoep/1/<site>/<node>/set`; returns when it is on disk.

        Raises StoreFullError: nothing happened, it is to be handed over again.
        """
        if payload:  # without any a retained message is taken away
            self._take(topic, payload, retained=retained)
        self._counters.add("commands")
        self._taken += 1

    def _take(self, topic: str, payload: bytes, *, retained: bool) -> None:
        with self._lock:
            self._follow()  # the node may have done the command before by now
            node = _named(topic)
            told = order.outline(payload)
            before = [] if told.id is None else rows.under(self._database, node, told.id)
            for one in before:
                if one.content == told.content:
                    self._repeat(one)
                    return
            desired = next((one for one in self._desired.values() if one.entry.name == node), None)
            kid = None if desired is None else desired.entry.kid
            now = self._trail.now()
            new = Command(0, node, kid, told.id, told.sender, None, told.content, now, Result.REFUSED, None, ())
            try:
                read = self._read(payload, now, retained=retained, other=bool(before))
                new = replace(new, expires=int(read.expires.timestamp()))
                if desired is None:
                    raise RefusedError(f"no node of this site is called {node}")  # noqa: TRY301 -- one way out
                with_it = replace(desired, under_way=UnderWay(new, int(read.expires.timestamp()), read.changes))
                order.check(read.changes, desired.entry.kind, with_it.changed(), self._catalogue.settings)
            except RefusedError as error:
                self._begin(new, Result.REFUSED, str(error))
                return
            if now is None or new.expires is None or new.expires <= now:
                self._begin(new, Result.EXPIRED, "it had expired when it came")
            else:
                self._accept(new, with_it, desired.under_way)

    def _read(self, payload: bytes, now: int | None, *, retained: bool, other: bool) -> order.Order:
        if retained:
            raise RefusedError("a retained command is an old one: publish it without retain")
        read = order.read(payload, self._catalogue.settings)
        if other:
            raise RefusedError("another command had this id: give each its own")
        if now is None:
            raise RefusedError("clock not trusted: nobody can tell whether it has expired; say it again under a new id")
        if read.expires.timestamp() > now + order.FARTHEST / timedelta(seconds=1):
            raise RefusedError(f"expires is more than {order.FARTHEST.days} days ahead")
        return read

    def _repeat(self, command: Command) -> None:
        """The broker or the city says it again: it hears the same again."""
        with self._trail.writing() as sql:
            self._trail.repeat(sql, command)

    def _begin(self, new: Command, result: Result, why: str) -> None:
        with self._trail.writing() as sql:
            self._trail.begin(sql, new, result, why)

    def _accept(self, new: Command, desired: Desired, before: UnderWay | None) -> None:
        assert desired.under_way is not None
        with self._trail.writing() as sql:
            version = version_of(desired.changed())
            entered = self._trail.begin(sql, replace(new, version=version), Result.ACCEPTED)
            if before is not None:
                self._trail.go_on(sql, before.command, Result.SUPERSEDED, f"by {new.id}")
        kid = desired.entry.kid
        unsure = before.sent_at + _TALK if before is not None and before.sent_at is not None else -math.inf
        self._desired[kid] = replace(desired, under_way=replace(desired.under_way, command=entered, unsure=unsure))
        self._changed(kid)

    # -- what comes of it ----------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Now and then: what the nodes have said, what has expired. Without room: later."""
        with suppress(StoreFullError):
            with self._lock:
                self._follow()
                now = self._trail.now()
            if now is not None and (real() - self._pruned_at >= _PRUNE_SECONDS or self._taken >= _PRUNE_ROWS):
                rows.prune(self._database, now)
                self._pruned_at, self._taken = real(), 0

    def _follow(self) -> None:
        self._write_dropped()
        while self._sent:
            kid, sent = self._sent.popitem()
            try:
                self._note(kid, sent)
            except StoreFullError:
                self._sent.setdefault(kid, sent)  # what was sent meanwhile is newer
                raise
        under_way = [desired for desired in self._desired.values() if desired.under_way is not None]
        heard = self._heard() if under_way else {}
        for desired in under_way:
            self._judge(desired, heard.get(desired.entry.kid))

    def _note(self, kid: bytes, sent: _Sent) -> None:
        """It went out in a reply. From now on the settings of this node are the gateway's to know."""
        desired = self._desired.get(kid)
        under_way = None if desired is None else desired.under_way
        if desired is None or under_way is None or under_way.command.number != sent.number:
            return
        command = under_way.command
        if command.result is not Result.SENT or command.version != sent.version:
            with self._trail.writing() as sql:
                command = self._trail.go_on(sql, command, Result.SENT, version=sent.version)
                rows.give(sql, kid, desired.city or {})
            self._given[kid] = dict(desired.city or {})
        self._desired[kid] = replace(
            desired, city=self._given[kid], under_way=replace(under_way, command=command, sent_at=sent.at)
        )

    def _judge(self, desired: Desired, heard: Heard | None) -> None:
        under_way = desired.under_way
        assert under_way is not None
        said = None if heard is None else heard.health
        sure = under_way.sent or (heard is not None and heard.at > under_way.unsure)
        if said is not None and said.version in desired.versions() and sure:
            self._end(desired, Result.APPLIED)
        elif said is not None and said.refused in desired.versions():
            self._end(desired, Result.REFUSED, f"the node refused it: {self._catalogue.refusal(said.flaw)}")
        elif said is not None and desired.is_strange(said):
            name = desired.entry.name
            why = f"nobody here knows by which settings {name} lives: name them in nodes.toml, then say it again"
            self._end(desired, Result.REFUSED, why)
        elif self._clock.trusted() and self._clock.utc() >= under_way.expires:
            if under_way.expires == DOUBTFUL:
                self._end(
                    desired, Result.EXPIRED, "the store was restored since, and nobody here knows whether it was done"
                )
            elif under_way.sent_at is None:
                self._end(desired, Result.EXPIRED, "the node did not ask in time")
            elif heard is not None and heard.at > under_way.sent_at + _TALK:
                self._end(desired, Result.EXPIRED, "it was sent, and the node did not hear it")
            elif self._clock.utc() >= under_way.expires + _SILENCE:
                self._end(desired, Result.EXPIRED, "it was sent, and the node has said nothing since")

    def _end(self, desired: Desired, result: Result, why: str | None = None) -> None:
        under_way, kid = desired.under_way, desired.entry.kid
        assert under_way is not None
        city = desired.of_city() if result is Result.APPLIED else desired.city
        with self._trail.writing() as sql:
            self._trail.go_on(sql, under_way.command, result, why)
            if result is Result.APPLIED and city is not None:
                rows.give(sql, kid, city)
        if city is not None:
            self._given[kid] = dict(city)
        self._desired[kid] = replace(desired, city=city, under_way=None)

    def _write_dropped(self) -> None:
        while self._dropped:
            command, why = self._dropped[0]
            with self._trail.writing() as sql:
                self._trail.go_on(sql, command, Result.REFUSED, why)
            del self._dropped[0]


def _named(topic: str) -> str:
    """The node that the topic is of; one too long to be any node's is cut so that it stays nobody's."""
    name = topic.split("/")[-2]
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
