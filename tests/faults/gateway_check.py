"""What a power cut left is opened by the product's own code, and every promise made before the cut is looked for.

First the store alone: it opens, it is whole, it holds what was acknowledged and nothing that nobody said. Then the
nodes come back with what they still hold, time goes on, and in the end each window must be the sum of exactly the
samples that were taken, the ledger must name exactly those that were not, and the city must not be contradicted.
"""

import json
import sqlite3
from collections import defaultdict
from pathlib import Path
from typing import Any

import gateway_rows as disk
from gateway_load import Recording, turn, values, write_settings
from gateway_talk import Commanded, Key, Life, Published

from gateway_rig import PlayedNode, write_clock
from stoep import settings
from stoep.errors import StoreError
from stoep.refine.quality.judged import trusted
from stoep.refine.summary import totals
from stoep.service.service import Service, restore
from stoep.store import commands, nodes, window_rows
from stoep.store.database import Database
from stoep.store.squeeze import whole
from stoep.store.windows import Total, Window, start_of
from stoep.wire.channels import catalogue
from stoep.wire.messages import Alarm, Lost, Place, Sample
from stoep.wire.replies import Answer, Challenge

_AWAY = 2000  # virtual seconds without power
_WAITED = 7 * 3600  # until nobody waits for a better time any more
_PER_FRAME = 5
_COUNTER = 1_000_000  # above all that were used
_FINDINGS = 5  # of one state are enough


def _fail(error: BaseException) -> Any:
    raise error


class _Broken(Exception):  # noqa: N818 -- not an error of this program: what it looks for
    """The state is so far from what was promised that nothing more can be asked of it."""


