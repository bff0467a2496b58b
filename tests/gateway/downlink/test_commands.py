"""What the city wants of a node: accepted on disk, done once or not at all, never late, and every step told."""

from pathlib import Path
from typing import Any

import pytest

from gateway_rig import MORNING
from stoep.store import commands as rows
from stoep.store.command import Result
from stoep.uplink.dialects.native import timestamp
from stoep.wire.replies import version_of
from town import BASE, Town, health


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


# -- from accepted to applied ------------------------------------------------------------------------------------------


def test_a_command_is_accepted_sent_applied_and_reported(town: Town) -> None:
    town.report(health())
    town.wants(interval=600)
    assert town.told() == [
        {
            "site": "grote-markt",
            "node": "bin-1",
            "kid": "c0ffee01",
            "id": "a",
            "result": "accepted",
            "reason": None,
            "settings": f"{version_of({1: 600, 3: 1500}):08x}",
            "time": timestamp(town.clock.utc()),
        }
    ]
    assert town.report().settings == {1: 600, 3: 1500}
    assert town.hears() == []
    assert town.report(health({1: 600, 3: 1500})).settings is None
    assert town.hears() == [("a", "applied")]
    assert town.report().settings is None
    assert town.audit() == ["accepted", "sent", "applied"]


def test_what_a_node_does_already_is_applied_and_sent_to_nobody(town: Town) -> None:
    town.report(health())
    town.wants(interval=900)
    assert town.hears() == [("a", "accepted"), ("a", "applied")]
    assert town.report().settings is None


def test_null_goes_back_to_the_registry_and_what_lies_over_it_survives_a_restart(town: Town) -> None:
    town.report(health())
    town.wants("a", interval=600, full_mm=150)
    town.report()
    town.report(health({1: 600, 3: 1500, 4: 150}))
    town.hears()
    town.restart()
    town.report(health({1: 600, 3: 1500, 4: 150}))
    town.wants("b", interval=None)
    assert town.report().settings == {1: 900, 3: 1500, 4: 150}
    town.report(health({1: 900, 3: 1500, 4: 150}))
    town.wants("c", full_mm=None, interval=None)
    assert town.report().settings == BASE


def test_the_operators_other_settings_go_on_below_the_citys(town: Town) -> None:
    town.report(health())
    town.wants(interval=600)
    town.report()
    town.report(health({1: 600, 3: 1500}))
    town.hears()
    town.chain.wish({1: 1200, 3: 1400})
    assert town.report().settings == {1: 600, 3: 1400}


def test_settings_that_nobody_here_knows_are_not_overwritten(tmp_path: Path) -> None:
    """A node lives by what a technician measured, and nodes.toml does not say so: a whole map would take it away."""
    town = Town(tmp_path, settings={})
    town.report(health({3: 1700}))
    town.wants(interval=600)
    assert town.report().settings is None
    told = town.told()
    assert [one["result"] for one in told] == ["accepted", "refused"]
    assert "nodes.toml" in told[1]["reason"]


def test_a_node_that_lives_by_the_defaults_can_be_set_and_given_back(tmp_path: Path) -> None:
    town = Town(tmp_path, settings={})
    town.report(health({}))
    town.wants("a", interval=600)
    assert town.report().settings == {1: 600}
    town.report(health({1: 600}))
    town.wants("b", interval=None)
    assert town.report().settings == {1: 900}  # which is no setting at all, as it can travel
    town.report(health({1: 900}))
    assert town.hears() == [("a", "accepted"), ("a", "applied"), ("b", "accepted"), ("b", "applied")]
    assert town.report(health({})).settings is None


# -- a stale command never fires ---------------------------------------------------------------------------------------


def test_a_command_that_had_expired_when_it_came_is_not_accepted(town: Town) -> None:
    town.report(health())
    for seconds in (0, -1, -90_000):
        town.wants(f"late{-seconds}", seconds, interval=600)
    assert {result for _, result in town.hears()} == {"expired"}
    assert town.report().settings is None


def test_a_command_that_expired_while_it_waited_goes_into_no_reply(town: Town) -> None:
    town.report(health())
    town.wants(expires=600, interval=600)
    assert town.report(after=601).settings is None  # nobody has looked since
    assert town.hears() == [("a", "accepted"), ("a", "expired")]
    assert town.report().settings is None


