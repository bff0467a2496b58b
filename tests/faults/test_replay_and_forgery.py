"""Whatever is said again, cut, flipped, spliced or made up: nobody believes it, and it is named for what it was."""

import asyncio
import logging
from pathlib import Path

import attack_chain
import attack_replies
import attack_street
import pytest
from attack_chain import Attack

import tape
from gateway_rig import sample
from stoep.wire.replies import Challenge


@pytest.mark.slow
def test_of_everything_said_again_and_forged_nothing_is_believed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        acts = attack_chain.campaign(tmp_path)
    assert {name: act for name, act in acts.items() if not act.harmless} == {}
    assert sum(act.sent for act in acts.values()) > 10_000
    assert set(acts["replayed at once"].verdicts) == {"replayed"}
    assert set(acts["unknown kids"].verdicts) == {"unknown"}
    assert set(acts["replayed after a restart"].verdicts) == {"challenges"}
    assert set(acts["replayed after a restore"].verdicts) == {"challenges"}
    for forged in (acts["forged"], acts["forged after a restart"]):
        assert min(forged.verdicts[name] for name in ("forged", "malformed", "unknown")) > 50
    assert len(caplog.records) <= 12  # one a kind and life of the gateway, not one a frame


def test_the_right_key_with_an_old_instance_buys_a_challenge_and_nothing_else(tmp_path: Path) -> None:
    attack = Attack(tmp_path)
    attack.talk(3)
    foreign = attack.node.instance
    attack.restart()
    attack.talk(1)
    now, attack.node.instance = attack.node.instance, foreign
    frames = [attack.node.report(sample(100 + number, 90_000)) for number in range(20)]
    outcome = attack.act(frames)
    assert outcome.harmless, outcome
    assert outcome.verdicts == {"challenges": 20}
    assert attack.node.open(attack.chain.say(frames[-1]) or b"") == Challenge()
    attack.node.instance = now
    attack.talk(1)


def test_a_node_takes_no_reply_but_its_gateways_to_this_very_frame(tmp_path: Path) -> None:
    found = attack_replies.play(tmp_path)
    assert found["played"] > 5000
    assert found["accepted"] == found["changed"] == found["challenged"] == 0
    assert (found["answered"], found["silent"]) == (11, 1)
    assert found["durable"] == [1, 11]


@pytest.mark.slow
def test_a_street_whose_every_frame_is_said_again_believes_none_and_serves_its_own(tmp_path: Path) -> None:
    found = asyncio.run(attack_street.AttackedStreet(tmp_path).attacked())
    assert found.problems == []
    assert found.accepted == found.unaccounted == 0
    assert found.grown == {}
    replays = [act for name, act in found.acts.items() if name.startswith("replayed")]
    assert found.acts["forged"]["bridge filtered"] >= 300  # unknown kids and rubbish never reach the line
    assert found.acts["answered for the gateway"]["sent"] >= 50
    assert len(replays) == 4
    assert all(act["sent"] >= 100 for act in replays)
    said = tape.validate(tmp_path)
    assert min(said["uplink"], said["reply"]) >= 100