class State:
    """One outcome of one power cut: `lives` and `sent` tell what had been said by then."""

    def __init__(
        self,
        folder: Path,
        recording: Recording,
        lives: dict[bytes, Life],
        sent: list[Published],
        commanded: Commanded,
        utc: float,
    ) -> None:
        self._folder = folder
        self._recording = recording
        self._lives = lives
        self._sent = sent
        self._commanded = commanded
        self._utc = utc
        self.findings: list[str] = []

    def check(self) -> list[str]:
        """What is wrong with it."""
        try:
            self._alone()
            if not self.findings:  # a broken store would end this process, as it should
                self._with_nodes()
        except _Broken as broken:
            self._find(str(broken))
        return self.findings

    def _find(self, finding: str) -> None:
        if len(self.findings) < _FINDINGS:
            self.findings.append(finding)

    # The store alone.

    def _alone(self) -> None:
        try:
            database = Database(self._folder / "stoep.db", _fail)
        except StoreError as error:
            raise _Broken(f"the store does not open: {error.__cause__ or error}") from None
        try:
            if database.quarantine.kept():
                raise _Broken("the store was corrupt, which no power cut may make it")
            with database.reading() as sql:
                self._whole(sql)
                self._alarms(sql)
            self._positions(database)
            self._log(database)
            self._windows(database)
            self._on_its_way(database)
            self._given_up(database)
            self._commands(database)
        except (sqlite3.Error, StoreError) as error:
            raise _Broken(f"the store cannot be read: {error}") from None
        finally:
            database.close()

    def _whole(self, sql: sqlite3.Connection) -> None:
        for pragma in ("integrity_check", "foreign_key_check"):
            found = [row for row in sql.execute(f"PRAGMA {pragma}") if row != ("ok",)]
            if found:
                raise _Broken(f"{pragma}: {found[:2]}")

    def _positions(self, database: Database) -> None:
        kids = {identity.id: identity.kid for identity in nodes.identities(database)}
        there = {kids[number]: position.durable() for number, position in restore(database).items() if position.floor}
        for kid, life in self._lives.items():
            told, known = life.durable, there.get(kid, Place(0, 0))
            if any(key <= told for key in life.said) and known < told and known.epoch in {0, told.epoch}:
                self._find(f"{kid.hex()} was told {told} is durable, restored is {known}")  # another epoch: see _resend

    def _alarms(self, sql: sqlite3.Connection) -> None:
        there: dict[bytes, dict[Key, Alarm]] = defaultdict(dict)
        query = "SELECT kid, epoch, number, code, tick, raised, value FROM alarm JOIN identity AS i ON i.id = identity"
        for kid, epoch, number, code, tick, raised, value in sql.execute(query):
            there[kid][epoch, number] = Alarm(epoch, number, code, tick, bool(raised), value)
        for kid, found in there.items():
            if any(self._lives[kid].alarms.get(key) != alarm for key, alarm in found.items()):
                self._find(f"{kid.hex()}: an alarm in the store was never raised like that")
        for kid, life in self._lives.items():
            for key in life.held - there[kid].keys():
                self._find(f"{kid.hex()}: alarm {key} was acknowledged and is not in the store")

    def _log(self, database: Database) -> None:
        kids = {identity.id: identity.kid for identity in nodes.identities(database)}
        for row in nodes.rows(database):
            for entry in row.entries:
                life = self._lives.get(kids[entry.identity])
                if life is None:
                    raise _Broken(f"row {row.id} of the log is of a node that was not heard")
                for sample in entry.samples:
                    if life.said.get((sample.epoch, sample.seq)) != sample:
                        self._find(f"row {row.id} of the log holds {sample}, which nobody said")
                for lost in entry.lost:
                    self._declared(life, row.id, lost)

    def _declared(self, life: Life, row: int, lost: Lost) -> None:
        keys = [(lost.epoch, seq) for seq in range(lost.first, lost.last + 1)]
        if lost.cause and any(life.declared.get(key) != lost.cause for key in keys):
            self._find(f"row {row} of the log holds {lost}, which nobody declared")

    def _windows(self, database: Database) -> None:
        """Each published revision is on its way or confirmed; none that was sent is taken back."""
        native = disk.native(database)
        names = {identity.kid: identity for identity in nodes.identities(database)}
        waiting = disk.revisions(database)
        sent: dict[disk.Where, dict[int, Published]] = defaultdict(dict)
        for message in self._sent:
            if message.is_window():
                sent[disk.where(message.content)][message.content["revision"]] = message
        windows = {(window.kid, window.start): window for window in disk.all_windows(database)}
        told = disk.payloads(native, names, windows)
        for where, window in windows.items():
            now = sent[where].get(window.revision)
            if now is not None and not window.due and not disk.same(now.payload, told[where]):
                self._find(f"{disk.named(where)}: revision {window.revision} is not what the city has under it")
            confirmed = now is not None and now.confirmed is not None
            if window.revision and not confirmed and waiting.get(where) != window.revision:
                self._find(f"{disk.named(where)}: revision {window.revision} is neither confirmed nor on its way")
        for where, revisions in sent.items():
            if where not in windows or windows[where].revision < max(revisions, default=0):
                self._find(f"{disk.named(where)}: the city has revision {max(revisions)}, the store an earlier one")

    def _on_its_way(self, database: Database) -> None:
        """The outbox holds of each window the revision it has, and of each alarm that was sent an event; no others."""
        for where, revision in disk.revisions(database).items():
            if window_rows.find(database, *where).revision != revision:
                self._find(f"{disk.named(where)}: revision {revision} is on its way, and the window has another")
        waiting = {disk.event(content) for content in disk.waiting(database) if "revision" not in content}
        confirmed = {disk.event(m.content) for m in self._sent if not m.is_window() and m.confirmed is not None}
        query = "SELECT kid, epoch, number, sent FROM alarm JOIN identity AS i ON i.id = identity"
        for kid, epoch, number, sent in disk.rows(database, query):
            alarm = kid.hex(), epoch, number
            if sent and alarm not in waiting | confirmed:
                self._find(
                    f"{kid.hex()}: alarm {epoch}/{number} counts as sent, and is neither confirmed nor on its way"
                )
            if not sent and alarm in waiting:
                self._find(f"{kid.hex()}: alarm {epoch}/{number} is on its way and counts as not sent")

    def _given_up(self, database: Database) -> None:
        """The ledger names what a node declared, with its cause, and all of it that was acknowledged."""
        lost = self._ledger(database)
        for kid, found in lost.items():
            if any(cause and self._lives[kid].declared.get(key) != cause for key, cause in found.items()):
                self._find(f"{kid.hex()}: the ledger holds what nobody declared")
        for kid, life in self._lives.items():
            for key in life.declared.keys() - life.said.keys() - lost[kid].keys():
                if key <= life.durable:
                    self._find(f"{kid.hex()}: {key} was acknowledged as given up and is not in the ledger")

    def _commands(self, database: Database) -> None:
        """What was taken from the broker is a row, and what the city was told is a step of it."""
        with database.reading() as sql:
            steps = {(row.id, step.result.value) for row in commands.newest(sql, None, -1) for step in row.steps}
        ids = {command for command, _ in steps}
        for command in self._commanded.taken - ids:
            self._find(f"command {command} was taken from the broker and is not in the store")
        for command, result in self._commanded.told - steps:
            self._find(f"the city was told that command {command} is {result}, and the store does not know it")

    # The nodes come back.

    def _with_nodes(self) -> None:
        write_settings(self._folder, self._recording.files)
        clock = self._folder / "clock"
        clock.unlink(missing_ok=True)
        write_clock(clock, utc=self._utc + _AWAY, speed=0)
        service = Service(settings.load(self._folder / "gateway.toml"))
        database = service._database
        database._fatal = _fail
        service.intake._wait = lambda _ticket, _seconds: service._journal.commit() or True  # no thread would do it
        try:
            for kid, life in self._lives.items():
                self._resend(service, kid, life)
            service._journal.commit()
            service._refiner.turn()
            turn(clock, _WAITED)
            service._refiner.turn(last=True)
            while service._refiner._behind:  # a portion at a time
                service._refiner.turn()
            self._final(database)
        finally:
            database.close()

    def _resend(self, service: Service, kid: bytes, life: Life) -> None:
        """What a node still holds, in as many frames as it takes, then that there is nothing more."""
        node = PlayedNode("", kid, self._recording.secrets[kid], counter=_COUNTER)
        held = [s for key, s in sorted(life.said.items()) if key > life.durable and key not in life.declared]
        lost = [lost for lost in life.lost if (lost.epoch, lost.last) > life.durable]
        alarms = [alarm for key, alarm in life.alarms.items() if key not in life.held]
        last = max((seq for epoch, seq in life.said.keys() | life.declared.keys() if epoch == life.epoch), default=0)
        owed = [(s.epoch, s.seq) for s in held] + [(part.epoch, part.first) for part in lost]
        end = Place(life.epoch, last + 1)
        floor = Place(*min(owed, default=end))
        now = self._utc + _AWAY - self._recording.began[kid, life.epoch]
        first = True
        while True:
            content: dict[str, Any] = {"lost": tuple(lost[:_PER_FRAME]), "alarms": tuple(alarms[:2])}
            samples = held[:_PER_FRAME]
            place = floor if held or lost else end
            answer = self._ask(service, node, samples, tick=int(now), epoch=life.epoch, floor=place, **content)
            if first and answer.durable < life.durable:
                self._find(f"{kid.hex()} was told {life.durable} is durable, and now {answer.durable}")
            first = False
            if not {(alarm.epoch, alarm.number) for alarm in alarms[:2]} <= set(answer.alarms):
                self._find(f"{kid.hex()}: an alarm is not acknowledged")
            if place is end and not alarms:
                break
            del held[:_PER_FRAME], lost[:_PER_FRAME], alarms[:2]
        self._ask(service, node, [], tick=int(now), epoch=life.epoch, floor=end, back=1)

    @staticmethod
    def _ask(service: Service, node: PlayedNode, samples: list[Sample], **report: Any) -> Answer:
        for _ in range(2):
            reply = service.intake.handle(node.report(*samples, **report), service._clock.monotonic(), -61, "")
            if reply is None:
                raise _Broken(f"{node.kid.hex()} is not answered")
            found = node.open(reply.frame)
            if not isinstance(found, Challenge):
                return found
        raise _Broken(f"{node.kid.hex()} is challenged twice")

    # What it has come to.

    def _final(self, database: Database) -> None:
        lost = self._ledger(database)
        wanted: dict[disk.Where, list[Sample]] = defaultdict(list)
        for kid, life in self._lives.items():
            for key, sample in life.said.items():
                if key in lost[kid] and key not in life.declared:
                    self._find(f"{kid.hex()}: {key} was said and is in the ledger as lost")
                elif key not in lost[kid]:
                    wanted[kid, start_of(self._taken(kid, sample))].append(sample)
            self._unsaid(kid, life, lost[kid])
        windows = {(window.kid, window.start): window for window in disk.all_windows(database)}
        for where in sorted(wanted.keys() | windows.keys()):
            self._sum(where, wanted.get(where, []), windows.get(where))
        self._city(database, windows)
        (left,) = next(disk.rows(database, "SELECT count(*) FROM log"))
        if left:
            self._find(f"{left} rows of the log never find their windows")

    def _taken(self, kid: bytes, sample: Sample) -> float:
        return self._recording.began[kid, sample.epoch] + sample.tick

    def _ledger(self, database: Database) -> dict[bytes, dict[Key, int]]:
        lost: dict[bytes, dict[Key, int]] = defaultdict(dict)
        query = "SELECT kid, epoch, first, last, cause FROM ledger JOIN identity AS i ON i.id = identity"
        for kid, epoch, first, last, cause in disk.rows(database, query):
            for seq in range(first, last + 1):
                if (epoch, seq) in lost[kid]:
                    self._find(f"{kid.hex()}: {(epoch, seq)} is in the ledger twice")
                lost[kid][epoch, seq] = cause
        return lost

    def _unsaid(self, kid: bytes, life: Life, lost: dict[Key, int]) -> None:
        """Every number below the last that was not said is in the ledger, with the cause the node gave."""
        known = life.said.keys() | life.declared.keys()
        for epoch in {epoch for epoch, _ in known}:
            last = max(seq for e, seq in known if e == epoch)
            for key in ((epoch, seq) for seq in range(1, last + 1)):
                if key not in life.said and lost.get(key) != life.declared.get(key, 0):
                    self._find(f"{kid.hex()}: {key} was lost, the ledger says {lost.get(key)}")
        if lost.keys() - {key for key in lost if key <= max(known, default=(0, 0))}:
            self._find(f"{kid.hex()}: the ledger holds what never was")

    def _sum(self, where: disk.Where, samples: list[Sample], window: Window | None) -> None:
        kid, _ = where
        wanted: dict[int, Total] = {}
        for sample in samples:
            if sample.values != values(kid, sample.epoch, sample.seq):
                self._find(f"{disk.named(where)}: the recording itself is wrong")
            at = (round(self._taken(kid, sample) * 1_000_000), sample.epoch, sample.seq)
            for channel, wire in zip(catalogue().layouts[sample.layout], sample.values, strict=True):
                assert wire is not None
                total = wanted.setdefault(channel.id, Total())
                total.add(wire + channel.offset, at, total.flag, total.time)  # type: ignore[arg-type]
        there = {} if window is None else disk.numbers(totals(trusted(window), catalogue()))
        if there != disk.numbers(wanted):
            counted = {numbers[0] for numbers in there.values()}
            self._find(f"{disk.named(where)}: {len(samples)} samples were taken, the window adds up {counted or 0}")
        if window is not None and (window.due or window.partial or not window.revision):
            self._find(f"{disk.named(where)}: not published, or partial")

    def _city(self, database: Database, windows: dict[disk.Where, Window]) -> None:
        """The highest revision that reaches the city of each window is the window; none means two things."""
        native = disk.native(database)
        names = {identity.kid: identity for identity in nodes.identities(database)}
        seen: dict[tuple[disk.Where, int], bytes] = {}
        last: dict[disk.Where, int] = defaultdict(int)
        events: set[tuple[str, int, int]] = set()
        said = [(message.payload, message.confirmed is not None) for message in self._sent]
        said += [(whole(payload), True) for (payload,) in disk.rows(database, "SELECT payload FROM outbox")]
        for payload, arrives in said:
            content = json.loads(payload)
            if "result" in content:
                continue
            if "revision" not in content:
                events |= {(content["kid"], content["epoch"], content["number"])} if arrives else set()
                continue
            where, revision = disk.where(content), content["revision"]
            if seen.setdefault((where, revision), payload) != payload:
                self._find(f"{disk.named(where)}: two things under revision {revision}")
            last[where] = max(last[where], revision) if arrives else last[where]
        told = disk.payloads(native, names, windows)
        for where in windows:
            payload = seen.get((where, last[where]))
            if payload is None or not disk.same(payload, told[where]):
                self._find(f"{disk.named(where)}: the city's last word is not the window")
        for kid, life in self._lives.items():
            for epoch, number in life.alarms:
                if (kid.hex(), epoch, number) not in events:
                    self._find(f"{kid.hex()}: alarm {epoch}/{number} never reaches the city")
