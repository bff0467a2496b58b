"""Two secrets of one node: the old one is in force until the new one is heard, and dead from then on."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway_rig import MORNING, PlayedNode, PtyBridge, TurnedClock, eventually, sample, write_clock
from gateway_service import Running, ask
from rotating import DAY, OLD_DAYS, Rotating
from stoep.wire.messages import Place
from stoep.wire.replies import Challenge


def test_the_old_secret_is_in_force_until_the_new_one_is_heard(rotating: Rotating, old: PlayedNode) -> None:
    for seq in range(1, 4):
        answer = rotating.hears(old, seq, seq)  # the reply is opened with the secret the uplink used
        assert answer is not None
        assert answer.received == [(1, 1, seq)]
    rotating.settle()
    assert rotating.hears(old, 4, 4) is not None


def test_the_first_frame_under_the_new_secret_ends_the_old_one(
    rotating: Rotating, old: PlayedNode, new: PlayedNode
) -> None:
    assert rotating.hears(old, 1, 5) is not None
    answer = rotating.hears(new, 1, 6)
    assert answer is not None
    assert (answer.durable, answer.received) == (Place(1, 0), [(1, 1, 1)])  # a life of its own
    assert rotating.hears(old, 2, 7) is None
    rotating.settle()
    assert rotating.hears(old, 3, 8) is None
    assert (rotating.counters["forged"], rotating.counters["failed"]) == (2, 0)
    assert rotating.hears(new, 2, 9) is not None


def test_a_frame_that_is_only_challenged_ends_the_old_secret_too(
    rotating: Rotating, old: PlayedNode, new: PlayedNode
) -> None:
    reply = rotating.say(new.report())
    assert reply is not None
    assert new.open(reply) == Challenge()
    assert rotating.hears(old, 1, 5) is None


def test_no_restart_revives_a_secret_that_died(rotating: Rotating, old: PlayedNode, new: PlayedNode) -> None:
    rotating.hears(new, 1, 5)
    rotating.settle()
    rotating.crash()
    assert rotating.hears(old, 1, 5) is None
    assert rotating.hears(new, 2, 6) is not None


def test_a_registry_read_again_at_once_revives_nothing(rotating: Rotating, old: PlayedNode, new: PlayedNode) -> None:
    rotating.hears(new, 1, 5)
    rotating.members.apply([rotating.entry])
    assert rotating.hears(old, 1, 5) is None


def test_the_intake_alone_revives_nothing(rotating: Rotating, old: PlayedNode, new: PlayedNode) -> None:
    before, coming = rotating.intake._nodes[old.kid], rotating.intake._coming[old.kid]
    rotating.hears(new, 1, 5)
    rotating.intake.set_nodes([before], [coming])  # put together just before that frame came
    assert rotating.hears(old, 1, 5) is None


def test_an_old_secret_dies_of_age_and_the_node_that_still_uses_it_is_named(
    rotating: Rotating, old: PlayedNode, new: PlayedNode, clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    assert rotating.members.rotations() == [
        {"node": "bin-1", "since": "2026-06-01T06:00:00Z", "old_secret_dies": "2026-06-15T06:00:00Z"}
    ]
    clock.now += OLD_DAYS * DAY - 1
    rotating.settle()
    assert rotating.hears(old, 1, 5) is not None
    clock.now += 1
    rotating.settle()
    assert rotating.hears(old, 2, 6) is None
    assert "bin-1 never used its new secret" in caplog.text
    assert rotating.members.rotations() == []
    clock.is_trusted = False
    rotating.crash()
    assert rotating.hears(old, 3, 7) is None
    assert rotating.hears(new, 1, 5) is not None


def test_its_days_count_from_when_the_clock_could_be_trusted(
    tmp_path: Path, clock: TurnedClock, old: PlayedNode, new: PlayedNode
) -> None:
    clock.is_trusted = False
    clock.utc_offset -= 10 * 365 * DAY
    rotating = Rotating(tmp_path / "stoep.db", clock, old, new)
    rotating.settle()
    assert rotating.members.rotations()[0]["since"] is None
    clock.is_trusted = True
    clock.utc_offset += 20 * 365 * DAY  # wrong, and believed
    rotating.settle()
    clock.utc_offset = MORNING - 1000.0  # and set right
    rotating.settle()
    assert rotating.members.rotations()[0]["since"] == "2026-06-01T06:00:00Z"
    assert rotating.hears(old, 1, 5) is not None


def test_each_secret_has_its_own_replay_window(rotating: Rotating, old: PlayedNode, new: PlayedNode) -> None:
    rotating.hears(old, 1, 5)
    said = [old.report(sample(seq, seq)) for seq in range(2, 30)]
    assert all(rotating.say(frame) for frame in said)
    assert not any(rotating.say(frame) for frame in said)
    assert rotating.counters["replayed"] + rotating.counters["echoes"] == len(said)
    old.counter = new.counter = 600
    assert rotating.hears(old, 40, 40) is not None
    assert rotating.hears(new, 1, 41) is not None  # the same counters, another secret
    assert not any(rotating.say(frame) for frame in said)
    assert rotating.counters["failed"] == 0


def test_what_came_under_both_secrets_is_one_window(
    rotating: Rotating, old: PlayedNode, new: PlayedNode, clock: TurnedClock
) -> None:
    def report(node: PlayedNode, tick: int, back: int | None = None) -> None:
        reply = rotating.say(node.report(sample(tick, tick), back=back))
        assert reply is not None
        node.open(reply)

    for node in (old, new):
        report(node, 10)
        clock.now += 1
        report(node, 11)
        clock.now += 1
        report(node, 12, back=1)
    rotating.commit()
    clock.now += 1000
    rotating.turn()
    (window,) = rotating.windows()
    assert (window["node"], window["channels"]["temperature"]["count"]) == ("bin-1", 4)


def test_a_dead_secret_that_is_the_only_one_is_not_believed_and_is_named(
    rotating: Rotating, old: PlayedNode, new: PlayedNode
) -> None:
    rotating.hears(new, 1, 5)
    rotating.settle()
    rotating.members.apply([replace(rotating.entry, secret=old.secret, old=None)])
    assert rotating.hears(old, 1, 5) is None
    assert rotating.hears(new, 2, 6) is None
    assert rotating.counters["unknown"] == 2
    assert rotating.members.problem is not None
    assert "the secret of bin-1 is dead" in rotating.members.problem
    rotating.members.apply([rotating.entry])
    assert rotating.members.problem is None
    assert rotating.hears(new, 3, 7) is not None


def test_a_rotation_that_is_called_off_leaves_the_old_secret_as_it_was(
    rotating: Rotating, old: PlayedNode, clock: TurnedClock
) -> None:
    rotating.hears(old, 1, 5)
    rotating.members.apply([replace(rotating.entry, secret=old.secret, old=None)])
    clock.now += 2 * OLD_DAYS * DAY
    rotating.settle()
    answer = rotating.hears(old, 2, 6)
    assert answer is not None
    assert answer.received == [(1, 1, 2)]
    rotating.members.apply([rotating.entry])  # and begun again: its days count anew
    rotating.settle()
    assert rotating.hears(old, 3, 7) is not None


@pytest.mark.parametrize("again", [True, False])
def test_a_retired_node_gets_nothing_under_either_secret(
    again: bool, rotating: Rotating, old: PlayedNode, new: PlayedNode
) -> None:
    if again:
        rotating.hears(new, 1, 5)
    rotating.members.apply([])
    assert rotating.hears(old, 2, 6) is None
    assert rotating.hears(new, 3, 7) is None
    assert rotating.counters["unknown"] == 2
    assert rotating.members.rotations() == []


@pytest.mark.slow
def test_the_running_service_writes_down_which_secret_died_and_starts_again_without_it(
    site: Callable[..., Path], bridge: PtyBridge, old: PlayedNode, new: PlayedNode, tmp_path: Path
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    config = site(port=bridge.port, broker=1)
    secrets = f'[secrets]\n{new.kid.hex()} = ["{new.secret.hex()}", "{old.secret.hex()}"]\n'
    (tmp_path / "secrets.toml").write_text(secrets)

    def died() -> bool:
        with closing(sqlite3.connect(tmp_path / "stoep.db")) as store:
            return store.execute("SELECT dead FROM superseded").fetchall() == [(1,)]

    running = Running(config)
    try:
        bridge.filters.get(timeout=5)
        assert isinstance(ask(bridge, old, old.report()), Challenge)
        assert running.service._more()["rotations"][0]["node"] == "bin-1"
        assert isinstance(ask(bridge, new, new.report()), Challenge)
        eventually(died)
        assert "rotations" not in running.service._more()
    finally:
        running.stop()
    running = Running(config)
    try:
        bridge.filters.get(timeout=5)
        bridge.hear(old.report())
        assert isinstance(ask(bridge, new, new.report()), Challenge)  # the first reply there is
        assert running.service._counters["forged"] == 1
    finally:
        running.stop()
