"""The lamp fades without a step, catches up where it must, and is at its brightest when nobody says otherwise."""

import time

from node.lamp import dimming
from node.lamp.dimming import FULL, Dimmer

LAST = time.ticks_add(0, -1)  # the highest that ticks_ms says


class Pwm:
    def __init__(self):
        self.dark = []

    def duty_u16(self, dark):
        self.dark.append(dark)


def faded(start, goal, every, pause=0):
    """(levels by step, ms) of a fade from one level to another."""
    dimmer = Dimmer(Pwm(), 0)
    now = 0
    dimmer.target = start
    while dimmer.level != start:
        now += 20
        dimmer.step(now)
    began, levels = now, [start]
    dimmer.target = goal
    now += pause
    while dimmer.level != goal:
        now += every
        dimmer.step(now)
        levels.append(dimmer.level)
    return levels, now - began


def test_a_lamp_begins_at_its_brightest_and_a_low_pin_is_that():
    pwm = Pwm()
    assert Dimmer(pwm, 5).level == FULL and pwm.dark == [0]


def test_light_follows_the_lightness_of_cie_1931():
    # L* and Y of CIELAB, Y of 65,535
    known = ((0, 0), (80, 580), (100, 738), (250, 2893), (500, 12071), (750, 31668), (900, 50045), (1000, 65535))
    for level, share in known:
        assert abs(dimming.light(level) - share) <= 40, (level, dimming.light(level))
    lights = [dimming.light(level) for level in range(1001)]
    assert lights == sorted(lights) and lights[-1] == 65535
    assert dimming.light(-5) == 0 and dimming.light(2000) == 65535


def test_up_takes_less_than_half_a_second_and_down_more_than_five():
    up, up_ms = faded(0, FULL, 20)
    down, down_ms = faded(FULL, 0, 20)
    assert 300 <= up_ms <= 420 and 5000 <= down_ms <= 7000
    assert max(up[at + 1] - up[at] for at in range(len(up) - 1)) <= 50
    assert max(down[at] - down[at + 1] for at in range(len(down) - 1)) <= 5  # a just noticeable difference is about 10


def test_a_late_call_catches_up_upwards_and_never_falls_in_a_step():
    up, _ = faded(300, FULL, 20, pause=2000)
    assert up[1] == FULL
    down, _ = faded(FULL, 300, 20, pause=3000)
    assert down[0] - down[1] <= 7


def test_a_fade_that_is_turned_round_goes_on_from_where_it_is():
    pwm = Pwm()
    dimmer = Dimmer(pwm, 0)
    dimmer.target = 0
    for now in range(20, 3001, 20):
        dimmer.step(now)
    assert 480 <= dimmer.level <= 520
    dimmer.target = FULL
    dimmer.step(3020)
    assert 530 <= dimmer.level <= 570


def test_the_clock_wraps_and_stands_still_without_a_jump():
    pwm = Pwm()
    dimmer = Dimmer(pwm, LAST)
    dimmer.target = 0
    dimmer.step(LAST)
    dimmer.step(time.ticks_add(LAST, 20))
    assert 996 <= dimmer.level <= 997
    dimmer.step(LAST)  # earlier: nothing
    assert 996 <= dimmer.level <= 997


def test_the_pwm_is_written_only_when_the_light_changes():
    pwm = Pwm()
    dimmer = Dimmer(pwm, 0)
    for now in range(20, 400, 20):
        dimmer.step(now)
    assert pwm.dark == [0]
    dimmer.target = -7
    for now in range(400, 9000, 20):
        dimmer.step(now)
    assert pwm.dark[-1] == 65535 and pwm.dark == sorted(pwm.dark)
