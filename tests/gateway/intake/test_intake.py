"""Frames in, replies out: what is acknowledged, what is challenged, what is dropped."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_chain import Chain
from gateway_rig import MORNING, PlayedNode, TurnedClock, sample
from stoep.clock import EPOCH_2000
from stoep.health import Counters
from stoep.intake.intake import Intake
from stoep.intake.node import Node
from stoep.registry.registry import Entry
from stoep.store.position import Position
from stoep.wire import frame
from stoep.wire.channels import catalogue
from stoep.wire.light import Light, Plan
from stoep.wire.messages import Alarm, Health, Lost, Place
from stoep.wire.replies import Answer, Challenge, read_reply, version_of


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    return Chain(tmp_path / "stoep.db", clock, node)


def test_a_reply_never_names_as_durable_what_is_not_committed(chain: Chain) -> None:
    first = chain.ask(sample(1, 5))
    assert (first.durable, first.received) == (Place(1, 0), [(1, 1, 1)])
    again = chain.ask(sample(2, 6))
    assert (again.durable, again.received) == (Place(1, 0), [(1, 1, 2)])
    assert chain.row("SELECT count(*) FROM log") == (0,)
    chain.commit()
    assert chain.row("SELECT count(*) FROM log") == (1,)
    third = chain.ask(sample(3, 7))
    assert (third.durable, third.received) == (Place(1, 2), [(1, 3, 3)])


def test_a_failed_commit_ends_the_process_before_anything_more_is_acknowledged(chain: Chain) -> None:
    chain.ask(sample(1, 5))
    chain.database._connection.execute("DROP TABLE log")
    with pytest.raises(SystemExit, match="would have ended"):
        chain.commit()
    assert chain.met.position.durable() == Place(1, 0)


def test_a_node_of_another_instance_is_challenged_and_nothing_is_taken(chain: Chain, node: PlayedNode) -> None:
    node.instance = b"\x09\x09\x09\x09"
    reply = chain.say(node.report(sample(1, 5)))
    assert reply is not None
    assert node.open(reply) == Challenge()
    assert node.instance == chain.intake.instance
    assert chain.counters["samples_received"] == 0
    chain.commit()
    assert chain.row("SELECT count(*) FROM log") == (0,)


def test_frames_of_an_older_instance_cannot_be_fed_again(chain: Chain, node: PlayedNode) -> None:
    chain.ask(sample(1, 5))
    old = [node.report(sample(number, number)) for number in range(2, 6)]
    for frame_ in old:
        chain.say(frame_)
    chain.commit()
    chain.crash()
    for frame_ in old:
        reply = chain.say(frame_)
        assert reply is not None
    assert chain.counters["challenges"] == 4
    assert chain.counters["samples_received"] == 0


def test_of_a_thousand_replays_none_is_accepted(chain: Chain, node: PlayedNode) -> None:
    chain.ask(sample(1, 5))
    frames = [node.report(sample(number, number)) for number in range(2, 102)]
    answers = [chain.say(frame_) for frame_ in frames]
    assert None not in answers
    received = chain.counters["samples_received"]
    for frame_ in frames * 10:
        assert chain.say(frame_) is None
    assert chain.counters["samples_received"] == received
    assert chain.counters["replayed"] + chain.counters["echoes"] == 1000


def test_the_same_frame_through_two_bridges_is_an_echo_and_the_louder_one_answers(
    chain: Chain, node: PlayedNode
) -> None:
    chain.ask(sample(1, 5))
    frame_ = node.report(sample(2, 6))
    first = chain.intake.handle(frame_, 1.0, -80, "far")
    assert chain.intake.handle(frame_, 1.0, -40, "near") is None
    assert chain.counters["echoes"] == 1
    assert first is not None
    second = chain.intake.handle(node.report(sample(3, 7), back=1), 2.0, -80, "far")
    assert second is not None
    assert second.via[0] == "near"


def test_a_copy_said_beside_another_bridge_costs_one_reply_at_most(chain: Chain, node: PlayedNode) -> None:
    chain.ask(sample(1, 5))
    frame_ = node.report(sample(2, 6))
    chain.intake.handle(frame_, 1.0, -60, "true")
    chain.intake.handle(frame_, 1.0, -20, "wrong")
    strayed = chain.intake.handle(node.report(sample(3, 7), back=1), 2.0, -60, "true")
    again = chain.intake.handle(node.report(sample(3, 7), back=2), 3.0, -60, "true")
    assert strayed is not None
    assert strayed.via[0] == "wrong"
    assert again is not None
    assert again.via == ("true",)


def test_an_old_frame_said_beside_another_bridge_moves_no_reply(chain: Chain, node: PlayedNode) -> None:
    chain.ask(sample(1, 5))
    old = node.report(sample(2, 6))
    chain.crash()
    chain.ask(sample(3, 7))
    challenged = chain.intake.handle(old, 2.0, -20, "wrong")
    assert challenged is not None
    assert challenged.via == ("wrong",)
    answered = chain.intake.handle(node.report(sample(4, 8), back=1), 3.0, -61, "bridge")
    assert answered is not None
    assert answered.via == ("bridge",)


def test_unknown_and_forged_frames_are_counted_and_not_answered(chain: Chain, node: PlayedNode) -> None:
    stranger = PlayedNode(kid=b"\xde\xad\xbe\xef")
    assert chain.say(stranger.report(sample(1, 5))) is None
    liar = PlayedNode(kid=node.kid)
    assert chain.say(liar.report(sample(1, 5))) is None
    assert chain.say(b"\x83garbage") is None
    assert (chain.counters["unknown"], chain.counters["forged"], chain.counters["malformed"]) == (1, 1, 1)


def test_a_forged_counter_does_not_shut_the_node_out(chain: Chain, node: PlayedNode) -> None:
    liar = PlayedNode(kid=node.kid, counter=2**39)
    chain.say(liar.report(sample(1, 5)))
    assert chain.ask(sample(1, 5)).received == [(1, 1, 1)]


def test_an_authentic_frame_with_a_malformed_inside_is_dropped(chain: Chain, node: PlayedNode) -> None:
    for plain in (b"\xff", b"\x80", b"\x9a\xff\xff\xff\xff", b"\x81" * 200):
        assert chain.say(node.seal(plain)) is None
    assert chain.counters["malformed"] == 4
    assert chain.counters["failed"] == 0


@given(st.binary(max_size=260), st.binary(max_size=221))
def test_no_bytes_whatsoever_make_the_intake_raise(data: bytes, plain: bytes) -> None:
    node, counters = PlayedNode(secret=bytes(32)), Counters()
    intake = Intake(b"\x01\x02\x03\x04", TurnedClock(), catalogue(), counters, add=lambda _: 1, wait=lambda _, __: True)
    entry = Entry(node.kid, node.name, "bin", node.secret)
    intake.set_nodes([Node(entry, 1, intake.instance, Position(), set())])
    intake.handle(data, 0.0)
    intake.handle(frame.seal_uplink(frame.uplink_keys(node.secret), node.kid, 1, b"")[:14] + data, 0.0)
    intake.handle(node.seal(plain or b"\x00"), 0.0)
    assert counters["failed"] == 0


def test_even_a_defect_of_our_own_stays_inside(chain: Chain, node: PlayedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    chain.ask(sample(1, 5))
    monkeypatch.setattr(chain.met.position, "receive", lambda _: 1 / 0)
    assert chain.say(node.report(sample(2, 6))) is None
    assert chain.counters["failed"] == 1


def test_a_hole_is_counted_and_stands_in_the_ledger(chain: Chain) -> None:
    chain.ask(sample(1, 5))
    chain.commit()
    chain.ask(sample(5, 9), floor=Place(1, 5))
    chain.commit()
    assert chain.counters["holes"] == 3
    assert chain.row("SELECT cause, epoch, first, last, received FROM ledger") == (0, 1, 2, 4, int(MORNING))


def test_a_declared_loss_is_durable_and_in_the_ledger_only_after_the_commit(chain: Chain) -> None:
    lost = (Lost(1, 1, 4, 2),)
    chain.ask()
    assert chain.ask(floor=Place(1, 5), lost=lost).durable == Place(1, 0)
    assert chain.row("SELECT count(*) FROM ledger") == (0,)
    chain.commit()
    assert chain.row("SELECT cause, first, last FROM ledger") == (2, 1, 4)
    assert chain.ask(floor=Place(1, 5), lost=lost).durable == Place(1, 4)
    chain.commit()
    assert chain.row("SELECT count(*) FROM ledger") == (1,)


def test_a_reading_that_comes_after_it_was_given_up_leaves_the_ledger(chain: Chain) -> None:
    chain.ask(sample(1, 5))
    chain.ask(floor=Place(1, 6))
    chain.commit()
    chain.ask(sample(3, 7))
    chain.commit()
    with chain.database.reading() as sql:
        assert sql.execute("SELECT first, last FROM ledger ORDER BY first").fetchall() == [(2, 2), (4, 5)]


def test_an_alarm_is_committed_before_it_is_acknowledged_and_only_once(chain: Chain) -> None:
    alarm = Alarm(1, 1, 1, 9, True, 91)
    assert chain.ask(alarms=(alarm,)).alarms == [(1, 1)]
    assert chain.row("SELECT count(*), max(value) FROM alarm") == (1, 91)
    chain.crash()
    assert chain.ask(alarms=(alarm,)).alarms == [(1, 1)]
    assert chain.row("SELECT count(*), max(value) FROM alarm") == (1, 91)


def test_an_alarm_that_could_not_be_committed_in_time_is_not_acknowledged(chain: Chain) -> None:
    chain.alarms_commit = False
    alarm = Alarm(1, 1, 1, 9, True, None)
    assert chain.ask(alarms=(alarm,)).alarms == []
    chain.commit()
    assert chain.ask(alarms=(alarm,)).alarms == [(1, 1)]


def test_an_alarm_does_not_make_its_own_frame_durable(chain: Chain) -> None:
    answer = chain.ask(sample(1, 5), alarms=(Alarm(1, 1, 1, 9, True, 91),))
    assert (answer.durable, answer.received) == (Place(1, 0), [(1, 1, 1)])


def test_the_time_is_told_only_when_it_is_trusted(chain: Chain, clock: TurnedClock) -> None:
    assert chain.ask().utc == int(MORNING) - EPOCH_2000
    clock.is_trusted = False
    assert chain.ask().utc is None


def test_no_reply_counter_is_used_twice(chain: Chain, node: PlayedNode) -> None:
    seen = set()
    for number in range(1, 300):
        reply = chain.say(node.report(sample(number, number)))
        assert reply is not None
        size = reply[13] - 0x40
        seen.add(int.from_bytes(reply[14 : 14 + size], "big"))
        node.instance = chain.intake.instance if number % 2 else bytes(4)
    assert seen == set(range(1, 300))


def test_a_retired_node_is_unknown_at_once_and_goes_on_where_it_was_when_it_returns(
    chain: Chain, node: PlayedNode
) -> None:
    chain.ask(sample(1, 5))
    chain.intake.set_nodes([])
    assert chain.say(node.report(sample(2, 6))) is None
    met = chain.intake.known(chain.met.identity)
    assert met is chain.met
    chain.intake.set_nodes([met])
    assert isinstance(chain.ask(sample(2, 6)), Answer)


def test_a_frame_that_brings_nothing_new_costs_no_write(chain: Chain) -> None:
    chain.ask(sample(1, 5))
    chain.commit()
    chain.ask(sample(1, 5))
    chain.commit()
    assert chain.row("SELECT count(*) FROM log") == (1,)


def _health(version: int, refused: int = 0, light: int = 0) -> Health:
    return Health(1, 0, 0, 1, 0, 9000, 3, light, version, refused, 0, (0,) * 8)


def test_settings_are_sent_to_a_node_that_is_known_to_live_by_others(chain: Chain, node: PlayedNode) -> None:
    wanted = {1: 600, 7: 11}
    chain.wish(wanted)
    assert chain.ask(sample(1, 5)).settings is None  # nothing is known of it in this instance

    def told(health: Health | None, tick: int) -> Mapping[int, int] | None:
        reply = chain.say(node.report(tick=tick, health=health))
        assert reply is not None
        answer = node.open(reply)
        assert isinstance(answer, Answer)
        return answer.settings

    assert told(_health(version_of({})), 6) == wanted
    assert told(None, 7) == wanted  # until it says that it has them,
    assert told(_health(version_of(wanted)), 8) is None
    assert told(_health(version_of({}), refused=version_of(wanted)), 9) is None  # or will not
    chain.wish({1: 300})
    assert told(None, 10) == {1: 300}


TONIGHT = Plan(36_000, 68_000, 1000, 300, 40_000, 65_000, 40_000, 65_000)


def test_a_light_is_sent_to_a_lamppost_that_is_known_to_live_by_another(
    tmp_path: Path, clock: TurnedClock, node: PlayedNode
) -> None:
    wanted = [Light(7, TONIGHT)]
    asked: list[tuple[bytes, float]] = []

    def light(kid: bytes, utc: float) -> Light:
        asked.append((kid, utc))
        return replace(wanted[0], plan=TONIGHT.since(round(utc - MORNING)))

    lamp = Chain(tmp_path / "lamp.db", clock, node, "lamppost", light)

    def told(health: Health | None, tick: int) -> Light | None:
        clock.now = 1000.0 + tick
        reply = lamp.say(node.report(tick=tick, health=health))
        assert reply is not None
        answer = node.open(reply)
        assert isinstance(answer, Answer)
        return answer.light

    assert lamp.ask(sample(1, 5)).light is None  # nothing is known of it in this instance
    none = version_of({})
    assert told(_health(none), 60) == Light(7, TONIGHT.since(60))  # its times count from the frame answered
    assert asked[-1] == (node.kid, MORNING + 60)
    assert told(None, 90) == Light(7, TONIGHT.since(90))  # until it says that it lives by this one
    assert told(_health(none, light=7), 120) is None
    wanted[0] = Light(8, TONIGHT)
    assert told(None, 150) == Light(8, TONIGHT.since(150))
    clock.is_trusted = False
    assert told(None, 180) is None


def test_settings_wait_for_a_reply_that_has_room() -> None:
    ranges, alarms = [(65535, 2**32 - 1, 2**32 - 1)] * 4, [(65535, 2**32 - 1)] * 8
    wanted = {256 + number: 2**32 - 1 for number in range(16)}
    crowded = Answer(Place(65535, 2**32 - 1), ranges, alarms, 2**32 - 1, wanted).to_bytes()
    assert read_reply(crowded) == Answer(Place(65535, 2**32 - 1), ranges, alarms, 2**32 - 1)
    keys = frame.reply_keys(bytes(32), bytes(4))
    for some in range(1, 9):
        plain = Answer(Place(65535, 2**32 - 1), ranges[:2], alarms[:some], 2**32 - 1, wanted).to_bytes()
        assert len(frame.seal_reply(keys, bytes(4), bytes(4), 2**40 - 1, 1, plain)) <= frame.LONGEST
