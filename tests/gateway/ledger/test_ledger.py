"""The ledger: every sample in exactly one class, by the store alone, whatever was killed in between."""

import random
from pathlib import Path

import pytest

from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock, sample
from ledger_rig import FIRST, MIDNIGHT, QUARTER, confirm, days, look, publish, report, start, word
from stoep.errors import StoreError
from stoep.ledger import books
from stoep.ledger.account import Account
from stoep.ledger.days import Line
from stoep.ledger.receipts import AFTER
from stoep.refine.days import DAY
from stoep.wire.messages import Lost, Place


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    return Chain(tmp_path / "stoep.db", clock, node)


def test_a_sample_is_kept_until_the_city_confirmed_its_window_and_delivered_from_then_on(chain: Chain) -> None:
    start(chain)
    report(chain, 1, tick=930)
    assert (days(chain)[0].kept, days(chain)[0].published) == (1, 0)
    report(chain, tick=3 * QUARTER)
    assert (days(chain)[0].kept, days(chain)[0].published) == (1, 1)
    confirm(chain)
    account = days(chain)[0]
    assert (account.expected, account.delivered, account.kept, account.published) == (1, 1, 0, 1)


def test_what_a_later_revision_adds_is_kept_while_the_first_stays_delivered(chain: Chain) -> None:
    start(chain)
    report(chain, 2, tick=1830)
    report(chain, tick=4 * QUARTER)
    confirm(chain)
    chain.ask(sample(1, 1820), tick=4 * QUARTER + 5, back=1)  # of the same window, on its way for long
    chain.commit()
    chain.turn()
    account = days(chain)[0]
    assert (account.delivered, account.kept, account.late) == (1, 1, 1)
    confirm(chain)
    assert days(chain)[0].delivered == 2


def test_a_message_that_is_replaced_unconfirmed_hands_on_what_it_carried(chain: Chain) -> None:
    start(chain)
    report(chain, 2, tick=1830)
    report(chain, tick=4 * QUARTER)
    chain.ask(sample(1, 1820), tick=4 * QUARTER + 5, back=1)
    chain.commit()
    chain.turn()
    assert (days(chain)[0].kept, days(chain)[0].delivered) == (2, 0)
    confirm(chain)
    assert (days(chain)[0].kept, days(chain)[0].delivered) == (0, 2)


def test_missing_numbers_are_owed_until_they_come_or_are_given_up(chain: Chain) -> None:
    start(chain)
    report(chain, 1, 2, 6, tick=6 * QUARTER + 30)
    assert days(chain)[0].owed == 3
    report(chain, 4, tick=6 * QUARTER + 60)
    assert days(chain)[0].owed == 2
    report(chain, tick=6 * QUARTER + 90, lost=(Lost(1, 3, 3, 1), Lost(1, 5, 5, 2)), floor=7)
    account = days(chain)[0]
    assert (account.owed, account.lost, account.expected) == (0, {1: 1, 2: 1}, 6)


def test_what_went_to_a_gateway_before_us_is_not_expected_of_us(chain: Chain) -> None:
    chain.clock.now = 1000.0 + 9000
    chain.ask(tick=9000, floor=Place(1, 10))
    report(chain, tick=9030, floor=10)
    report(chain, 10, 11, tick=9930, floor=10)
    account = days(chain)[0]
    assert (account.expected, account.kept) == (2, 2)


def test_numbers_that_nobody_could_date_fall_on_the_days_between_their_neighbours(chain: Chain) -> None:
    """A ring that ran full over days: what was given up is spread over them, not heaped on one."""
    start(chain)
    first = MIDNIGHT // QUARTER  # the last of the first day
    report(chain, *range(1, 5), tick=first * QUARTER)
    after = first + 3 * 96 + 1
    report(chain, after, tick=after * QUARTER + 30, lost=(Lost(1, 5, after - 1, 1),), floor=after)
    report(chain, tick=(after + 2) * QUARTER, floor=after)
    accounts = days(chain)
    assert [accounts[day].lost[1] for day in range(1, 4)] == [96, 96, 96]
    assert sum(account.lost.get(1, 0) for account in accounts.values()) == after - 5
    assert accounts[0].delivered + accounts[0].kept == 4


