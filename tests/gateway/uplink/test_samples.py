"""Single readings for a city that wants them: each once by its key, with the time of taking, whenever we are killed."""

from pathlib import Path

import pytest

from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock, sample
from stoep.refine import refiner as module
from stoep.store.windows import SECONDS
from window_reports import report, values


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode, monkeypatch: pytest.MonkeyPatch) -> Chain:
    monkeypatch.setattr(module, "_SAMPLE_SECONDS", 0)
    return Chain(tmp_path / "stoep.db", clock, node, forward=("sample", "window"))


def test_a_sample_goes_as_soon_as_it_is_dated_with_unit_quality_and_time_quality(chain: Chain) -> None:
    report(chain, tick=2, back=None)
    report(chain, sample(1, 5, values=values(9000)), tick=5, back=1)
    report(chain, tick=35)
    (said,) = chain.said("sample")
    channels = said.pop("channels")
    assert said == {
        "site": "grote-markt",
        "node": "bin-1",
        "kid": "c0ffee01",
        "kind": "bin",
        "epoch": 1,
        "seq": 1,
        "time": "2026-06-01T06:00:05Z",
    }
    assert channels["temperature"] == {
        "value": 90.0,
        "unit": "°C",
        "quality": {"flag": 4, "reason": "out of range"},
        "time_quality": "synced",
    }
    assert channels["fill_level"]["quality"] == {"flag": 1, "reason": "in range"}


def test_what_was_not_read_is_not_there_and_no_zero(chain: Chain) -> None:
    report(chain, tick=2, back=None)
    report(chain, sample(1, 5, values=values(None)), sample(2, 6, values=(None,) * 6), tick=6)
    report(chain, tick=35)
    (said,) = chain.said("sample")
    assert "temperature" not in said["channels"]
    assert len(said["channels"]) == 5


def test_killed_at_any_time_each_sample_goes_under_its_key_and_is_counted_once(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SAMPLE_SECONDS", 3600)  # dated and added up, but not written
    report(chain, tick=2, back=None)
    report(chain, sample(1, 5), sample(2, 65), tick=65)
    report(chain, tick=95)
    assert chain.row("SELECT count(*) FROM outbox") == (0,)
    chain.crash()
    monkeypatch.setattr(module, "_SAMPLE_SECONDS", 0)
    chain.turn()
    chain.crash()
    chain.turn()
    assert chain.row("SELECT group_concat(key, ', ') FROM outbox") == ("sample 1 1 1, sample 1 1 2",)
    assert [said["seq"] for said in chain.said("sample")] == [1, 2]
    chain.clock.now += 2 * SECONDS
    chain.turn()
    chain.turn()
    (window,) = chain.windows()
    assert window["channels"]["temperature"]["count"] == 2
    assert chain.said("sample") == []


def test_a_sample_is_as_old_as_its_taking_and_a_window_as_its_end(chain: Chain, clock: TurnedClock) -> None:
    report(chain, tick=2, back=None)
    report(chain, sample(1, 5), tick=5)
    report(chain, tick=35)
    clock.now = 1000.0 + SECONDS + 100
    chain.turn()
    ages = {message.topic.rsplit("/", 1)[1]: message.at for message in chain.outbox.next(9, ())}
    morning = int(clock.utc_offset + 1000)
    assert ages == {"sample": morning + 5, "window": morning + 900}


def test_who_does_not_ask_for_samples_gets_none(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> None:
    chain = Chain(tmp_path / "other.db", clock, node)
    report(chain, tick=2, back=None)
    report(chain, sample(1, 5), tick=5)
    report(chain, tick=SECONDS + 100)
    chain.turn(last=True)
    assert [message.topic.rsplit("/", 1)[1] for message in chain.outbox.next(9, ())] == ["window"]
