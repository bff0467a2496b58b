"""Of many windows that are due some are told in one transaction, and neither alarms nor the log wait for the others."""

from pathlib import Path

import pytest

from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock, sample
from stoep.refine import portion
from stoep.refine.portion import Portion
from stoep.store.windows import SECONDS, Window
from stoep.wire.messages import Alarm, Sample

DUE = 6


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    return Chain(tmp_path / "stoep.db", clock, node)


def due(quarters: int, nodes: int = 1) -> list[Window]:
    kids = [node.to_bytes(4, "big") for node in range(nodes)]
    return [Window(kid, quarter * SECONDS) for quarter in range(quarters) for kid in kids]


def small(monkeypatch: pytest.MonkeyPatch, chain: Chain) -> None:
    monkeypatch.setattr(portion, "_FEWEST", 2)
    monkeypatch.setattr(portion, "_MOST", 2)
    chain.refiner._portion = Portion()


def report(chain: Chain, *samples: Sample, tick: int, alarms: tuple[Alarm, ...] = ()) -> None:
    chain.clock.now = 1000.0 + tick
    chain.ask(*samples, tick=tick, back=1, alarms=alarms)
    chain.commit()


def wait_for_time(chain: Chain) -> None:
    """Six windows that cannot be told before the clock is trusted."""
    chain.clock.is_trusted = False
    report(chain, tick=0)
    report(chain, tick=30)
    for number in range(DUE):
        tick = number * SECONDS + 60
        report(chain, sample(number + 1, tick), tick=tick)
    report(chain, tick=DUE * SECONDS + 90)
    chain.turn()
    assert chain.windows() == []


def test_a_portion_grows_while_there_is_time_and_shrinks_when_it_takes_long() -> None:
    one = Portion()
    sizes = []
    for seconds in (0.1, 0.1, 0.1, 12.0, 12.0, 31.0, 31.0, 60.0, 60.0, 60.0):
        sizes.append(len(one.of(due(1000))))
        one.took(sizes[-1], seconds)
    assert sizes == [10, 20, 40, 80, 80, 80, 40, 20, 10, 10]


def test_a_portion_that_was_not_full_says_nothing_of_a_larger_one() -> None:
    one = Portion()
    one.took(3, 0.01)
    assert len(one.of(due(1000))) == 10


def test_a_large_street_does_not_make_the_portions_of_what_comes_late_smaller() -> None:
    one = Portion()
    one.took(10, 0.1)
    one.took(500, 40.0)
    assert len(one.of(due(1000))) == 20


def test_a_portion_ends_with_a_quarter_of_an_hour_but_for_streets_that_are_too_large() -> None:
    assert len(Portion().of(due(5, nodes=12))) == 12
    assert len(Portion().of(due(5, nodes=4))) == 12
    assert len(Portion().of(due(2, nodes=700))) == 500
    assert Portion().of([]) == []


def test_of_many_that_are_due_some_are_told_at_once_and_the_others_without_a_rest(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, chain)
    wait_for_time(chain)
    chain.refiner._rest = 3600.0
    chain.clock.is_trusted = True
    parts = []
    while chain.turn() is None and (said := chain.windows()):
        parts.append([window["start"] for window in said])
    assert [len(part) for part in parts] == [2, 2, 2]
    told = [start for part in parts for start in part]
    assert told == sorted(told), "the oldest first"
    assert not chain.refiner._behind


def test_an_alarm_and_the_end_of_the_log_do_not_wait_for_windows(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that ends while it still tells windows has got on: the next one does not read all of it again."""
    wait_for_time(chain)
    chain.clock.is_trusted = True
    report(chain, tick=DUE * SECONDS + 120, alarms=(Alarm(1, 1, 2, DUE * SECONDS, True, None),))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(chain.refiner._publication._inspector, "inspect", die)
    with pytest.raises(KeyboardInterrupt):
        chain.turn()
    with chain.database.reading() as sql:
        assert sql.execute("SELECT count(*) FROM log").fetchone() == (0,)
        assert sql.execute("SELECT count(*) FROM outbox").fetchone() == (1,)
        assert sql.execute("SELECT count(*), max(revision) FROM window").fetchone() == (DUE, 0)
    chain.crash()
    chain.turn()
    assert len(chain.windows()) == DUE
