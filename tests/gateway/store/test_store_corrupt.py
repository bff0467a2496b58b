"""A store with bytes that nobody wrote: it is set aside, what is readable goes on, nothing is promised for the rest."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway_chain import Chain, fail
from gateway_rig import PlayedNode, TurnedClock, sample
from spoilt import garbage, half, pages, spoil, turned_bits, zeros
from stoep.errors import CorruptError
from stoep.service.service import restore
from stoep.store import gap, opening, sealed, window_rows
from stoep.store.database import Database
from stoep.store.keeper import Keeper
from stoep.store.outbox import Outbox
from stoep.store.windows import SECONDS
from stoep.wire.messages import Alarm, Lost, Place

LAST = 9  # the last sample that was acknowledged
SECRET = bytes(range(32))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with something in each table, closed as after a clean stop."""
    folder = tmp_path_factory.mktemp("whole")
    clock = TurnedClock()
    chain = Chain(folder / "stoep.db", clock, PlayedNode(secret=SECRET))

    def report(*samples: Any, tick: int, back: int | None = 1, **more: Any) -> None:
        clock.now = 1000.0 + tick
        chain.ask(*samples, tick=tick, back=back, **more)
        chain.commit()
        chain.turn()

    report(sample(1, 5), sample(2, 20), tick=20, back=None)
    report(sample(3, 45), tick=50, lost=(Lost(1, 4, 6, 1),))
    report(sample(7, 915), alarms=(Alarm(1, 1, 1, 1060, True, 91),), tick=1000)
    report(sample(8, 1070), tick=2000)
    chain.turn(last=True)
    report(sample(LAST, 2010), tick=2010)
    chain.ask(tick=2011)
    chain.database.close()
    return folder / "stoep.db"


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "stoep.db"))


def served(file: Path, clock: TurnedClock) -> Chain:
    """The gateway on that file, and all that is promised of it: it takes, acknowledges, publishes, says no more."""
    clock.now = 1000.0 + 2020
    chain = Chain(file, clock, PlayedNode(secret=SECRET, counter=100))
    with chain.database.reading() as sql:
        known = {number: position.durable() for number, position in restore(chain.database).items() if position.floor}
        opening.check(sql)
    assert all(place <= Place(1, LAST) for place in known.values())
    assert chain.ask(tick=2020, floor=Place(1, LAST + 1)).durable <= Place(1, LAST)
    chain.commit()
    answer = chain.ask(sample(LAST + 1, 2021), tick=2021, floor=Place(1, LAST + 1))
    assert answer.durable == Place(1, LAST), "what was lost is a hole by now, the new one is not on the disk yet"
    chain.commit()
    assert chain.ask(tick=2022, floor=Place(1, LAST + 1), back=1).durable == Place(1, LAST + 1)
    clock.now += 2 * SECONDS
    chain.turn()
    return chain


@pytest.mark.slow
@pytest.mark.parametrize("how", [garbage, zeros, half, turned_bits])
def test_each_page_garbled_in_turn_is_survived_told_and_nothing_is_acknowledged_for_it(
    how: Callable[[bytes, random.Random], bytes], whole: Path, tmp_path: Path, clock: TurnedClock
) -> None:
    found = published = 0
    for page in pages(whole):
        file = tmp_path / f"{page}" / "stoep.db"
        file.parent.mkdir()
        shutil.copy(whole, file)
        spoil(file, page, how)
        if file.read_bytes() == whole.read_bytes():
            continue
        chain = served(file, clock)
        salvaged = Keeper(chain.database, clock, chain.counters, max_mb=100, max_days=365).salvaged()
        if salvaged is not None:
            found += 1
            assert "look at the disk" in salvaged
            assert chain.row("SELECT generation > 1 FROM store") == (1,)
            new = [window for window in chain.windows() if window["generation"] > 1]
            assert all(window["partial"] for window in new)
            published += len(new)
        chain.database.close()
    assert published > 0
    assert found >= 5


def test_what_lies_on_other_pages_is_salvaged(store: Path, clock: TurnedClock) -> None:
    """The outbox's page is gone: what else there was is there again."""
    sql = sqlite3.connect(store)
    (page,) = sql.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'outbox'").fetchone()
    before = sql.execute("SELECT epoch, number, code, value FROM alarm").fetchall()
    sql.close()
    spoil(store, page - 1, garbage)
    chain = Chain(store, clock, PlayedNode(secret=SECRET, counter=100))
    assert chain.row("SELECT epoch, number, code, value FROM alarm") == before[0]
    assert chain.row("SELECT cause, first, last FROM ledger") == (1, 4, 6)
    assert chain.row("SELECT count(*), min(partial) FROM window") == (2, 1)
    assert chain.row("SELECT cause, what, count > 0 FROM given_up") == (257, "outbox", 1)
    assert restore(chain.database)[1].durable() == Place(1, LAST)
    assert chain.database.quarantine.kept()[0].read_bytes()[:15] == b"SQLite format 3"


def test_a_store_without_its_first_page_is_salvaged_all_the_same(store: Path, clock: TurnedClock) -> None:
    spoil(store, 0, garbage)
    chain = Chain(store, clock, PlayedNode(secret=SECRET, counter=100))
    assert restore(chain.database)[1].durable() == Place(1, LAST)
    assert chain.row("SELECT count(*) FROM window") == (2,)
    assert chain.row("SELECT count(*) FROM outbox") == (3,)
    assert chain.row("SELECT count(*) FROM given_up WHERE what = 'given_up'") == (1,), (
        "where a later table lies, nobody knows"
    )
    assert not list(store.parent.glob("*.lent*"))