def test_a_silent_node_owes_by_its_interval_so_that_it_does_not_vanish_from_the_ledger(chain: Chain) -> None:
    """San Diego: of 3,000 nodes a dozen gave usable data, and nobody saw it, for what is not sent is not counted."""
    start(chain)
    report(chain, *range(1, 5), tick=4 * QUARTER + 30)
    report(chain, tick=7 * QUARTER)
    confirm(chain)
    assert days(chain)[0].owed == 0, "not overdue yet"
    chain.clock.now = 1000.0 + MIDNIGHT + 2 * DAY
    accounts = days(chain)
    assert (accounts[1].expected, accounts[1].owed, accounts[1].presumed, accounts[1].delivered) == (96, 96, 96, 0)
    assert days(chain, interval=None).keys() == {0}, "a retired node owes nothing"


def test_what_was_presumed_is_counted_by_its_numbers_when_the_node_is_back(chain: Chain) -> None:
    start(chain)
    report(chain, *range(1, 5), tick=4 * QUARTER + 30)
    report(chain, tick=60 * QUARTER)
    assert days(chain)[0].presumed == 56
    report(chain, *range(5, 61), tick=60 * QUARTER + 30)
    account = days(chain)[0]
    assert (account.presumed, account.owed, account.expected) == (0, 0, 60)


def test_a_store_from_before_the_ledger_begins_it_with_the_next_sample(chain: Chain) -> None:
    start(chain)
    report(chain, 1, 2, 4, tick=4 * QUARTER + 30)
    report(chain, tick=7 * QUARTER)
    confirm(chain)
    with chain.database.transaction() as sql:
        sql.execute("DELETE FROM day_mark")
    chain.crash()
    assert days(chain, interval=None) == {}
    report(chain, 8, tick=8 * QUARTER + 30)
    report(chain, 9, tick=12 * QUARTER)
    account = days(chain, interval=None)[0]
    assert (account.expected, account.kept, account.owed) == (5, 2, 3)


def test_a_node_commissioned_anew_keeps_what_its_former_life_was_owed(chain: Chain, tmp_path: Path) -> None:
    start(chain)
    report(chain, 1, 4, tick=4 * QUARTER + 30)
    again = PlayedNode(chain.node.name, chain.node.kid)
    chain.database.close()
    anew = Chain(tmp_path / "stoep.db", chain.clock, again)
    anew.clock.now = 1000.0 + 5 * QUARTER
    anew.ask(tick=0)
    anew.clock.now += 30
    anew.ask(sample(1, 20), tick=30, back=1)
    anew.commit()
    anew.turn()
    assert (days(anew)[0].expected, days(anew)[0].owed) == (5, 2)


