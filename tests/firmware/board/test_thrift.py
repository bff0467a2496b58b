"""A battery that runs down, and one that recovers."""

from node import thrift
from node.generated import catalogue as its
from node.memory import Memory
from node.recall import unpack

LOW = 3300


def stages(millivolts):
    """The stage after each voltage."""
    found, now = [], 0
    for one in millivolts:
        now = thrift.stage(now, one, LOW)
        found.append(now)
    return found


def test_a_battery_that_runs_down_goes_through_every_stage():
    assert stages(range(3500, 2900, -50)) == [0, 0, 0, 0, 0, 1, 2, 2, 3, 3, 3, 3]


def test_one_that_recovers_leaves_them_a_step_later():
    assert stages((3000, 3090, 3110, 3199, 3210, 3299, 3310, 3399, 3400)) == [3, 3, 3, 3, 2, 2, 1, 1, 0]


def test_around_a_bound_it_does_not_flutter():
    assert stages([3301, 3299] * 10) == [0] + [1] * 19


def test_mains_has_no_stages():
    assert thrift.stage(0, 500, 0) == 0


def test_intervals_grow():
    memory = Memory()
    assert thrift.interval(memory, 900) == 900
    memory.thrift = 1
    assert thrift.interval(memory, 900) == 1800
    memory.thrift = 2
    assert thrift.interval(memory, 900) == 3600
    assert thrift.interval(memory, 80000) == 86400
    memory.thrift = 3
    assert thrift.interval(memory, 900) == 6 * 3600
    assert unpack(memory.pack()).thrift == 3


def test_it_is_said_once_and_taken_back_once():
    memory = Memory()

    def told(millivolts):
        found = thrift.alarms(memory, {its.BATTERY_VOLTAGE: millivolts}, LOW)
        for code, _, _, _ in found:
            memory.raised ^= 1 << code
        return [alarm[:2] for alarm in found]

    assert told(3600) == []
    assert told(3250) == [(its.ALARM_BATTERY_LOW, 1)]
    assert told(3250) == []
    assert thrift.alarms(memory, {}, LOW) == []
    assert told(3050) == [(its.ALARM_BATTERY_EMPTY, 1)]
    assert told(3210) == [(its.ALARM_BATTERY_EMPTY, 0)]
    assert told(3500) == [(its.ALARM_BATTERY_LOW, 0)]
