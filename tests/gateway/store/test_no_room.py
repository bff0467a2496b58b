"""No room on the disk: no thread dies of it, nothing counts as written, and all of it is done later."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway_chain import Chain
from gateway_rig import City, PlayedNode, TurnedClock, eventually, mosquitto, sample
from no_room import NoRoom
from rotating import OLD_DAYS, Rotating
from stoep.errors import StoreFullError
from stoep.service import members
from stoep.store.windows import SECONDS
from stoep.uplink import connection
from stoep.wire.messages import Place
from town import Town, health
from uplink_rig import SET, needs_mosquitto, running

DAY = 86_400


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


# -- the city's commands -----------------------------------------------------------------------------------------------


def test_a_command_without_room_is_not_accepted_and_is_when_it_is_handed_over_again(town: Town) -> None:
    town.report(health())
    disk = NoRoom(town.chain.database)
    for _ in range(3):
        with pytest.raises(StoreFullError):
            town.wants("a", interval=600)
    assert town.report().settings is None
    counters = town.chain.counters
    assert (counters["commands"], counters["commands_accepted"]) == (0, 0)
    disk.free()
    assert town.hears() == []
    town.wants("a", interval=600)
    assert town.hears() == [("a", "accepted")]
    assert town.report().settings == {1: 600, 3: 1500}
    assert (counters["commands"], counters["commands_accepted"]) == (1, 1)


def test_refusals_and_repeats_without_room_are_said_later_too(town: Town) -> None:
    town.report(health())
    town.wants("a", interval=600)
    town.hears()
    disk = NoRoom(town.chain.database)
    for one in ("a", "b"):
        with pytest.raises(StoreFullError):
            town.wants(one, 3600 if one == "a" else -1, interval=600)
    disk.free()
    assert town.hears() == []


def test_what_a_node_did_while_there_was_no_room_is_written_down_when_there_is(town: Town) -> None:
    town.report(health())
    town.wants(interval=600)
    town.hears()
    disk = NoRoom(town.chain.database)
    assert town.report().settings == {1: 600, 3: 1500}
    town.chain.commands.turn()
    town.report(health({1: 600, 3: 1500}))
    town.chain.commands.turn()
    assert town.audit() == ["accepted"]
    disk.free()
    assert town.hears() == [("a", "applied")]
    assert town.audit() == ["accepted", "sent", "applied"]
    assert town.hears() == []


def test_without_room_what_has_expired_goes_into_no_reply(town: Town) -> None:
    town.report(health())
    town.wants(expires=600, interval=600)
    town.hears()
    disk = NoRoom(town.chain.database)
    assert town.report(after=601).settings is None
    town.chain.commands.turn()
    disk.free()
    assert town.hears() == [("a", "expired")]


def test_a_node_that_is_retired_while_there_is_no_room_is_told_nothing_and_the_city_later(town: Town) -> None:
    town.report(health())
    town.wants(interval=600)
    town.hears()
    disk = NoRoom(town.chain.database)
    town.chain.commands.set_nodes([])
    assert town.report().settings is None
    disk.free()
    assert town.hears() == [("a", "refused")]


class Taking:
    """The city's messages, each refused so often for want of room."""

    def __init__(self, full: bool) -> None:
        self.full = full
        self.tries = 0
        self.taken: list[int] = []

    def __call__(self, _topic: str, payload: bytes, _retained: bool) -> None:
        self.tries += 1
        if self.full:
            raise StoreFullError("no room")
        self.taken.append(json.loads(payload))


