"""What goes first: alarms, then what is live, then the backlog at the rate the city set, however much of it waits."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway_chain import fail
from gateway_rig import City, eventually
from scripted_broker import ScriptedBroker
from stoep.store.database import Database
from stoep.store.migrate import SCHEMA, migrate
from stoep.store.outbox import AGELESS, Message, Outbox
from stoep.uplink.lanes import LATE, Lanes, Rank
from stoep.uplink.pace import Pace
from uplink_rig import NOW, running

OLD = LATE + 900
MANY = 100_000


def numbers(broker: ScriptedBroker) -> list[int]:
    return [int(publish.topic.split("/")[3].removeprefix("bin-")) for publish in broker.of(broker.connections)]


def test_after_an_outage_live_windows_overtake_the_backlog_and_alarms_overtake_both(
    tmp_path: Path, scripted: Callable[..., ScriptedBroker], free_port: int
) -> None:
    with running(tmp_path, free_port) as gateway:
        gateway.put(*range(100, 130), age=OLD)
        gateway.put(*range(200, 210))
        gateway.put(300, urgent=True, age=OLD)
        broker = scripted(port=free_port, receive_maximum=1)
        eventually(lambda: len(gateway.outbox) == 0)
    assert numbers(broker) == [300, *range(200, 210), *range(100, 130)]


def test_live_windows_do_not_wait_for_the_rest_of_a_backlog(
    tmp_path: Path, scripted: Callable[..., ScriptedBroker]
) -> None:
    broker = scripted()
    with running(tmp_path, broker.port, backlog_per_second=20) as gateway:
        gateway.put(*range(100, 500), age=OLD)
        eventually(lambda: len(broker.got) > 5)
        gateway.put(1, 2, 3)
        eventually(lambda: {1, 2, 3} <= set(numbers(broker)), 1)
        assert len(gateway.outbox) > 300


def test_backlog_goes_at_the_rate_the_city_set(tmp_path: Path, scripted: Callable[..., ScriptedBroker]) -> None:
    broker = scripted()
    with running(tmp_path, broker.port, backlog_per_second=40) as gateway:
        gateway.put(*range(400), age=OLD)
        eventually(lambda: len(broker.got) >= 1)
        began = time.monotonic()
        time.sleep(1.5)
        rate = len(broker.got) / (time.monotonic() - began)
    assert 25 < rate < 50


def test_backlog_is_marked_and_what_is_live_is_not(tmp_path: Path, broker_port: int, city: City) -> None:
    with running(tmp_path, broker_port) as gateway:
        gateway.put(1, age=OLD)
        gateway.put(2)
        gateway.put(3, age=OLD, urgent=True)
        city.wait(lambda city: len(city.of("/window")) == 3)
    said = sorted((content["number"], content.get("backlog")) for content in city.of("/window"))
    assert said == [(1, True), (2, None), (3, None)]


def test_while_the_clock_is_not_trusted_nothing_dated_is_called_live(
    tmp_path: Path, scripted: Callable[..., ScriptedBroker], free_port: int
) -> None:
    with running(tmp_path, free_port) as gateway:
        gateway.publisher._clock.is_trusted = False  # type: ignore[attr-defined]
        gateway.put(1)
        broker = scripted(port=free_port)
        eventually(lambda: len(gateway.outbox) == 0)
    (publish,) = broker.of(1)
    assert publish.payload == b'{"number":1,"backlog":true}'


def never(_message: Message) -> bool:
    return False


def take(lanes: Lanes, rank: Rank, passed: Callable[[Message], bool] = never) -> list[bytes]:
    return [message.payload for message in lanes.take(rank, 3, int(NOW) - LATE, passed)]


def test_what_was_live_and_waited_too_long_is_found_in_the_backlog(tmp_path: Path) -> None:
    outbox = Outbox(database := Database(tmp_path / "stoep.db", fail))
    lanes = Lanes(outbox)
    lanes.news()
    with database.transaction() as sql:
        outbox.put(sql, "a", "t", b"old", at=NOW - LATE)
        outbox.put(sql, "b", "t", b"new", at=NOW)
        outbox.put(sql, "c", "t", b"ageless")
    assert lanes.take(Rank.BACKLOG, 9, int(NOW) - LATE, never) == []
    later = int(NOW) - LATE + 1
    assert [m.payload for m in lanes.take(Rank.LIVE, 9, later, never)] == [b"new", b"ageless"]
    assert [m.payload for m in lanes.take(Rank.BACKLOG, 9, later, never)] == [b"old"]
    assert lanes.take(Rank.LIVE, 9, later, never) == lanes.take(Rank.ALARM, 9, later, never) == []
    database.close()


def test_a_row_that_comes_behind_the_place_we_are_at_is_found_on_the_next_round(tmp_path: Path) -> None:
    outbox = Outbox(database := Database(tmp_path / "stoep.db", fail))
    lanes = Lanes(outbox)
    with database.transaction() as sql:
        for number in range(4):
            outbox.put(sql, str(number), "t", b"%d" % number, at=NOW + number)
    lanes.restart()
    assert take(lanes, Rank.LIVE) == [b"0", b"1", b"2"]
    with database.transaction() as sql:
        outbox.put(sql, "late", "t", b"late", at=NOW)
    lanes.news()
    seen = {1, 2, 3}  # the rows in flight
    assert take(lanes, Rank.LIVE, lambda message: message.id in seen) == [b"3", b"late"]
    database.close()


@pytest.mark.slow
def test_a_hundred_thousand_rows_slow_nothing_down(tmp_path: Path, figure: Callable[[str], None]) -> None:
    """The bounds are thirty times what is usual, so that only a scan of the table breaks them."""
    outbox = Outbox(database := Database(tmp_path / "stoep.db", fail))
    with database.transaction() as sql:
        sql.executemany(
            "INSERT INTO outbox (key, urgent, topic, payload, at) VALUES (?, 0, ?, ?, ?)",
            ((str(n), f"stoep/1/site/bin-{n % 500}/window", b"[%1000d]" % n, NOW - n) for n in range(MANY)),
        )
        outbox.put(sql, "alarm", "event", b"{}", urgent=True)
    lanes = Lanes(outbox)
    lanes.restart()
    began = time.perf_counter()
    for _ in range(100):
        for rank in Rank:
            lanes.take(rank, 20, int(NOW) - LATE, never)
    fill = (time.perf_counter() - began) / 100
    began = time.perf_counter()
    held = lanes.take(Rank.BACKLOG, 20, int(NOW) - LATE, lambda _message: True)
    skip = time.perf_counter() - began
    assert held == []
    assert len(outbox) == MANY + 1
    began = time.perf_counter()
    for _ in range(100):
        len(outbox)
    count = (time.perf_counter() - began) / 100
    figure(f"outbox of {MANY}: a look at all ranks {fill * 1e3:.2f} ms, past held rows {skip * 1e3:.1f} ms")
    assert fill < 0.02
    assert skip < 0.2
    assert count < 0.001
    database.close()


def test_the_order_is_read_from_an_index(tmp_path: Path) -> None:
    outbox = Outbox(database := Database(tmp_path / "stoep.db", fail))
    plans: list[str] = []
    with database.reading() as sql:
        sql.set_trace_callback(plans.append)
        lanes = Lanes(outbox)
        lanes.restart()
        for rank in Rank:
            lanes.take(rank, 1, int(NOW), never)
        outbox.next(1, ())
        sql.set_trace_callback(None)
        for query in [plan for plan in plans if plan.startswith("SELECT id, topic")]:
            (plan,) = [row[3] for row in sql.execute("EXPLAIN QUERY PLAN " + query)]
            assert "USING INDEX outbox_order" in plan, query
    assert len(plans) >= 4
    database.close()


def test_an_outbox_of_an_older_version_keeps_its_windows_and_learns_how_old_they_are(tmp_path: Path) -> None:
    older = tmp_path / "older"
    older.mkdir()
    for number in (1, 2):
        (older / f"000{number}.sql").write_bytes((SCHEMA / f"000{number}.sql").read_bytes())
    file = tmp_path / "stoep.db"
    connection = sqlite3.connect(file, isolation_level=None)
    migrate(connection, older)
    put = "INSERT INTO outbox (key, urgent, topic, payload) VALUES (?, ?, 't', CAST('{}' AS BLOB))"
    connection.execute(put, (f"window c0ffee01 {int(NOW)}", False))
    connection.execute(put, ("event 1 2 3", True))
    connection.close()
    database = Database(file, fail)
    waiting = Outbox(database).next(9, ())
    assert [(message.id, message.at) for message in waiting] == [(2, AGELESS), (1, NOW + 900)]
    database.close()


def test_a_pause_that_the_broker_asked_for_doubles_and_ends_with_its_next_yes() -> None:
    pace = Pace(1)
    assert pace.allowed == 20
    for pause in (1.0, 2.0):
        pace.exceeded()
        pace.exceeded()  # of the same handful
        assert (pace.slowed, pace.allowed, pace._pause) == (True, 0, pause)
        pace._until = 0.0
    assert pace.allowed == 5
    pace.accepted()
    assert (pace.slowed, pace.allowed) == (False, 6)