def test_a_command_that_expired_while_the_gateway_was_off_goes_into_no_reply(town: Town) -> None:
    town.report(health())
    town.wants(expires=600, interval=600)
    town.hears()
    town.clock.now += 601
    town.restart()
    assert town.report(health(), after=1).settings is None
    assert town.hears() == [("a", "expired")]


def test_an_untrusted_clock_refuses_and_lets_nothing_fire(town: Town) -> None:
    town.report(health())
    town.wants("a", 600, interval=600)
    town.hears()
    town.clock.is_trusted = False
    town.restart()
    assert town.report(health()).settings is None
    town.wants("b", interval=700)
    (told,) = town.told()
    assert (told["result"], told["time"]) == ("refused", None)
    assert told["reason"].startswith("clock not trusted")
    town.clock.is_trusted = True
    assert town.report().settings == {1: 600, 3: 1500}  # it knows the time again, and a is still wanted


def test_done_in_time_and_told_too_late_counts_and_is_not_undone(town: Town) -> None:
    town.report(health())
    town.wants(expires=600, interval=600)
    assert town.report(after=599).settings == {1: 600, 3: 1500}
    assert town.report(health({1: 600, 3: 1500}), after=900).settings is None
    assert town.hears() == [("a", "accepted"), ("a", "applied")]


def test_sent_in_time_and_not_heard_is_expired_and_not_sent_again(town: Town) -> None:
    town.report(health())
    town.wants(expires=600, interval=600)
    assert town.report(after=599).settings is not None
    town.clock.now += 30
    assert town.hears() == [("a", "accepted")]  # only the node can tell
    assert town.report(after=900).settings is None
    assert town.hears() == [("a", "expired")]


def test_sent_and_never_heard_of_again_is_expired_after_a_day(town: Town) -> None:
    town.report(health())
    town.wants(expires=600, interval=600)
    town.report()
    town.clock.now += 80_000
    assert town.hears() == [("a", "accepted")]
    town.clock.now += 8_000
    assert town.hears() == [("a", "expired")]


def test_a_node_that_did_it_after_all_is_given_its_settings_back(town: Town) -> None:
    town.report(health())
    town.wants(expires=600, interval=600)
    town.report()
    town.clock.now += 90_000
    town.hears()
    assert town.report(health({1: 600, 3: 1500})).settings == BASE


def test_a_retained_command_is_refused_and_so_is_its_copy_of_one_that_was_done(town: Town) -> None:
    town.report(health())
    town.wants("a", retained=True, interval=600)
    (told,) = town.told()
    assert told["result"] == "refused"
    assert "retain" in told["reason"]
    town.wants("b", interval=600)
    town.wants("b", interval=600, retained=True)  # as every new connection brings it
    assert town.hears() == [("b", "accepted")]
    town.says(b"", retained=False)  # how it is taken away
    assert town.hears() == []


# -- once --------------------------------------------------------------------------------------------------------------


def test_a_repeat_hears_the_same_again_and_is_not_done_again(town: Town) -> None:
    town.report(health())
    town.wants("a", interval=600)
    assert town.hears() == [("a", "accepted")]
    town.wants("a", interval=600)
    assert town.hears() == [("a", "accepted")]
    town.report()
    town.report(health({1: 600, 3: 1500}))
    town.hears()
    town.wants("b", interval=None)
    town.report()
    town.report(health())
    town.hears()
    town.wants("a", expires=timestamp(MORNING + 3660), interval=600)  # byte for byte as the first
    assert town.hears() == [("a", "applied")]
    assert town.report().settings is None


def test_an_id_names_one_command_of_a_node(town: Town) -> None:
    town.report(health())
    town.wants("a", interval=600)
    town.wants("a", interval=700)
    told = town.told()
    assert [one["result"] for one in told] == ["accepted", "refused"]
    assert "another command had this id" in told[1]["reason"]
    assert town.report().settings == {1: 600, 3: 1500}


def test_a_later_set_takes_the_place_of_one_not_done_yet(town: Town) -> None:
    town.report(health())
    town.wants("a", interval=600)
    town.wants("b", full_mm=150)
    told = {(one["id"], one["result"]): one["reason"] for one in town.told()}
    assert told == {("a", "accepted"): None, ("b", "accepted"): None, ("a", "superseded"): "by b"}
    assert town.report().settings == {**BASE, 4: 150}


