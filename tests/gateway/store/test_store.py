"""The store: what was committed is there after a crash, once; an old store becomes a new one."""

import random
import sqlite3
from pathlib import Path

import cbor2
import pytest

from gateway_chain import Chain, fail
from gateway_rig import MORNING, PlayedNode, TurnedClock, sample
from stoep.errors import CorruptError, StoreError
from stoep.refine.quality.judged import trusted
from stoep.refine.summary import totals
from stoep.store import ledger, migrate, nodes, window_content, window_rows
from stoep.store.database import Database
from stoep.store.log import Entry, Exchange, pack, unpack
from stoep.store.series import Series, Taken
from stoep.store.verdict import Flag
from stoep.store.windows import SECONDS, TimeQuality, Total, Window
from stoep.wire.channels import catalogue
from stoep.wire.messages import Alarm, Lost, Place

DAY = 86_400


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "stoep.db", fail)


def test_it_is_opened_so_that_a_commit_is_on_the_disk(database: Database) -> None:
    with database.reading() as sql:
        assert sql.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert sql.execute("PRAGMA synchronous").fetchone() == (2,)


def test_two_gateways_cannot_work_with_one_store(database: Database, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="another gateway works with"):
        Database(tmp_path / "stoep.db")
    database.close()
    Database(tmp_path / "stoep.db").close()


def test_a_folder_that_is_not_there_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="create its folder"):
        Database(tmp_path / "nowhere" / "stoep.db")


def test_a_store_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    store = sqlite3.connect(tmp_path / "stoep.db")
    store.execute("PRAGMA user_version = 9999")
    store.close()
    with pytest.raises(StoreError, match="schema 9999"):
        Database(tmp_path / "stoep.db")


