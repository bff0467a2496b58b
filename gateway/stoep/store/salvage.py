"""Out of a corrupt store into a fresh one: every row that can still be read and is as it was written.

Nothing of it may make the gateway say more than it knows. A position that cannot be read is left out: the node then
meets us anew, and what nobody can vouch for becomes a hole in the ledger. Any window may lack what was lost, so all are
partial from now on, and the generation is raised; one whose message cannot be read is due again. What was on its way to
nodes may have been done and does not fire again. Where it cannot be read which secrets are dead, those are dead that
have a successor which was heard; one that died of age alone, or whose own row is lost too, lives until its successor is
heard or its days are over once more.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stoep.errors import CorruptError
from stoep.store import command, first_page, fresh, gap, ledger, log, sealed
from stoep.store.sample_set import SampleSet
from stoep.store.squeeze import whole_message
from stoep.wire.messages import Lost

_STORE = "store"
_SKIPPED = {"probe", _STORE, "sqlite_sequence"}  # a row of the fresh store, not of the old one
_FIRST = ("identity", "boot")  # others refer to them
_CHECKED = {"window", "outbox", "command", "city_settings"}
_SAMPLES = {"carries", "fresh"}  # columns of the outbox and of windows
_MOST_JUMPS = 5000  # over unreadable places of a table
_INTEGER_LIMIT = 1 << 62

Row = tuple[Any, ...]


def salvage(kept: Path, new: sqlite3.Connection) -> dict[str, int]:
    """Copies into `new`, empty and of the newest schema; how many rows or stretches of each table are lost."""
    lost: dict[str, int] = {}
    old, readable = _opened(kept, new)
    try:
        wanted = tables(new) - _SKIPPED
        new.execute("BEGIN IMMEDIATE")
        undelivered = _Undelivered()
        for table in sorted(wanted, key=lambda name: name not in _FIRST):
            lost[table] = _Table(old, new, table, undelivered).copy() if table in readable else 1
        _enter(new, undelivered.samples)
        _due(new, undelivered.windows)
        if lost["superseded"]:
            _bury_the_replaced(new)
        generation = _store_row(old, new)
        gap.open_gap(new, generation)
        for table, count in lost.items():
            if count:
                ledger.give_up(new, ledger.Cause.UNREADABLE, table, b"", [0] * count)
        new.execute("COMMIT")
    finally:
        old.close()
        first_page.remove(kept)
    return lost


def _enter(new: sqlite3.Connection, undelivered: SampleSet) -> None:
    """The samples of messages and windows that cannot be believed, as far as they name them."""
    known = {identity for (identity,) in new.execute("SELECT id FROM identity")}
    for life, ranges in undelivered:
        for first, last in ranges if life.identity in known else ():
            ledger.enter(new, life.identity, Lost(life.epoch, first, last, ledger.Cause.UNREADABLE), None)


def _due(new: sqlite3.Connection, windows: Mapping[tuple[bytes, int], SampleSet]) -> None:
    """They are whole, only their messages are not: they are told again, and deliver what those would have."""
    for key, samples in windows.items():
        fresh.add(new, *key, samples)
        new.execute("UPDATE window SET due = 1 WHERE kid = ? AND start = ?", key)


def _bury_the_replaced(new: sqlite3.Connection) -> None:
    heard = {identity for (identity,) in new.execute("SELECT id FROM identity WHERE state IS NOT NULL")}
    for number, batch in new.execute("SELECT id, batch FROM log"):
        heard |= {entry.identity for entry in log.unpack(number, sealed.unseal(batch, number)).entries}
    newest: dict[bytes, int] = {}
    for identity, kid in new.execute("SELECT id, kid FROM identity ORDER BY id DESC").fetchall():
        if kid in newest:
            new.execute("INSERT OR REPLACE INTO superseded (identity, dead) VALUES (?, 1)", (identity,))
        elif identity in heard:
            newest[kid] = identity


@dataclass
class _Undelivered:
    """What messages and windows that cannot be believed would have delivered, as far as they name it."""

    samples: SampleSet = field(default_factory=SampleSet)
    windows: dict[tuple[bytes, int], SampleSet] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any], samples: SampleSet) -> None:
        self.samples.update(samples)
        window = fresh.window_of(row.get("key"))
        if window is not None:
            self.windows[window] = samples


def tables(sql: sqlite3.Connection) -> set[str]:
    return {name for (name,) in sql.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")}


def _opened(kept: Path, new: sqlite3.Connection) -> tuple[sqlite3.Connection, Collection[str]]:
    """The store that was set aside, or a copy of it with a first page that can be read; which tables to look for."""
    old = _connect(kept)
    if first_page.readable(old):
        return old, tables(new)
    new.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    file = next(file for _, name, file in new.execute("PRAGMA database_list").fetchall() if name == "main")
    try:
        lent = _connect(first_page.lend(kept, Path(file).read_bytes()))
    except OSError:
        return old, tables(new)  # no room for a copy
    old.close()
    return lent, first_page.TABLES


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, isolation_level=None)


def check_message(key: object, payload: object) -> None:
    """Raises CorruptError for a message that was not composed by us."""
    try:
        json.loads(whole_message(payload))
    except ValueError as error:
        raise CorruptError("a message of the outbox is no JSON") from error
    if not isinstance(key, str):
        raise CorruptError("a message of the outbox has no key")


def check_row(table: str, row: Mapping[str, Any]) -> None:
    """Raises CorruptError for what is not as it was written, beside the samples that it names."""
    if table == "window":
        sealed.unseal(row["content"], row["kid"], row["start"])
    elif table == "outbox":
        check_message(row["key"], row["payload"])
    elif table == "command":
        command.steps_of(row["number"], row["steps"])
    elif table == "city_settings":
        command.settings_of(row["kid"], row["settings"])


def check_table(sql: sqlite3.Connection, table: str) -> None:
    """Raises CorruptError for the first row that is not as it was written."""
    if table not in _CHECKED:
        return
    cursor = sql.execute(f"SELECT * FROM {table}")  # noqa: S608 -- our own names
    names = [column for column, *_ in cursor.description]
    for values in cursor:
        row = dict(zip(names, values, strict=True))
        check_row(table, row)
        for name in _SAMPLES & row.keys():
            SampleSet.unpack(row[name])


def _store_row(old: sqlite3.Connection, new: sqlite3.Connection) -> int:
    """The generation that was; `purged` and `purges` go over."""
    generation = 0
    for column in ("generation", "purged", "purges"):
        try:
            (value,) = old.execute(f"SELECT {column} FROM store").fetchone()  # noqa: S608 -- our own names
        except (sqlite3.Error, TypeError):
            continue
        if not isinstance(value, int) or not 0 <= value < _INTEGER_LIMIT:
            continue
        if column == "generation":
            generation = value
        else:
            new.execute(f"UPDATE store SET {column} = ?", (value,))  # noqa: S608
    return generation


class _Table:
    """`undelivered` takes the samples of what is not copied."""

    def __init__(self, old: sqlite3.Connection, new: sqlite3.Connection, name: str, undelivered: _Undelivered) -> None:
        self._undelivered = undelivered
        self._old = old
        self._new = new
        self._name = name
        self._lost = 0
        wanted = new.execute(f"PRAGMA table_info({name})").fetchall()
        self._wanted = {str(row[1]): (str(row[2]), bool(row[3])) for row in wanted}
        self._key = [str(row[1]) for row in sorted(wanted, key=lambda row: int(row[5])) if row[5]]

    def copy(self) -> int:
        """How many rows, or stretches of them, are missing afterwards."""
        try:
            found = self._old.execute(f"PRAGMA table_info({self._name})").fetchall()
        except sqlite3.Error:
            return 1  # not even the schema
        there = {str(row[1]) for row in found}
        if not there.issuperset(self._key):  # an older schema had another
            self._key = [str(row[1]) for row in sorted(found, key=lambda row: int(row[5])) if row[5]]
        if not there:
            return 0 if self._old_schema_is_older() else 1
        columns = [name for name in self._wanted if name in there]
        marks = ", ".join("?" * len(columns))
        insert = f"INSERT INTO {self._name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
        for row in self._rows(columns):
            mended = self._mended(dict(zip(columns, row, strict=True)))
            if mended is None:
                self._lost += 1
                continue
            try:
                self._new.execute(insert, [mended[name] for name in columns])
            except sqlite3.IntegrityError:  # refers to what is lost itself
                self._lost += 1
        return self._lost

    def _old_schema_is_older(self) -> bool:
        """Whether the old store may never have had this table."""
        try:
            return bool(self._old.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
        except sqlite3.Error:
            return False

    def _mended(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """The row as far as it may be believed; None: not at all."""
        for name, value in row.items():
            kind, needed = self._wanted[name]
            if not _fits(value, kind) or (value is None and needed):
                return None
        try:
            if self._name == "log":
                return {**row, "batch": self._of_known(row["id"], sealed.unseal(row["batch"], row["id"]))}
            check_row(self._name, row)
        except CorruptError:
            if self._name == "outbox" or row.get("due"):
                self._undelivered.add(row, self._samples(row))
            return None
        for name in _SAMPLES & row.keys():
            if row[name] is not None and not (samples := self._samples(row)):
                self._lost += 1
                row = {**row, name: samples.pack()}
        if self._name == "identity" and row["state"] is not None:
            try:
                sealed.unseal(row["state"], row["id"], row["kid"])
            except CorruptError:
                self._lost += 1
                return {**row, "state": None}
        return row

    @staticmethod
    def _samples(row: dict[str, Any]) -> SampleSet:
        """Those that a row names; none if that cannot be read."""
        try:
            return SampleSet.unpack(next((row[name] for name in _SAMPLES & row.keys()), None))
        except CorruptError:
            return SampleSet()

    def _of_known(self, number: int, batch: bytes) -> bytes:
        """Without what a lost identity said: its number may soon be another node's."""
        known = {identity for (identity,) in self._new.execute("SELECT id FROM identity")}
        row = log.unpack(number, batch)
        kept = [entry for entry in row.entries if entry.identity in known]
        self._lost += len(row.entries) - len(kept)
        return sealed.seal(log.pack(row.boot, kept), number)

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """From the front as far as it goes, jumping over what cannot be read; keys are compared as a whole."""
        if len(self._key) == 1 and self._wanted[self._key[0]][0] == "INTEGER":
            yield from self._by_number(columns, "", ())
            return
        if len(self._key) == 1:
            yield from self._one_by_one(columns, self._key[0])
            return
        leading, number = self._key[:-1], self._key[-1]
        for group in self._groups(leading):
            where = " AND ".join(f"{name} = ?" for name in leading)
            yield from self._by_number(columns, where, group, number)

    def _one_by_one(self, columns: Sequence[str], key: str) -> Iterator[Row]:
        query = f"SELECT {', '.join(columns)} FROM {self._name} WHERE {key} = ?"  # noqa: S608
        for group in self._groups([key]):
            try:
                yield from self._old.execute(query, group).fetchall()
            except sqlite3.Error:
                self._lost += 1

    def _groups(self, leading: list[str]) -> Iterator[Row]:
        """Each beginning of a key, hopping from one to the next; after a place that cannot be read, from the back."""
        names = ", ".join(leading)
        marks = ", ".join("?" * len(leading))
        seen: set[Row] = set()
        for order, compare in (("ASC", ">"), ("DESC", "<")):
            at: Row | None = None
            direction = ", ".join(f"{name} {order}" for name in leading)
            while True:
                where = "" if at is None else f"WHERE ({names}) {compare} ({marks})"
                query = f"SELECT {names} FROM {self._name} {where} ORDER BY {direction} LIMIT 1"  # noqa: S608
                try:
                    found = self._old.execute(query, at or ()).fetchone()
                except sqlite3.Error:
                    self._lost += 1
                    break
                if found is None:
                    if order == "ASC":
                        return  # all of them were seen
                    break
                if found in seen:
                    break
                seen.add(found)
                at = found
                yield found

    def _by_number(self, columns: Sequence[str], where: str, group: Row, number: str = "") -> Iterator[Row]:
        key = number or self._key[0]
        position: int | None = None
        step = 1
        jumps = 0
        condition = f"{where} AND" if where else ""
        query = (
            f"SELECT {key}, {', '.join(columns)} FROM {self._name} NOT INDEXED "  # noqa: S608
            f"WHERE {condition} {key} > ? ORDER BY {key}"
        )
        while jumps < _MOST_JUMPS:
            try:
                after = -_INTEGER_LIMIT if position is None else position
                for at, *row in self._old.execute(query, (*group, after)):
                    if isinstance(at, int):
                        position, step = at, 1
                        yield tuple(row)
            except sqlite3.Error:
                if step == 1:
                    self._lost += 1
                jumps += 1
                position = (0 if position is None else position) + step
                step = min(2 * step, 1 << 40)
            else:
                return


def _fits(value: object, kind: str) -> bool:
    allowed: dict[str, tuple[type, ...]] = {
        "INTEGER": (int,),
        "REAL": (float, int),
        "TEXT": (str,),
        "BLOB": (bytes,),
    }
    return value is None or isinstance(value, allowed.get(kind, (object,)))
