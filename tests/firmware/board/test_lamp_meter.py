"""Energy is counted to the last millijoule, and a lamp that does not do what it is told is found out."""

from node.lamp import faults
from node.lamp.faults import Faults
from node.lamp.meter import Counter

FULL = 36000
ALL, HALF, FIFTH = 65535, 32768, 13107


def test_a_night_of_short_and_long_steps_adds_up_exactly():
    counter = Counter()
    total = 0
    for step in range(20000):
        milliwatt, passed = 36000 - step % 977, 17 + step % 1931
        counter.add(milliwatt, passed)
        total += milliwatt * passed
    assert counter.mwh == total // 3600000


def test_the_most_power_for_the_longest_time_is_counted():
    counter = Counter(5)
    counter.add(200000, 3600000)
    assert counter.mwh == 200005
    counter.add(200000, 9 * 3600000)  # nobody looked for longer: no more than an hour is believed
    assert counter.mwh == 400005


def test_nothing_flows_back_and_no_time_runs_backwards():
    counter = Counter()
    counter.add(-500, 1000000)
    counter.add(500, -1000000)
    assert counter.mwh == 0


def told(lamp, share, powers):
    return [change for power in powers for change in lamp.look(share, power)]


def test_one_goes_on_where_another_ended():
    known = None
    changes = []
    for power in [36000] * 3 + [200] * 12:
        lamp = Faults(FULL, known)
        changes += lamp.look(ALL, power)
        known = lamp.known()
    assert changes == [(faults.STUCK_OFF, 1)]
    assert known[0] == 1 << faults.STUCK_OFF


def test_a_lamp_that_obeys_is_no_news():
    lamp = Faults(FULL)
    for share, power in ((0, 400), (FIFTH, 8100), (HALF, 18500), (ALL, 35000), (ALL, 29000), (0, 0)):
        assert told(lamp, share, [power] * 20) == []


def test_stuck_on_off_and_half_are_said_once_and_taken_back_once():
    for share, wrong, right, code in (
        (0, 36000, 300, faults.STUCK_ON),
        (FIFTH, 36000, 7500, faults.STUCK_ON),
        (ALL, 200, 35000, faults.STUCK_OFF),
        (HALF, 0, 18000, faults.STUCK_OFF),
        (ALL, 18000, 36000, faults.HALF),
    ):
        lamp = Faults(FULL)
        assert told(lamp, share, [right] * 3) == []
        assert told(lamp, share, [wrong] * 4) == []
        assert told(lamp, share, [wrong] * 8) == [(code, 1)]
        assert told(lamp, share, [right] * 12) == [(code, 0)]


def test_one_odd_reading_in_three_is_no_alarm():
    lamp = Faults(FULL)
    assert told(lamp, ALL, [36000, 36000, 0, 36000, 36000, 36000, 36000, 36000] * 3) == []


def test_a_lamp_that_flickers_is_said_to_flicker_and_nothing_else():
    lamp = Faults(FULL)
    assert told(lamp, ALL, [36000, 2000] * 12) == [(faults.FLICKERING, 1)]
    assert told(lamp, ALL, [36000] * 20) == [(faults.FLICKERING, 0)]


def test_while_it_fades_nothing_is_judged():
    lamp = Faults(FULL)
    for step in range(200):
        assert lamp.look(step * 300, 0) == []
