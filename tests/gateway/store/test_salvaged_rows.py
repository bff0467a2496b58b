"""Commands, secrets, days and samples through a salvage and a restore: nothing fires twice, no dead secret lives."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backups import put_back, taken
from gateway_rig import PlayedNode
from rotating import Rotating
from spoilt import garbage, spoil
from stoep.errors import CorruptError
from stoep.store import opening, salvage
from stoep.store.migrate import migrate
from stoep.store.sample_set import Life, SampleSet
from stoep.store.squeeze import squeeze
from town import Town, health

DATABASES = Path(__file__).parent / "databases"
KID = b"\xc0\xff\xee\x01"


def samples(first: int, last: int) -> bytes | None:
    carried = SampleSet()
    carried.add(Life(1, 1), first, last)
    return carried.pack()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """With a row in each of the later tables, and samples that a message and a window carry."""
    town = Town(tmp_path)
    town.report(health())
    town.wants("a", interval=600)
    town.report()
    town.report(health({1: 600, 3: 1500}))
    town.hears()
    town.wants("b", interval=700)
    with town.chain.database.transaction() as sql:
        sql.execute("INSERT INTO day_mark VALUES (1, 1, 20605, 1, 1780293600)")
        sql.execute("INSERT INTO day_tally VALUES (1, 20605, 2, 3)")
        sql.execute("INSERT INTO receipt VALUES (20605, 1, x'00')")
        sql.execute("INSERT INTO battery VALUES (x'c0ffee01', 1780293600, 3700)")
        sql.execute("INSERT INTO superseded VALUES (1, 1780293600, 0)")
        sql.execute("INSERT INTO given_up VALUES (256, 'window', x'c0ffee01', 20605, 1, 2, 3)")
        sql.execute("INSERT INTO calibrated VALUES (1, x'00')")
        told = ("window c0ffee01 1780293600", 0, "t", squeeze(b"{}"), 1780294500, samples(3, 5))
        sql.execute("INSERT INTO outbox (key, urgent, topic, payload, at, carries) VALUES (?, ?, ?, ?, ?, ?)", told)
    town.chain.turn(last=True)
    with town.chain.database.transaction() as sql:  # the next turn would act on it
        sql.execute("INSERT INTO say_again (kid, since, until) VALUES (x'c0ffee01', 1780293600, 1780380000)")
    town.chain.database.close()
    return tmp_path / "stoep.db"


@contextmanager
def salvaged(store: Path, *spoil: str) -> Iterator[tuple[sqlite3.Connection, dict[str, int]]]:
    """The fresh store, and what is lost of each table."""
    old = sqlite3.connect(store, isolation_level=None)
    for statement in spoil:
        old.execute(statement)
    if spoil:
        with pytest.raises(CorruptError):
            opening.check(old)
    old.close()
    new = opening.connect(store.with_name("fresh.db"))
    migrate(new)
    lost = {table: count for table, count in salvage.salvage(store, new).items() if count}
    opening.check(new)
    yield new, lost
    new.close()


def test_every_row_of_every_table_is_copied_as_it_was(store: Path) -> None:
    with salvaged(store) as (new, lost):
        old = sqlite3.connect(store)
        assert lost == {}
        changed = {"probe", "store", "sqlite_sequence"}
        for table in salvage.tables(new) - changed:
            order = f"SELECT * FROM {table} ORDER BY 1, 2"  # noqa: S608
            before, after = (sql.execute(order).fetchall() for sql in (old, new))
            if table == "command":
                assert [(*row[:5], *row[6:]) for row in before] == [(*row[:5], *row[6:]) for row in after]
            else:
                assert before == after, table
            assert before or table in {"log", "alarm", "ledger", "window"}, table
        old.close()


@pytest.mark.parametrize("version", [1, 2, 7, 8])
def test_a_corrupt_store_of_an_older_release_keeps_its_windows(version: int, tmp_path: Path) -> None:
    store = Path(shutil.copy(DATABASES / f"{version:04}.db", tmp_path / "stoep.db"))
    old = sqlite3.connect(store)
    (before,) = old.execute("SELECT count(*) FROM window").fetchone()
    old.close()
    with salvaged(store) as (new, lost):
        assert new.execute("SELECT count(*) FROM window").fetchone() == (before,)
        assert before > 0
        assert lost == {}


def test_what_is_not_as_it_was_written_is_found_named_and_left_out(store: Path) -> None:
    with salvaged(
        store,
        "UPDATE command SET steps = '[[1,' WHERE id = 'a'",
        'UPDATE city_settings SET settings = \'{"1": "x"}\'',
    ) as (new, lost):
        assert lost == {"command": 1, "city_settings": 1}
        assert new.execute("SELECT id FROM command").fetchall() == [("b",)]


def test_the_samples_of_a_message_that_cannot_be_believed_are_in_the_ledger(store: Path) -> None:
    with salvaged(store, "UPDATE outbox SET payload = x'7b' WHERE carries IS NOT NULL") as (new, lost):
        assert lost == {"outbox": 1}
        assert new.execute("SELECT identity, cause, epoch, first, last FROM ledger").fetchall() == [(1, 257, 1, 3, 5)]


@pytest.mark.parametrize(
    "wrong", ["ff", "818301", "8184010105", "818501010503" + "00", "81850101f60305", "a10102", "8101"]
)
def test_samples_that_cannot_be_read_do_not_take_their_message_along(store: Path, wrong: str) -> None:
    spoilt = f"UPDATE outbox SET carries = x'{wrong}' WHERE carries IS NOT NULL"  # noqa: S608
    with salvaged(store, spoilt) as (new, lost):
        assert lost == {"outbox": 1}
        assert new.execute("SELECT count(*) FROM outbox WHERE key LIKE 'window %'").fetchone() == (1,)
        assert new.execute("SELECT count(*) FROM outbox WHERE carries IS NOT NULL").fetchone() == (0,)


# -- commands ----------------------------------------------------------------------------------------------------------


def test_a_command_that_was_done_after_the_backup_does_not_fire_again(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.report(health())
    town.wants("a", interval=600)
    town.hears()
    file = taken(tmp_path)
    assert town.report().settings == {1: 600, 3: 1500}
    town.report(health({1: 600, 3: 1500}))
    town.wants("b", interval=700)
    town.report()
    town.report(health({1: 700, 3: 1500}))
    assert town.hears() == [("a", "applied"), ("b", "accepted"), ("b", "applied")]
    put_back(town.chain, file, tmp_path)
    assert town.report(health({1: 700, 3: 1500})).settings != {1: 600, 3: 1500}
    (told,) = town.told()
    assert (told["id"], told["result"]) == ("a", "expired")
    assert "restored" in told["reason"]


def test_a_command_of_which_the_node_says_that_it_was_done_is_applied_all_the_same(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.report(health())
    town.wants("a", interval=600)
    town.hears()
    file = taken(tmp_path)
    put_back(town.chain, file, tmp_path)
    town.report(health({1: 600, 3: 1500}))
    assert town.hears() == [("a", "applied")]


# -- dead secrets ------------------------------------------------------------------------------------------------------


def lose_superseded(store: Path) -> None:
    """Its only page is garbled."""
    sql = sqlite3.connect(store)
    (page,) = sql.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'superseded'").fetchone()
    sql.close()
    spoil(store, page - 1, garbage)


def test_a_secret_that_died_after_the_backup_stays_dead(
    rotating: Rotating, old: PlayedNode, new: PlayedNode, tmp_path: Path
) -> None:
    assert rotating.hears(old, 1, 5) is not None
    file = taken(tmp_path)
    assert rotating.hears(new, 1, 6) is not None
    rotating.settle()
    put_back(rotating, file, tmp_path)
    assert rotating.hears(old, 2, 7) is None
    assert rotating.hears(new, 2, 8) is not None


@pytest.mark.parametrize("checkpoint", [True, False])
def test_a_dead_secret_whose_row_is_lost_stays_dead_for_its_successor_was_heard(
    rotating: Rotating, old: PlayedNode, new: PlayedNode, tmp_path: Path, checkpoint: bool
) -> None:
    assert rotating.hears(new, 1, 6) is not None
    rotating.settle()
    rotating.commit()
    rotating.turn(last=checkpoint)
    rotating.database.close()
    lose_superseded(tmp_path / "stoep.db")
    rotating._open(b"\x01\x02\x03\x09")
    assert rotating.database.quarantine.kept()
    assert rotating.hears(old, 2, 7) is None
    assert rotating.hears(new, 2, 8) is not None


def test_a_secret_whose_successor_was_never_heard_lives_through_a_salvage(
    rotating: Rotating, old: PlayedNode, new: PlayedNode, tmp_path: Path
) -> None:
    assert rotating.hears(old, 1, 5) is not None
    rotating.commit()
    rotating.database.close()
    lose_superseded(tmp_path / "stoep.db")
    rotating._open(b"\x01\x02\x03\x09")
    assert rotating.database.quarantine.kept()
    assert rotating.hears(old, 2, 7) is not None
    assert rotating.hears(new, 1, 8) is not None
    rotating.settle()
    assert rotating.hears(old, 3, 9) is None
