"""What the gateway itself gives up before it was delivered: the ledger of its day balances, and names the cause."""

from pathlib import Path
from typing import Any

import pytest

from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock, sample
from ledger_rig import MIDNIGHT, QUARTER, confirm, days, publish, report, start
from stoep.ledger.receipts import AFTER
from stoep.refine import refiner
from stoep.refine.days import DAY
from stoep.store import eviction


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    return Chain(tmp_path / "stoep.db", clock, node)


def evict(chain: Chain, take: Any) -> int:
    with chain.database.transaction() as sql:
        count = take(sql, int(chain.clock.utc()))
    return int(count)


def test_it_balances_after_evictions_and_names_their_cause(chain: Chain) -> None:
    start(chain)
    report(chain, 1, 2, 3, tick=3 * QUARTER + 30)
    report(chain, tick=6 * QUARTER)
    confirm(chain)
    report(chain, *range(4, 24), tick=24 * QUARTER + 30)
    report(chain, tick=26 * QUARTER)
    before = days(chain)[0]
    assert (before.delivered, before.kept) == (3, 20)
    assert evict(chain, eviction.thin_windows) == 10
    account = days(chain)[0]
    assert (account.expected, account.delivered, account.kept, account.owed) == (before.expected, 3, 10, before.owed)
    assert account.lost == {256: 10}
    confirm(chain)
    assert (days(chain)[0].delivered, days(chain)[0].kept) == (13, 0)
    chain.clock.now = 1000.0 + MIDNIGHT + AFTER
    assert publish(chain) == 1
    assert confirm(chain)[-1]["total"]["lost"] == {"evicted": 10}


def test_what_a_later_revision_brings_after_all_is_lost_no_more(chain: Chain) -> None:
    """The window still counts what was in the message that was given up."""
    start(chain)
    report(chain, 2, tick=1830)
    report(chain, tick=4 * QUARTER)
    assert evict(chain, eviction.thin_windows) == 1
    assert days(chain)[0].lost == {256: 1}
    chain.crash()
    chain.ask(sample(1, 1820), tick=4 * QUARTER + 5, back=1)  # of the same window, on its way for long
    chain.commit()
    assert days(chain)[0].lost == {256: 1}
    chain.turn()
    assert (days(chain)[0].lost, days(chain)[0].kept) == ({}, 2)
    (window,) = confirm(chain)
    assert window["channels"]["humidity"]["count"] == 2
    assert days(chain)[0].delivered == 2


def test_a_revision_given_up_takes_only_what_the_one_before_did_not_deliver(chain: Chain) -> None:
    start(chain)
    report(chain, 2, tick=1830)
    report(chain, tick=4 * QUARTER)
    confirm(chain)
    chain.ask(sample(1, 1820), tick=4 * QUARTER + 5, back=1)
    chain.commit()
    chain.turn()
    assert evict(chain, eviction.thin_windows) == 1
    assert (days(chain)[0].delivered, days(chain)[0].lost) == (1, {256: 1})


def test_where_the_city_wants_single_samples_alone_each_is_delivered_with_its_own_message(
    tmp_path: Path, clock: TurnedClock, node: PlayedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refiner, "_SAMPLE_SECONDS", 0.0)
    chain = Chain(tmp_path / "stoep.db", clock, node, forward=("sample", "event"))
    start(chain)
    report(chain, 1, 2, 3, tick=3 * QUARTER + 30)
    report(chain, tick=6 * QUARTER)
    assert (days(chain)[0].kept, days(chain)[0].delivered) == (3, 0)
    first, *_ = chain.outbox.next(1, ())
    chain.outbox.confirmed([first.id])
    assert (days(chain)[0].kept, days(chain)[0].delivered) == (2, 1)
    assert evict(chain, eviction.other_messages) == 2
    assert (days(chain)[0].kept, days(chain)[0].delivered, days(chain)[0].lost) == (0, 1, {256: 2})


def test_age_takes_its_samples_into_the_ledger_too(chain: Chain) -> None:
    start(chain)
    report(chain, 1, tick=930)
    report(chain, tick=3 * QUARTER)
    chain.clock.now += 41 * DAY
    chain.keeper(max_days=40).turn(lambda _most: 0)
    assert days(chain, interval=None)[0].lost == {256: 1}