class Street:
    """A node whose samples are late, lost and said again; it keeps what `durable` does not name."""

    def __init__(self, chain: Chain, chance: random.Random) -> None:
        self.chain = chain
        self.chance = chance
        self.held: set[int] = set()
        self.gone: set[int] = set()

    def take(self, seq: int) -> None:
        (self.gone if self.chance.random() < 0.05 else self.held).add(seq)

    def say(self, tick: int, *, newest: bool = False, crash: bool = False) -> None:
        chain = self.chain
        chain.clock.now = 1000.0 + tick
        ready = sorted(self.held)[-4:] if newest else sorted(self.held)[:4]
        lost = tuple(Lost(1, one, one, 1 + one % 2) for one in sorted(self.gone)[:3])
        floor = Place(1, min(self.held | self.gone, default=tick // QUARTER + 1))
        chain.ask(*[sample(one, one * QUARTER) for one in ready], tick=tick, back=1, floor=floor, lost=lost)
        if crash:
            chain.crash()
            return
        chain.commit()
        chain.turn()
        durable = chain.met.position.durable()
        self.held = {one for one in self.held if one > durable.seq}
        self.gone = {one for one in self.gone if one > durable.seq}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_it_balances_after_every_kill_and_every_number_is_on_its_day(
    tmp_path: Path, clock: TurnedClock, node: PlayedNode, seed: int
) -> None:
    """Two days and more; the gateway killed at random, the city away at random."""
    chance = random.Random(seed)
    chain = Chain(tmp_path / "stoep.db", clock, node)
    start(chain)
    street = Street(chain, chance)
    total = 200
    for seq in range(1, total + 1):
        street.take(seq)
        if chance.random() < 0.5:
            crash = chance.random() < 0.15
            street.say(seq * QUARTER + 5, newest=chance.random() < 0.2, crash=crash)
            if crash or chance.random() < 0.1:
                days(chain)
        if chance.random() < 0.2:
            confirm(chain)
    tick = total * QUARTER + 60
    while street.held or street.gone:
        street.say(tick)
        tick += 60
    for hours in (8, 16):
        clock.now = 1000.0 + tick + hours * 3600
        chain.turn()
    confirm(chain)
    accounts = days(chain, interval=None)
    with chain.database.reading() as sql:
        ((lost,),) = sql.execute("SELECT coalesce(sum(last - first + 1), 0) FROM ledger")
        windows = [start for (start,) in sql.execute("SELECT start FROM window")]
    assert lost > 0
    assert sum(account.expected for account in accounts.values()) == total
    assert sum(account.owed + account.kept for account in accounts.values()) == 0
    assert sum(account.delivered for account in accounts.values()) == total - lost
    for day in range(4):  # one sample a window, and the windows know their time
        counted = sum(day == start // DAY - FIRST for start in windows)
        assert accounts.get(day, Account()).delivered == counted


# -- the receipt -------------------------------------------------------------------------------------------------------


def test_a_day_gets_its_receipt_when_it_is_over_and_another_revision_when_it_changes(chain: Chain) -> None:
    start(chain)
    report(chain, 1, 3, tick=3 * QUARTER + 30)
    chain.clock.now = 1000.0 + MIDNIGHT + AFTER - 1
    chain.turn()
    confirm(chain)
    assert publish(chain) == 0
    chain.clock.now += 1
    assert publish(chain) == 1
    assert publish(chain) == 0
    (receipt,) = confirm(chain)
    assert (receipt["day"], receipt["revision"], receipt["generation"]) == ("2026-06-01", 1, 1)
    assert receipt["total"] == {
        "expected": 3,
        "delivered": 2,
        "kept": 0,
        "lost": {},
        "owed": 1,
        "presumed": 0,
        "published": 2,
        "late": 0,
        "duplicate": 0,
    }
    assert receipt["nodes"][0]["node"] == "bin-1"
    report(chain, 2, tick=MIDNIGHT + 8000)
    assert [said["day"] for said in confirm(chain) if "day" in said] == []
    assert publish(chain) == 1
    (receipt,) = confirm(chain)
    assert (receipt["revision"], receipt["total"]["delivered"], receipt["total"]["owed"]) == (2, 3, 0)


def test_a_receipt_outlives_a_kill_and_is_not_said_twice(chain: Chain) -> None:
    start(chain)
    report(chain, 1, tick=930)
    chain.clock.now = 1000.0 + MIDNIGHT + 2 * AFTER
    chain.turn()
    confirm(chain)
    assert publish(chain) == 1
    chain.crash()
    assert publish(chain) == 0
    assert [said["revision"] for said in confirm(chain) if "day" in said] == [1]


def test_a_cause_nobody_told_us_of_shows_as_its_number() -> None:
    assert [word(cause) for cause in (0, 1, 777)] == ["undeclared", "full", "cause 777"]
    assert [word(cause) for cause in (256, 257)] == ["evicted", "unreadable"]


def test_a_loss_of_the_gateways_own_takes_a_sample_out_of_what_is_kept(chain: Chain) -> None:
    """Whoever evicts undelivered samples enters them like any other loss, and the account stays balanced."""
    from stoep.store import ledger as rows

    start(chain)
    report(chain, 1, 2, tick=2 * QUARTER + 30)
    with chain.database.transaction() as sql:
        rows.enter(sql, chain.identity.id, Lost(1, 2, 2, 777), None)
    account = days(chain)[0]
    assert (account.expected, account.kept, account.lost) == (2, 1, {777: 1})


def test_a_store_that_never_was_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="has the gateway ever run"):
        books.connect(tmp_path / "stoep.db")


def test_lines_come_in_the_order_of_names(chain: Chain) -> None:
    start(chain)
    report(chain, 1, tick=930)
    (lines,) = look(chain, {}).values()
    assert [(line.name, line.kind) for line in lines] == [("bin-1", "bin")]
    assert isinstance(lines[0], Line)