def test_a_position_that_cannot_be_read_makes_holes_and_does_not_hold_the_node_up(
    store: Path, clock: TurnedClock
) -> None:
    sql = sqlite3.connect(store)
    sql.execute("UPDATE identity SET state = CAST(substr(state, 1, 20) || x'00' || substr(state, 22) AS BLOB)")
    sql.commit()
    sql.close()
    chain = Chain(store, clock, PlayedNode(secret=SECRET, counter=100))
    assert restore(chain.database)[1].durable() == Place(1, 0)
    assert chain.ask(tick=2020, floor=Place(1, 8)).durable == Place(1, 0), "holes are no more durable than samples"
    chain.commit()
    assert chain.ask(tick=2021, floor=Place(1, 8)).durable == Place(1, 7), "the node sends what it still holds"
    chain.ask(sample(8, 1070), tick=2022, floor=Place(1, 8))
    chain.commit()
    assert chain.ask(tick=2023, floor=Place(1, 10)).durable == Place(1, 9)


def test_a_file_that_is_no_database_is_set_aside_and_a_fresh_store_begins(tmp_path: Path, clock: TurnedClock) -> None:
    file = tmp_path / "stoep.db"
    file.write_bytes(b"this is not a database at all, " * 1000)
    chain = Chain(file, clock, PlayedNode())
    assert chain.ask(sample(1, 5)).durable == Place(1, 0)
    chain.commit()
    (kept,) = chain.database.quarantine.kept()
    assert kept.read_bytes().startswith(b"this is not a database")
    assert sorted(found.name for found in tmp_path.glob("*.suspect*")) == []


@pytest.mark.parametrize("done", ["begun", "moved", "built", "replaced"])
def test_a_power_cut_while_it_is_salvaged_begins_again_where_it_was(
    done: str, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(store, 0, half)

    def cut(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as power:
        if done == "begun":
            power.setattr(opening.Quarantine, "set_aside", cut)
        elif done == "moved":
            power.setattr(opening.salvage, "salvage", cut)
        elif done == "built":
            power.setattr(opening.Quarantine, "end", cut)
        else:
            power.setattr(opening.Quarantine, "cleared", cut)
        with pytest.raises(KeyboardInterrupt):
            Database(store, fail)
    database = Database(store, fail)
    assert len(database.quarantine.kept()) == 1
    with database.reading() as sql:
        opening.check(sql)
        assert gap.is_open(sql)
    database.close()


def test_a_large_store_is_trusted_until_a_page_proves_wrong_then_the_next_start_looks(
    store: Path, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_SMALL", 0)
    sql = sqlite3.connect(store)
    (page,) = sql.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'window'").fetchone()
    sql.close()
    spoil(store, page - 1, garbage)
    database = Database(store, fail)
    with pytest.raises(SystemExit, match="the process would have ended"):
        window_rows.find(database, b"\xc0\xff\xee\x01", 1_780_293_600)
    database.close()
    assert served(store, clock).database.quarantine.kept()


@pytest.mark.parametrize("at", [0, 1, 40])
def test_a_message_with_a_changed_byte_never_leaves_and_the_next_start_sets_the_large_store_aside(
    at: int, store: Path, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_SMALL", 0)
    sql = sqlite3.connect(store)
    for number, payload in sql.execute("SELECT id, payload FROM outbox").fetchall():
        changed = payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]
        sql.execute("UPDATE outbox SET payload = ? WHERE id = ?", (changed, number))
    sql.commit()
    sql.close()
    database = Database(store, fail)
    with pytest.raises(SystemExit, match="the process would have ended"):
        Outbox(database).next(10, ())
    database.close()
    chain = Chain(store, clock, PlayedNode(secret=SECRET, counter=100))
    assert chain.database.quarantine.kept()
    assert chain.row("SELECT count(*) FROM outbox") == (0,)
    assert chain.row("SELECT sum(count) FROM given_up WHERE what = 'outbox'") == (3,)


def test_a_window_whose_message_was_garbled_is_told_again_and_nothing_of_it_is_lost(
    store: Path, clock: TurnedClock
) -> None:
    sql = sqlite3.connect(store)
    sql.execute("UPDATE outbox SET payload = x'7800' WHERE key = 'window c0ffee01 1780293600'")
    sql.commit()
    sql.close()
    clock.now = 1000.0 + 2020
    chain = Chain(store, clock, PlayedNode(secret=SECRET, counter=100))
    unreadable = "SELECT count(*) FROM ledger WHERE cause = 257"
    assert chain.row(unreadable) != (0,)
    chain.turn(last=True)
    (again,) = [window for window in chain.windows() if window["generation"] > 1]
    assert (again["start"], again["partial"]) == ("2026-06-01T06:00:00Z", True)
    assert again["channels"]["temperature"]["count"] == 3
    assert chain.row(unreadable) == (0,)


def test_a_changed_byte_that_sqlite_does_not_see_is_seen(store: Path) -> None:
    sql = sqlite3.connect(store)
    sql.execute("UPDATE log SET batch = CAST(substr(batch, 1, 30) || x'7f' || substr(batch, 32) AS BLOB)")
    sql.commit()
    assert sql.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with pytest.raises(CorruptError):
        opening.check(sql)
    sql.close()


def test_what_is_sealed_belongs_to_its_row() -> None:
    content = b"\x83\x01\x02\x03"
    assert sealed.unseal(sealed.seal(content, 7, b"kid"), 7, b"kid") == content
    assert sealed.unseal(content, 7) == content, "an older release's, without a checksum"
    for wrong in (sealed.seal(content, 8), b"", b"\x02", b"\x83\x02\x02\x03", "text", None):
        with pytest.raises(CorruptError):
            sealed.unseal(wrong, 7)
