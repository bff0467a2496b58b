"""The spy of all these tests sees what the gateway says and takes, and fails the test in which it was wrong."""

from pathlib import Path

import pytest

from contract_spy import Spy
from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock, sample
from stoep.wire.channels import catalogue
from stoep.wire.messages import Uplink
from stoep.wire.replies import Challenge

UNKNOWN_KEY = b"\xa2\x01\x82\x01\x01\x06\x01"


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    return Chain(tmp_path / "stoep.db", clock, node)


def test_a_conversation_is_seen_from_both_ends(spy: Spy, chain: Chain) -> None:
    chain.ask(sample(1, 10))
    # A report, its challenge and the report again with its answer; the played node reads both replies.
    assert spy.seen == 6
    assert spy.misfits == []


def test_a_reply_that_the_contract_does_not_know_is_noticed(
    spy: Spy, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Challenge, "to_bytes", lambda _: UNKNOWN_KEY)
    assert chain.say(chain.node.report(sample(1, 10))) is not None
    _is_noticed(spy)


def test_a_reader_that_takes_too_much_is_noticed(spy: Spy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stoep.wire.messages.integer", lambda value, *_: value)
    Uplink.from_bytes(bytes.fromhex("8544a1b2c3d4010301a101f5"), catalogue())
    _is_noticed(spy)


def _is_noticed(spy: Spy) -> None:
    assert len(spy.misfits) == 1
    with pytest.raises(AssertionError):
        spy.judge()
    spy.misfits.clear()
