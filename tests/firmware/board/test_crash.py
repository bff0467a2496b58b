"""The last traceback stands in the same cells as the frame counter."""

from nor import Nor

from node import crash, flash
from node.life import Life
from node.memory import HEALTH, TRACE, Memory


def failure():
    return RuntimeError("a bad release")


def test_a_traceback_is_kept_and_the_same_again_costs_no_write():
    device = Nor(4)
    life = Life(device)
    life.begin()
    crash.keep(failure(), life, Memory())
    assert b"RuntimeError: a bad release" in Life(device).crash()
    programs = device.programs
    crash.keep(failure(), life, Memory())
    assert device.programs == programs


def test_who_holds_the_life_writes_on_behind_it():
    device = Nor(4)
    life = Life(device)
    life.begin()
    life.cold_boot()
    crash.keep(failure(), life, Memory())
    reserved = life.reserve()
    again = Life(device)
    assert again.reserved == reserved
    assert not again._cells.torn
    assert flash.is_blank(device, 3, 0) or flash.is_blank(device, 2, 0)


def test_a_long_traceback_keeps_its_end_within_a_report():
    device = Nor(4)
    life = Life(device)
    life.begin()
    remembered = Memory()
    remembered.untold = 0
    crash.keep(RuntimeError("x" * 300 + " the end"), life, remembered)
    assert len(life.crash()) == 150 and life.crash().endswith(b" the end")
    assert life.crash().startswith(b"0.1.0 starting: ")
    assert remembered.untold == HEALTH | TRACE and remembered.crashes == 1
