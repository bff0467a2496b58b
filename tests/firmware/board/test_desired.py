"""Settings come whole or not at all, and go back when nobody answers under them."""

from nor import Nor

from node import cbor, desired, settings
from node.life import Life
from node.memory import HEALTH, Memory

INTERVAL, EMPTY, FULL, CHANNEL = 1, 3, 4, 7


def board():
    device = Nor(4)
    life = Life(device)
    life.begin()
    life.keep_settings(cbor.encode({INTERVAL: 600}))
    memory = Memory()
    memory.untold = 0
    return device, life, memory


def test_settings_are_taken_whole_and_told():
    device, life, memory = board()
    wanted = {EMPTY: 1400, FULL: 300}
    desired.take(life, memory, wanted)
    assert settings.kept(Life(device)) == wanted  # what is left out is the default again
    assert settings.load(life).interval == 900
    assert memory.untold == HEALTH and memory.refused == 0


def test_the_same_again_costs_no_write_and_is_no_news():
    device, life, memory = board()
    programs = device.programs
    desired.take(life, memory, {INTERVAL: 600})
    assert device.programs == programs and memory.untold == 0


def test_one_bad_setting_refuses_all_and_is_named():
    for wanted, flaw in (
        ({INTERVAL: 4, EMPTY: 1400}, INTERVAL),
        ({INTERVAL: 300, CHANNEL: 14}, CHANNEL),
        ({INTERVAL: 300, 99: 1}, 99),
        ({0: 1}, 0xFFFFFFFF),
        ({EMPTY: 500, FULL: 500}, FULL),
        ({EMPTY: 150}, FULL),  # less than the default of full_mm
    ):
        device, life, memory = board()
        desired.take(life, memory, wanted)
        assert settings.kept(Life(device)) == {INTERVAL: 600}
        assert (memory.flaw, memory.refused) == (flaw, desired.fingerprint(cbor.encode(wanted)))
        assert memory.untold == HEALTH


def test_what_can_cut_a_node_off_is_on_probation_until_somebody_answers():
    device, life, memory = board()
    memory.unanswered = 30  # of before
    desired.take(life, memory, {INTERVAL: 600, CHANNEL: 11})
    assert life.good() and memory.unanswered == 0
    desired.unanswered(life, memory)
    assert settings.load(life).radio_channel == 11  # not yet given up
    desired.answered(life)
    assert not Life(device).good()
    memory.unanswered = 30
    desired.unanswered(life, memory)
    assert settings.load(Life(device)).radio_channel == 11


def test_the_last_good_settings_return_when_nobody_answers():
    device, life, memory = board()
    wanted = {INTERVAL: 600, CHANNEL: 11}
    desired.take(life, memory, wanted)
    memory.untold = 0
    memory.unanswered = 20
    again = Life(device)  # whatever happened in between
    desired.unanswered(again, memory)
    assert settings.kept(Life(device)) == {INTERVAL: 600} and not Life(device).good()
    assert (memory.refused, memory.flaw) == (desired.fingerprint(cbor.encode(wanted)), 0)
    assert memory.untold == HEALTH


def test_a_power_cut_between_the_two_writes_leaves_the_old_ones():
    device, life, memory = board()
    life.keep_good(life.settings())  # and then the power went
    memory.unanswered = 20
    desired.unanswered(life, memory)
    assert settings.kept(Life(device)) == {INTERVAL: 600} and not life.good()
    assert memory.refused == memory.untold == 0


def test_what_measures_is_not_on_probation():
    _, life, memory = board()
    desired.take(life, memory, {INTERVAL: 600, EMPTY: 1400})
    assert not life.good()
