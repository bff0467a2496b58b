"""What a store gives up to stay within its size and age, in which order, what it says about it; and no room at all."""

import json
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_chain import Chain, fail
from gateway_rig import MORNING, PlayedNode, TurnedClock, sample
from stoep.errors import StoreFullError
from stoep.health import Counters
from stoep.service.service import restore
from stoep.store import keeper, ledger, nodes, window_rows
from stoep.store.database import Database
from stoep.store.keeper import Keeper
from stoep.store.outbox import Outbox
from stoep.store.thinning import thinned
from stoep.store.windows import SECONDS, Total, Window
from stoep.wire.messages import Alarm, Place

DAY = 86_400
KIDS = [bytes([0xC0, 0xFF, 0xEE, number]) for number in range(20)]
NOW = int(MORNING)
LETTERS, WORDS = (random.Random(1).randbytes(size) for size in (1900, 200_000))  # nothing in them to squeeze


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "stoep.db", fail)
    yield opened
    opened.close()


@pytest.fixture
def street(tmp_path: Path, clock: TurnedClock) -> "Street":
    return Street(tmp_path, clock)


class Street:
    """Twenty nodes' windows, in the store and in its outbox, and a keeper with a megabyte or two."""

    def __init__(self, folder: Path, clock: TurnedClock) -> None:
        self.database = Database(folder / "stoep.db", fail)
        self.clock = clock
        self.counters = Counters()
        self.first = NOW // SECONDS
        for kid in KIDS:
            nodes.identify(self.database, kid, b"secret", f"bin-{kid[3]}", "bin")

    def keeper(self, max_mb: int, max_days: int = 365) -> Keeper:
        return Keeper(self.database, self.clock, self.counters, max_mb=max_mb, max_days=max_days)

    def published(self, windows: int, ago: int) -> None:
        """Delivered ones: rows of the store alone. `ago`: seconds since the first of them."""
        start = NOW // SECONDS * SECONDS - ago
        totals = {channel: Total(9, 9, 1, 1, 1) for channel in range(6)}
        with self.database.transaction() as sql:
            for number in range(windows):
                rows = [Window(kid, start + number * SECONDS, 1, before=totals) for kid in KIDS]
                window_rows.save(sql, rows)

    def waiting(self, windows: int) -> None:
        with self.database.transaction() as sql:
            for number in range(windows):
                for kid in KIDS:
                    start = (self.first + number) * SECONDS
                    Outbox.put(sql, f"window {kid.hex()} {start}", "stoep/1/x/y/window", LETTERS[:1100])

    def alarm(self, number: int) -> None:
        with self.database.transaction() as sql:
            Outbox.put(sql, f"event 1 1 {number}", "stoep/1/x/y/event", LETTERS, urgent=True)

    def kept(self, what: str = "window") -> dict[str, list[int]]:
        """What waits, by node: which of its windows, counted from the first."""
        found: dict[str, list[int]] = {}
        with self.database.reading() as sql:
            for (key,) in sql.execute("SELECT key FROM outbox ORDER BY id"):
                name, kid, last = key.split()[0], key.split()[1], int(key.split()[-1])
                if name == what:
                    found.setdefault(kid, []).append(last // SECONDS - self.first if what == "window" else last)
        return found

    def turns(self, keeps: Keeper, count: int = 400) -> None:
        for _ in range(count):
            keeps._looked = float("-inf")
            keeps.turn(lambda _most: 0)
            if not keeps._pressed:
                return

    def ledger(self) -> dict[str, int]:
        with self.database.reading() as sql:
            return ledger.given_up(sql)


def test_delivered_windows_go_first_the_oldest_before_all_and_nothing_that_waits(street: Street) -> None:
    street.published(600, 10 * DAY)
    street.waiting(20)
    keeps = street.keeper(2)
    before = street.kept()
    street.turns(keeps)
    assert keeps.used() <= 0.95 * (2 << 20)
    assert street.kept() == before
    gone = street.ledger()
    assert list(gone) == ["evicted delivered window"]
    assert 0 < gone["evicted delivered window"] == street.counters["evicted_delivered_windows"] < 600 * len(KIDS)
    with street.database.reading() as sql:
        oldest = window_rows.oldest(sql)
        first, last = sql.execute("SELECT min(first), max(last) FROM given_up").fetchone()
    assert oldest is not None
    assert (first, last) == (NOW // SECONDS * SECONDS - 10 * DAY, oldest - SECONDS)
    assert window_rows.find(street.database, KIDS[0], last).partial, "what comes late for it is no whole window"


def test_history_that_waits_is_thinned_evenly_and_alarms_stay(street: Street) -> None:
    street.waiting(400)
    for number in range(30):
        street.alarm(number)
    street.turns(street.keeper(6))
    kept = street.kept()
    assert set(kept) == {kid.hex() for kid in KIDS}
    for windows in kept.values():
        assert 400 // 8 < len(windows) < 400
        apart = [after - before for before, after in pairwise(windows)]
        assert max(apart) <= 4, "no hole where there was history"
        assert windows[0] <= 3
        assert windows[-1] >= 396, "nor a cliff at either end"
    assert len(street.kept("event")["1"]) == 30
    given = street.ledger()["evicted window"]
    assert given == 400 * len(KIDS) - sum(len(windows) for windows in kept.values())
    assert street.counters["evicted_windows"] == given
    assert street.keeper(100).given_up == {"evicted window": given}, "the next start still says so"


def test_undelivered_alarms_are_the_last_of_all(street: Street) -> None:
    for number in range(1000):
        street.alarm(number)
    street.waiting(10)
    keeps = street.keeper(2)
    steps = []
    for _ in range(400):
        alarms, windows = len(street.kept("event").get("1", [])), len(street.kept())
        steps.append((alarms, windows))
        keeps._looked = float("-inf")
        keeps.turn(lambda _most: 0)
        if not keeps._pressed:
            break
    assert keeps.used() <= 0.95 * (2 << 20)
    assert all(windows == 0 for alarms, windows in steps if alarms < 1000), "no alarm while anything else was there"
    left = street.kept("event")["1"]
    assert left == list(range(1000 - len(left), 1000)), "of the alarms, the oldest"


def test_it_stays_within_its_size_while_the_city_is_away_for_good(street: Street, tmp_path: Path) -> None:
    """The peer that grew to 45 GB in four days."""
    keeps = street.keeper(3)
    for day in range(12):
        street.first = NOW // SECONDS + day * 60
        try:
            street.waiting(60)
        except StoreFullError:
            keeps._probed = float("-inf")
            keeps.turn(lambda _most: 0)
        street.turns(keeps, 60)
        assert (tmp_path / "stoep.db").stat().st_size <= 3 << 20
    assert not street.database.full


def test_what_is_older_than_it_may_be_goes_and_is_named(street: Street, clock: TurnedClock) -> None:
    street.waiting(8)
    clock.now += 40 * DAY + 4 * SECONDS
    street.keeper(100, 40).turn(lambda _most: 0)
    assert set(map(tuple, street.kept().values())) == {(4, 5, 6, 7)}
    assert street.ledger() == {"evicted window": 4 * len(KIDS)}


def test_samples_that_nobody_could_date_are_thinned_and_named_one_by_one(
    tmp_path: Path, clock: TurnedClock, node: PlayedNode
) -> None:
    clock.is_trusted = False
    chain = Chain(tmp_path / "stoep.db", clock, node)
    for seq in range(1, 41):
        clock.now += 60
        chain.ask(sample(seq, seq * 60), tick=seq * 60, back=1 if seq > 1 else None)
        chain.commit()
    chain.turn()
    assert chain.refiner.give_up(10) == 10
    chain.turn()
    assert chain.row("SELECT count(*), min(cause), max(cause) FROM ledger") == (10, 256, 256)
    assert chain.row("SELECT count(*) FROM log") == (30,)
    chain.crash()
    assert restore(chain.database)[1].durable() == Place(1, 40), "what was acknowledged stays so"
    clock.is_trusted = True
    clock.now += 2 * SECONDS
    chain.turn()
    assert sum(window["channels"]["humidity"]["count"] for window in chain.windows()) == 30


@given(st.sets(st.integers(0, 4000), min_size=2), st.integers(1, 50))
def test_thinning_leaves_no_hole_larger_than_the_rest(numbers: set[int], most: int) -> None:
    left = sorted(numbers)
    gone = set(thinned(left, most))
    assert 0 < len(gone) <= most
    assert gone <= numbers
    lowest = min(number & -number if number else 1 << 12 for number in numbers)
    assert all((number & -number) == lowest or lowest >= 1 << 12 for number in gone)


# No room at all; a limit on the file's pages plays the full disk, faults/test_gateway_full.py has a real one.


class Full:
    """A store that may not grow, with the keeper that would find room."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.keeper = chain.keeper()
        with chain.database.reading() as sql:
            (self.pages,) = sql.execute("PRAGMA page_count").fetchone()
            sql.execute(f"PRAGMA max_page_count = {self.pages}").fetchone()

    def free(self) -> None:
        with self.chain.database.reading() as sql:
            sql.execute("PRAGMA max_page_count = 1000000").fetchone()


@pytest.fixture
def full(tmp_path: Path, clock: TurnedClock, node: PlayedNode, monkeypatch: pytest.MonkeyPatch) -> Full:
    monkeypatch.setattr(keeper, "_PROBE_SECONDS", 0.0)
    chain = Chain(tmp_path / "stoep.db", clock, node)
    chain.ask(sample(1, 5))
    chain.commit()
    clock.now += 30
    chain.ask(tick=35, back=1)
    chain.commit()
    return Full(chain)


def fill(chain: Chain) -> int:
    """Until it finds no room; the last sample that was taken."""
    for seq in range(2, 400):
        chain.clock.now += 5
        chain.ask(sample(seq, 30 + 5 * seq), tick=30 + 5 * seq, back=1)
        if not chain.journal.commit():
            return seq
    raise AssertionError("it never was full")


def test_without_room_durable_stands_still_nothing_is_taken_and_nothing_is_kept_in_memory(full: Full) -> None:
    chain = full.chain
    last = fill(chain)
    assert chain.ask(tick=9000).durable == Place(1, last - 1)
    for seq in range(last + 1, last + 50):
        answer = chain.ask(sample(seq, 9000), alarms=(Alarm(1, 1, 1, 9, True, 91),))
        assert (answer.durable, answer.received, answer.alarms) == (Place(1, last - 1), [(1, last, last)], [])
        assert not chain.journal.commit()
    assert len(chain.journal._pending) == 1
    assert chain.counters["samples_not_taken"] == 49
    problem = full.keeper.problem()
    assert problem is not None
    assert "make room" in problem
    full.keeper.turn(lambda _most: 0)
    assert chain.database.full, "there still is no room"
    full.free()
    full.keeper.turn(lambda _most: 0)
    assert (chain.database.full, full.keeper.problem()) == (False, None)
    assert chain.journal.commit()
    answer = chain.ask(sample(last + 1, 9000), alarms=(Alarm(1, 1, 1, 9, True, 91),))
    assert (answer.durable, answer.alarms) == (Place(1, last), [(1, 1)])


def test_a_node_first_met_while_there_is_no_room_is_answered_and_owes_everything(full: Full) -> None:
    chain = full.chain
    fill(chain)
    chain.node.secret, chain.node.counter = bytes(32), 0
    full.free()
    chain.crash()
    chain.database._full.set()
    assert chain.ask(sample(7, 5), floor=Place(1, 7)).durable == Place(1, 6)
    chain.database.relieved()
    assert chain.ask(sample(7, 5), floor=Place(1, 7)).received == [(1, 7, 7)]


def test_a_checkpoint_without_room_is_done_again_whole(full: Full, clock: TurnedClock) -> None:
    chain = full.chain
    clock.now += SECONDS + 100
    with chain.database.reading() as sql:
        sql.execute("PRAGMA cache_size = 2000")
    chain._compose = chain.refiner._compose
    chain.refiner._compose = Large(chain.native)  # type: ignore[assignment]
    with pytest.raises(StoreFullError):
        chain.turn()
    assert len(chain.outbox) == 0
    full.free()
    full.keeper.turn(lambda _most: 0)
    chain.turn()
    (message,) = chain.outbox.next(10, ())
    window = json.loads(message.payload.removesuffix(WORDS))
    assert (window["revision"], window["channels"]["humidity"]["count"]) == (1, 1)
    assert chain.row("SELECT revision, due FROM window") == (1, 0)
    assert chain.row("SELECT count(*) FROM log") == (0,)


class Large:
    """A dialect of many words."""

    def __init__(self, native: object) -> None:
        self._native = native

    def window(self, *told: object) -> tuple[str, str, bytes]:
        key, topic, payload = self._native.window(*told)  # type: ignore[attr-defined]
        return key, topic, payload + WORDS


def test_what_the_city_confirmed_while_there_was_no_room_is_not_sent_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(database)
    with database.transaction() as sql:
        for number in range(3):
            Outbox.put(sql, f"window c0 {number}", "t", b"{}")

    def refused() -> None:
        raise StoreFullError("no room")

    first = outbox.next(1, ())[0].id
    with monkeypatch.context() as disk:
        disk.setattr(database, "transaction", refused)
        outbox.confirmed([first])
        assert first not in [message.id for message in outbox.next(10, ())]
    outbox.confirmed([])
    assert len(outbox) == 2


def test_delivered_history_makes_room_on_a_disk_that_others_have_filled(full: Full) -> None:
    """But nothing that was not delivered: whoever filled the disk may yet make room."""
    chain = full.chain
    full.free()
    totals = {channel: Total(9, 9, 1, 1, 1) for channel in range(6)}
    with chain.database.transaction() as sql:
        old = NOW // SECONDS * SECONDS - 60 * DAY
        window_rows.save(sql, [Window(chain.node.kid, old + n * SECONDS, 1, before=totals) for n in range(4000)])
        Outbox.put(sql, f"window {chain.node.kid.hex()} {old}", "t", b"{}")
    Full(chain)
    fill(chain)
    for _ in range(300):
        full.keeper.turn(lambda _most: 0)
        if not chain.database.full:
            break
    assert not chain.database.full
    assert chain.journal.commit()
    assert chain.counters["evicted_delivered_windows"] > 0
    assert len(chain.outbox) == 1