def test_migrations_run_in_order_once_and_a_failing_one_leaves_nothing_behind(tmp_path: Path) -> None:
    steps = tmp_path / "schema"
    steps.mkdir()
    (steps / "0001.sql").write_text("CREATE TABLE a (x);\nINSERT INTO a VALUES (';');\n")
    store = sqlite3.connect(tmp_path / "old.db", isolation_level=None)
    migrate.migrate(store, steps)
    (steps / "0002.sql").write_text("-- a comment;\nALTER TABLE a ADD COLUMN y;\nUPDATE a SET y = 2;\n")
    (steps / "0003.sql").write_text("CREATE TABLE b (x);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(sqlite3.OperationalError):
        migrate.migrate(store, steps)
    assert store.execute("PRAGMA user_version").fetchone() == (2,)
    assert store.execute("SELECT x, y FROM a").fetchone() == (";", 2)
    (steps / "0003.sql").write_text("CREATE TABLE b (x);\n")
    migrate.migrate(store, steps)
    migrate.migrate(store, steps)
    assert store.execute("PRAGMA user_version").fetchone() == (3,)
    store.close()


def test_every_migration_is_numbered_without_a_gap() -> None:
    found = migrate.steps()
    assert [number for number, _ in found] == list(range(1, len(found) + 1))


def test_a_failing_transaction_ends_the_process(database: Database) -> None:
    with pytest.raises(SystemExit), database.transaction() as sql:
        sql.execute("INSERT INTO store VALUES (2, 1, 0)")


def test_an_error_of_ours_within_a_transaction_takes_it_back(database: Database) -> None:
    def interrupted() -> None:
        with database.transaction() as sql:
            sql.execute("UPDATE store SET generation = 7")
            raise KeyError("ours")

    with pytest.raises(KeyError):
        interrupted()
    assert window_rows.generation(database) == 1


def test_a_log_row_comes_out_as_it_went_in() -> None:
    entry = Entry(
        7, 123, 2, 50, Place(1, 9), Exchange(2, 40, 100), (sample(1, 45, 2), sample(9, 3)), (Lost(1, 4, 8, 1),)
    )
    assert unpack(5, pack(3, [entry])) == (5, 3, [entry])


def test_a_bins_reading_takes_few_bytes_in_the_log() -> None:
    entries = [
        Entry(7, 10**12 + n, 2, 50, Place(2, n), Exchange(2, 40, 10**12), (sample(n, 45, 2),)) for n in range(1, 101)
    ]
    assert len(pack(3, entries)) / 600 < 15


def test_a_node_commissioned_anew_begins_a_new_life(database: Database) -> None:
    first = nodes.identify(database, b"\xc0\xff\xee\x01", b"secret-1", "bin-1", "bin")
    second = nodes.identify(database, b"\xc0\xff\xee\x01", b"secret-2", "bin-1", "bin")
    assert first.id != second.id
    assert nodes.identify(database, b"\xc0\xff\xee\x01", b"secret-1", "bin-one", "bin").name == "bin-one"


def test_the_ledger_is_cut_where_something_came_after_all(database: Database) -> None:
    identity = nodes.identify(database, b"\xc0\xff\xee\x01", b"secret-1", "bin-1", "bin").id
    with database.transaction() as sql:
        ledger.enter(sql, identity, Lost(1, 1, 10, 0), None)
        ledger.strike(sql, identity, 1, 4, 5)
        ledger.enter(sql, identity, Lost(1, 9, 12, 2), 77)
        rows = sql.execute("SELECT cause, first, last, received FROM ledger ORDER BY first").fetchall()
    assert rows == [(0, 1, 3, None), (0, 6, 8, None), (2, 9, 12, 77)]


def test_a_window_comes_out_as_it_went_in(database: Database) -> None:
    window = Window(b"\xc0\xff\xee\x01", 900, revision=3, due=True, flags={1: Flag.FAIL, 3: Flag.GOOD})
    window.samples.add(Taken(903_000_000, 1, 3, TimeQuality.SYNCED, {1: -15, 3: 101_325}))
    window.before[1] = Total(2, -30, -20, -10, -10, (905_000_000, 1, 2), Flag.FAIL, TimeQuality.ESTIMATED)
    with database.transaction() as sql:
        window_rows.save(sql, [window])
    assert window_rows.find(database, window.kid, 900) == window
    assert window_rows.due(database) == [window]


def test_samples_lie_in_the_order_of_taking_whatever_the_order_of_arrival() -> None:
    early = Taken(901_000_000, 1, 2, TimeQuality.INTERPOLATED, {1: -20, 3: 101_300})
    late = Taken(905_000_000, 1, 3, TimeQuality.SYNCED, {3: 101_325})
    series = Series([late, early])
    assert list(series) == [early, late]
    assert Series.of_columns(series.columns()) == series
    assert Series.of_columns(Series().columns()) == Series()


@pytest.mark.parametrize("columns", [[], [1, 2], [[0], [1], [1], [0, 0], []], [["a"], [1], [1], [0], [1], [5]], None])
def test_columns_that_were_never_written_are_a_corrupt_window(columns: object) -> None:
    with pytest.raises(CorruptError, match="not as they were written"):
        Series.of_columns(columns)


def test_a_window_of_an_older_release_goes_on_from_its_sums() -> None:
    """Form 1: sums only; what comes late is added to them."""
    old = cbor2.dumps([1, [[1, 2, 4300, 2140, 2160, 2160, [901_000_000, 1, 2], 1, 0]]])
    content = window_content.unpack(old)
    flags, samples, before = content
    assert flags == window_content.flags(old) == {1: Flag.GOOD}
    samples.add(Taken(905_000_000, 1, 3, TimeQuality.ESTIMATED, {1: 2180}))
    window = Window(b"\xc0\xff\xee\x01", 900, samples=samples, before=before)
    assert totals(trusted(window), catalogue())[1] == Total(3, 6480, 2140, 2180, 2180, (905_000_000, 1, 3), 1, 2)
    assert window.last_at == (905_000_000, 1, 3)
    assert window_content.unpack(window_content.pack(content)) == content


def test_a_window_that_may_have_been_purged_is_partial(database: Database) -> None:
    kid, now = b"\xc0\xff\xee\x01", 100 * DAY
    with database.transaction() as sql:
        window_rows.save(sql, [Window(kid, 10 * DAY, revision=1), Window(kid, 70 * DAY, revision=1)])
        window_rows.save(sql, [Window(kid, 11 * DAY, due=True)])
        window_rows.purge(sql, now - window_rows.KEPT_SECONDS)
    assert window_rows.KEPT_SECONDS >= 35 * DAY
    again = window_rows.find(database, kid, 10 * DAY)
    assert (again.partial, len(again.samples)) == (True, 0)
    assert again.revision > 1, "it must not be published under a revision that was used"
    assert window_rows.find(database, kid, 11 * DAY).due, "what was never published is not thrown away"
    assert window_rows.find(database, kid, 70 * DAY).revision == 1
    assert not window_rows.find(database, kid, 71 * DAY).partial


def test_windows_that_end_together_cost_a_few_pages_however_many_went_before(database: Database) -> None:
    """Bytes of the card: by node, each of them would write a page of its own as soon as a node has a dozen."""
    kids = [b"\xc0\xff" + number.to_bytes(2, "big") for number in range(200)]
    totals = {channel: Total(15, 15_000, 900, 1100, 1000) for channel in range(8)}
    with database.transaction() as sql:
        for number in range(30):
            window_rows.save(sql, [Window(kid, number * SECONDS, revision=1, before=totals) for kid in kids])
    database.checkpoint()
    with database.transaction() as sql:
        window_rows.save(sql, [Window(kid, 30 * SECONDS, revision=1, before=totals) for kid in kids])
    with database.reading() as sql:
        _, pages, _ = sql.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    assert pages < len(kids) / 4


def test_the_newest_published_window_of_a_node_is_found_on_a_day_long_past(chain: Chain, clock: TurnedClock) -> None:
    chain.ask(sample(1, 5))
    chain.commit()
    clock.now += 30
    chain.ask(tick=35, back=1)
    chain.commit()
    clock.now += SECONDS + 100
    chain.turn()
    with chain.database.transaction() as sql:
        window_rows.save(sql, [Window(b"\xc0\xff\xee\x99", 40 * DAY + int(MORNING), revision=1)])
    (found,) = window_rows.newest(chain.database)
    assert (found.kid, found.revision) == (chain.node.kid, 1)
    with chain.database.reading() as sql:
        assert window_rows.last(sql, chain.node.kid) == found
        assert window_rows.flags(sql, chain.node.kid, found.start, found.end) == [found.flags]
        assert window_rows.flags(sql, chain.node.kid, found.end, found.end + DAY) == []


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    return Chain(tmp_path / "stoep.db", clock, node)


def test_what_was_received_but_not_committed_is_asked_for_again_after_a_crash(chain: Chain) -> None:
    chain.ask(sample(1, 5))
    chain.commit()
    chain.ask(sample(2, 6))
    chain.crash()
    answer = chain.ask()
    assert (answer.durable, answer.received) == (Place(1, 1), ())
    assert chain.ask(sample(2, 6)).received == [(1, 2, 2)]


@pytest.mark.parametrize("checkpoint", [False, True])
def test_after_a_crash_nothing_is_counted_twice_and_nothing_is_missing(
    chain: Chain, clock: TurnedClock, checkpoint: bool
) -> None:
    chain.ask(sample(1, 5))
    chain.commit()
    clock.now += 30
    chain.ask(sample(2, 35), back=1)
    chain.commit()
    clock.now += SECONDS + 100
    chain.turn(last=checkpoint)
    chain.crash()
    chain.turn()
    chain.ask(sample(1, 5), sample(2, 35))
    chain.commit()
    chain.turn()
    highest = max(chain.windows(), key=lambda window: int(window["revision"]))
    assert highest["channels"]["temperature"]["count"] == 2
    chain.turn(last=True)
    assert chain.row("SELECT count(*) FROM log") == (0,)
    assert chain.row("SELECT count(*) FROM window WHERE due = 1") == (0,)


def test_rows_of_the_log_stay_until_every_sample_in_them_has_its_window(chain: Chain, clock: TurnedClock) -> None:
    chain.ask(sample(1, 5))
    chain.commit()
    chain.turn(last=True)
    assert chain.row("SELECT count(*) FROM log") == (1,)
    clock.now += 30
    chain.ask(tick=35, back=1)
    chain.commit()
    chain.turn(last=True)
    assert chain.row("SELECT count(*) FROM log") == (0,)


def test_a_new_row_never_takes_the_number_of_a_pruned_one(chain: Chain, clock: TurnedClock) -> None:
    for seq in range(1, 6):
        clock.now += 30
        chain.ask(sample(seq, seq * 30), back=1)
        chain.commit()
        chain.turn(last=True)
    clock.now += 2 * SECONDS
    chain.ask(tick=150 + 2 * SECONDS, back=1)
    chain.commit()
    chain.turn()
    assert sum(window["channels"]["humidity"]["count"] for window in chain.windows()) == 5


def test_an_alarm_is_sent_once_across_a_crash(chain: Chain) -> None:
    chain.ask(alarms=(Alarm(1, 1, 1, 9, True, 91),))
    chain.turn()
    assert len(chain.outbox) == 1
    chain.crash()
    chain.turn()
    assert len(chain.outbox) == 1


def test_an_identity_with_another_secret_starts_at_its_own_first_sample(chain: Chain) -> None:
    chain.ask(sample(1, 5), sample(2, 6))
    chain.commit()
    chain.node.secret = bytes(32)
    chain.node.counter = 0
    chain.crash()
    assert chain.ask(sample(1, 5)).received == [(1, 1, 1)]


def test_the_time_of_a_loss_is_unknown_while_the_clock_is(chain: Chain, clock: TurnedClock) -> None:
    clock.is_trusted = False
    chain.ask(lost=(Lost(1, 1, 2, 1),))
    chain.commit()
    assert chain.row("SELECT received FROM ledger") == (None,)
    clock.is_trusted = True
    chain.ask(lost=(Lost(1, 1, 3, 1),))
    chain.commit()
    assert chain.row("SELECT max(received) FROM ledger") == (int(MORNING),)


def test_a_row_read_again_for_one_sample_does_not_count_the_other_twice(chain: Chain, clock: TurnedClock) -> None:
    chain.ask()
    clock.now += 30
    chain.ask(tick=40, back=1)
    chain.commit()
    clock.now += 170
    chain.ask(sample(1, 50), sample(2, 205), tick=210)  # the first lies near an anchor, the second waits for one
    chain.commit()
    chain.turn()
    clock.now += SECONDS
    chain.turn()
    assert [window["channels"]["humidity"]["count"] for window in chain.windows()] == [1]
    assert chain.row("SELECT count(*) FROM log") == (1,), "the row stays for the second"
    chain.crash()
    clock.now += 600
    chain.ask(tick=1710, back=None)
    clock.now += 60
    chain.ask(tick=1770, back=1)
    chain.commit()
    chain.turn()
    assert [window["channels"]["humidity"]["count"] for window in chain.windows()] == [2]


def test_the_newest_windows_are_found_without_reading_them_all(database: Database) -> None:
    chance = random.Random(4)
    kids = [bytes([number, 0, 0, 1]) for number in range(7)]
    rows = {
        (kid, start * SECONDS): Window(kid, start * SECONDS, revision=chance.randrange(3), due=chance.random() < 0.3)
        for kid in kids
        for start in chance.sample(range(400), 12)
    }
    for row in rows.values():
        row.revision *= row.kid != kids[3]  # which has none that was published
    with database.transaction() as sql:
        window_rows.save(sql, rows.values())
        for number, kid in enumerate(kids, start=1):
            sql.execute("INSERT INTO identity VALUES (?, ?, x'00', 'bin', 'bin', NULL)", (number, kid))
            days = {start // DAY for where, start in rows if where == kid}
            sql.executemany("INSERT INTO day_mark VALUES (?, 1, ?, 1, 0)", [(number, day) for day in days])
    wanted = {}
    for row in sorted(rows.values(), key=lambda row: row.start):
        if row.revision > 0:
            wanted[row.kid] = row
    seen: list[str] = []
    with database.reading() as sql:
        sql.set_trace_callback(seen.append)
        found = window_rows.newest(database)
        sql.set_trace_callback(None)
        plans = [step[3] for query in set(seen) for step in sql.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert {row.kid: row for row in found} == wanted
    assert [row.kid for row in found] == sorted(wanted)
    looks = {plan for plan in plans if " window" in plan}
    assert looks == {"SEARCH window USING INDEX window_key (start=? AND kid=?)"}