@needs_mosquitto
def test_the_broker_is_not_told_of_a_command_before_there_was_room_for_it(
    tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither lost nor out of order, and what goes to the city goes on meanwhile."""
    monkeypatch.setattr(connection, "_AGAIN_SECONDS", 0.05)
    topic = SET.replace("+", "bin-1")
    with mosquitto(free_port, tmp_path, "allow_anonymous true"):
        city = City(free_port)
        taking = Taking(full=True)
        with running(tmp_path, free_port, listen=taking) as runs:
            eventually(lambda: runs.publisher.connected)
            for number in range(3):
                city.publish(topic, b"%d" % number)
            eventually(lambda: taking.tries >= 3)
            runs.put(7)
            eventually(lambda: len(runs.outbox) == 0)
        assert taking.taken == []
        with running(tmp_path, free_port, listen=taking):
            before = taking.tries
            eventually(lambda: taking.tries >= before + 3)
            taking.full = False
            eventually(lambda: taking.taken == [0, 1, 2])
        with running(tmp_path, free_port, listen=taking):
            city.publish(topic, b"3")
            eventually(lambda: taking.taken == [0, 1, 2, 3])
        city.close()


# -- secrets and nodes -------------------------------------------------------------------------------------------------


@pytest.fixture
def rotating(rotating: Rotating, monkeypatch: pytest.MonkeyPatch) -> Rotating:
    """Tries again at once."""
    monkeypatch.setattr(members, "_AGAIN_SECONDS", 0.0)
    return rotating


def test_without_room_the_old_secret_dies_all_the_same_and_is_dead_on_disk_later(
    rotating: Rotating, old: PlayedNode, new: PlayedNode
) -> None:
    assert rotating.hears(old, 1, 5) is not None
    disk = NoRoom(rotating.database)
    assert rotating.hears(new, 1, 6) is not None
    rotating.settle()
    rotating.members.apply([rotating.entry])
    assert rotating.hears(old, 2, 7) is None
    assert rotating.members.rotations() == []
    assert rotating.row("SELECT max(dead) FROM superseded") == (0,)
    disk.free()
    rotating.settle()
    rotating.crash()
    assert rotating.hears(old, 3, 8) is None


def test_without_room_an_old_secret_dies_of_age_too(rotating: Rotating, old: PlayedNode) -> None:
    disk = NoRoom(rotating.database)
    rotating.clock.now += (OLD_DAYS + 1) * DAY
    rotating.settle()
    assert rotating.hears(old, 1, 7) is None
    disk.free()
    rotating.settle()
    assert rotating.row("SELECT dead FROM superseded") == (1,)


def test_a_new_secret_waits_for_room_while_retired_ones_go_at_once(
    rotating: Rotating, old: PlayedNode, new: PlayedNode
) -> None:
    third = PlayedNode()
    disk = NoRoom(rotating.database)
    rotating.members.apply([replace(rotating.entry, secret=third.secret, old=None)])
    assert rotating.members.problem is not None
    assert "no room in the store to take in bin-1" in rotating.members.problem
    assert [rotating.hears(node, 1, 5) for node in (old, new, third)] == [None, None, None]
    rotating.settle()
    disk.free()
    rotating.settle()
    assert rotating.members.problem is None
    assert rotating.hears(third, 2, 6) is not None


def test_a_secret_that_is_being_replaced_stays_in_force_until_there_is_room_for_the_next(
    rotating: Rotating, old: PlayedNode
) -> None:
    third = PlayedNode()
    rotating.members.apply([replace(rotating.entry, secret=old.secret, old=None)])
    disk = NoRoom(rotating.database)
    rotating.members.apply([replace(rotating.entry, secret=third.secret, old=old.secret)])
    assert rotating.hears(old, 1, 5) is not None
    disk.free()
    rotating.settle()
    assert rotating.hears(third, 1, 6) is not None
    assert rotating.hears(old, 2, 7) is None


# -- the survey --------------------------------------------------------------------------------------------------------


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    return Chain(tmp_path / "stoep.db", clock, node)


def test_the_survey_goes_on_without_room_and_writes_all_of_it_later(chain: Chain) -> None:
    chain.ask(tick=0)
    chain.clock.now += 30
    chain.ask(sample(1, 20), tick=30, back=1)
    chain.commit()
    chain.clock.now += 2 * SECONDS
    chain.ask(sample(1, 20), sample(2, 40), tick=2 * SECONDS + 30, back=1, floor=Place(1, 1))
    chain.commit()
    chain.turn()
    watch = chain.watch()
    disk = NoRoom(chain.database)
    chain.clock.now += DAY
    watch.turn()
    assert watch.conditions[chain.node.kid].heard is not None
    chain.database.relieved()  # or the intake would take nothing
    chain.ask(sample(1, 20), tick=DAY, floor=Place(1, 1))
    watch.turn()
    assert chain.row("SELECT count(*) FROM receipt") == (0,)
    disk.free()
    watch.turn()
    assert chain.row("SELECT sum(again) FROM day_tally") == (2,)
    assert chain.row("SELECT count(*) FROM battery") == (1,)
    assert chain.row("SELECT count(*) FROM receipt") == (1,), "at once, not in an hour"
    watch.turn()
    assert chain.row("SELECT sum(again) FROM day_tally") == (2,)