def test_a_word_from_before_the_command_before_does_not_count(town: Town) -> None:
    """Sent 600, then wished 900 again before the node has said that it lives by 600: not applied by its old word."""
    town.report(health())
    town.wants("a", interval=600)
    town.report()
    town.wants("b", interval=900)
    assert town.hears() == [("a", "accepted"), ("b", "accepted"), ("a", "superseded")]
    assert town.report(health({1: 600, 3: 1500}), after=1).settings == BASE
    assert town.hears() == []
    town.report(health(), after=1)
    assert town.hears() == [("b", "applied")]


def test_the_nodes_own_refusal_is_told_and_it_is_not_asked_again(town: Town) -> None:
    town.report(health())
    town.wants(radio_channel=13)
    town.report()
    assert town.report(health(refused={**BASE, 7: 13})).settings is None
    told = town.told()
    assert told[-1]["result"] == "refused"
    assert told[-1]["reason"] == "the node refused it: nobody answered under them"
    assert town.report().settings is None
    town.wants("b", full_mm=150)
    assert town.report().settings == {**BASE, 4: 150}  # and the refused one is no part of what follows


def test_a_retired_node_is_told_nothing_any_more(town: Town) -> None:
    town.wants(interval=600)
    town.hears()
    town.chain.commands.set_nodes([])
    assert town.hears() == [("a", "refused")]
    town.wants("b", interval=600)
    (told,) = town.told()
    assert told["reason"] == "no node of this site is called bin-1"


@pytest.mark.parametrize("killed_after", ["accepted", "sent", "heard"])
def test_killed_at_any_step_a_command_is_neither_lost_nor_done_twice(town: Town, killed_after: str) -> None:
    town.report(health())
    town.wants(interval=600)
    told = []
    if killed_after == "accepted":
        town.restart()
        town.report(health(), after=1)
    assert town.report().settings == {1: 600, 3: 1500}
    if killed_after == "sent":
        town.restart()  # before anybody wrote down that it was sent
    town.report(health({1: 600, 3: 1500}))
    if killed_after == "heard":
        town.restart()
        town.report(health({1: 600, 3: 1500}), after=1)
    told += town.hears()
    town.restart()
    told += town.hears()
    assert told == [("a", "accepted"), ("a", "applied")]
    assert town.report(health({1: 600, 3: 1500})).settings is None


def test_accepted_is_on_disk_before_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town(tmp_path)
    town.report(health())
    monkeypatch.setattr(rows, "add", _dies)
    with pytest.raises(ZeroDivisionError):
        town.wants(interval=600)
    assert town.hears() == []
    monkeypatch.undo()
    town.wants(interval=600)
    assert town.hears() == [("a", "accepted")]


def _dies(*_: Any) -> Any:
    raise ZeroDivisionError


# -- the audit ---------------------------------------------------------------------------------------------------------


def test_rows_are_kept_for_a_year_and_a_flood_of_them_is_bounded(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.report(health())
    town.wants("old", interval=600)
    town.report()
    town.report(health({1: 600, 3: 1500}))
    town.clock.now += 390 * 86_400
    town.says(b"{")
    town.chain.commands.turn()
    rows.prune(town.chain.database, int(town.clock.utc()))
    assert town.chain.row("SELECT count(*) FROM command") == (2,)
    town.clock.now += 20 * 86_400
    rows.prune(town.chain.database, int(town.clock.utc()))
    assert town.chain.row("SELECT count(*) FROM command") == (1,)
    monkeypatch.setattr(rows, "MOST", 50)
    town.wants("alive", interval=700)
    for number in range(100):
        town.wants(f"n{number}", topic="stoep/1/grote-markt/nobody/set", interval=600)
    rows.prune(town.chain.database, int(town.clock.utc()))
    assert town.chain.row("SELECT count(*) FROM command") == (51,)
    assert town.chain.row("SELECT count(*) FROM command WHERE id = 'alive'") == (1,)  # still to be done


def test_each_result_is_one_step_of_its_row(town: Town) -> None:
    town.report(health())
    town.wants(interval=600)
    town.report()
    town.report(health({1: 600, 3: 1500}))
    town.hears()
    with town.chain.database.reading() as sql:
        (row,) = rows.newest(sql, "bin-1", 9)
        assert rows.newest(sql, "bin-2", 9) == []
    assert (row.id, row.result, row.received) == ("a", Result.APPLIED, int(MORNING) + 60)
    assert [step.at for step in row.steps] == [int(MORNING) + 60, int(MORNING) + 180, int(MORNING) + 180]
