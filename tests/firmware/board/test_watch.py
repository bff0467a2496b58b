"""Movements between two samples: counted once, deaf for a while, capped, and the plan is kept."""

from node import health, moves, watch
from node.generated import catalogue as its
from node.memory import Memory
from node.recall import unpack
from node.sensors.pir import PIR


def watching(next_wake=900):
    memory = Memory()
    memory.watched = 33
    memory.next_wake = next_wake
    return memory


def test_nothing_moved_and_all_of_the_interval_is_left():
    assert watch.rest(watching(), 0, 0) == (900, True)
    assert watch.rest(watching(), 0, 880) == (20, True)


def test_a_node_that_watches_nothing_only_sleeps():
    memory = watching()
    memory.watched = 0
    assert watch.rest(memory, 1, 100) == (800, False)


def test_after_a_movement_the_node_is_deaf_for_half_a_minute_and_keeps_its_plan():
    memory = watching()
    moves.count(memory, 100)
    assert memory.moves == 1
    assert watch.rest(memory, 0, 100) == (30, False)
    assert watch.rest(memory, 0, 130) == (770, True)
    moves.count(memory, 890)
    assert watch.rest(memory, 0, 890) == (10, False)


def test_a_pin_that_stays_high_is_one_movement():
    memory = watching()
    moves.count(memory, 100)
    assert watch.rest(memory, 1, 130) == (30, False)
    assert watch.rest(memory, 1, 160) == (30, False)
    assert watch.rest(memory, 0, 190) == (710, True)
    assert memory.moves == 1


def test_a_pin_that_never_goes_low_is_a_failed_sensor_until_it_does():
    memory = watching(100_000)
    sensor = PIR(memory)
    for look in range(70):
        watch.rest(memory, 1, 30 * look)
    assert health.reading(memory, health.MOTION, sensor.read) is None
    assert memory.failures[health.MOTION] == 1
    watch.rest(memory, 0, 5000)
    assert health.reading(memory, health.MOTION, sensor.read) == 0


def test_wakes_an_hour_are_capped_and_the_cap_is_said_until_an_hour_went_well():
    memory = watching(100_000)
    tick = 7200
    for _ in range(60):
        assert watch.rest(memory, 0, tick)[1]
        moves.count(memory, tick)
        tick += 31
    assert memory.moves == 60
    assert watch.rest(memory, 0, tick) == (10800 - tick, False)
    assert watch.alarms(memory, tick) == [(its.ALARM_SATURATED, 1, its.MOTION_COUNT, 60)]
    memory.raised |= 1 << its.ALARM_SATURATED
    assert watch.alarms(memory, tick) == []
    assert watch.rest(memory, 0, 10800)[1]
    assert watch.alarms(memory, 10800 + 3599) == []
    assert watch.alarms(memory, 14400) == [(its.ALARM_SATURATED, 0, its.MOTION_COUNT, 60)]


def test_what_was_counted_outlives_the_sleep():
    memory = watching()
    moves.count(memory, 4000)
    memory.held_high = 3
    memory.leant = 1
    memory.value[2] = 65535
    memory.alike[7] = 9
    again = unpack(memory.pack())
    names = "watched moves deaf_until hour wakes saturated held_high value alike leant"
    for name in names.split():
        assert getattr(again, name) == getattr(memory, name), name


def test_a_lively_sensor_that_stands_still_has_failed_until_it_moves_again():
    memory = Memory()
    for _ in range(16):
        assert health.reading(memory, health.CLIMATE, lambda: (2001, 101325, 5500), True)
    for _ in range(4):
        assert health.reading(memory, health.CLIMATE, lambda: (2001, 101325, 5500), True) is None
    assert [alarm[:2] for alarm in health.alarms(memory)] == [(its.ALARM_CLIMATE_FAILING, 1)]
    assert health.reading(memory, health.CLIMATE, lambda: (2001, 101326, 5500), True)
    assert memory.failures[health.CLIMATE] == 4
