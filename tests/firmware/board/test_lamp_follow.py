"""Light runs ahead of people, waits for the slow, follows who turns, and takes no branch for somebody."""

import gc
import random
import time

from passages import Passer, Street, play

from node.lamp.follow import Follow

PLACES = [0, 250, 500, 750, 1000, 1250]  # dm
LAST = time.ticks_add(0, -1)  # the highest that ticks_ms says
START, END = -20000, 145000  # mm
LEAD, FADE = 2500, 400  # ms


def seen_by(own, motions, places=PLACES):
    follow = Follow(own, places)
    for lamp, when in motions:
        follow.moved(lamp, when)
    return follow


def bright(motions, now, places=PLACES):
    """Which lamps are, at `now`, after [(lamp, when)]."""
    return [own for own in range(len(places)) if seen_by(own, motions, places).bright(now)]


def speed():
    """Of a cyclist at 15 to 30 km/h, or a walker at 2 to 6."""
    return random.randrange(4167, 8334) if random.getrandbits(1) else random.randrange(556, 1667)


def leads(passer):
    """How long each lamp from the third on had been bright when they came, less what the fade takes."""
    return [-1 if lit is None else lit - FADE for _, lit in passer.met[2:]]


def test_one_lamp_alone_brightens_nobody_however_often():
    assert bright([(2, 1000)], 1001) == []
    assert bright([(2, 5000 * n) for n in range(100)], 495001) == []


def test_two_lamps_at_a_pace_of_people_do_with_both_lamps_beside_at_once():
    assert bright([(1, 0), (2, 20000)], 20001) == [1, 2, 3]
    assert bright([(3, 0), (2, 20000)], 20001) == [1, 2, 3]
    assert bright([(1, 0), (2, 2600)], 2601) == [1, 2, 3, 4, 5]  # at 35 km/h six seconds are more than two lamps
    assert bright([(1, 0), (2, 900)], 901) == []  # faster than anybody
    assert bright([(1, 0), (2, 90000)], 90001) == []  # slower
    assert bright([(1, 0), (4, 40000)], 40001) == []  # two lamps between them


def test_a_dead_lamp_is_bridged():
    assert bright([(1, 0), (3, 40000)], 40001) == [2, 3, 4]
    motions = [(0, 0), (1, 18000), (3, 55000)]
    assert bright(motions, 55001) == [2, 3, 4]
    assert 2 in bright(motions[:2], 50000)  # and is itself lit in time, if it can still hear


def test_the_wave_goes_on_by_itself_for_a_moment_and_not_for_ever():
    motions = [(0, 0), (1, 4000)]  # a cyclist
    assert bright(motions, 4001) == [0, 1, 2, 3]
    assert bright(motions, 12000) == [1, 2, 3, 4]  # nobody came back
    for now in range(4001, 60000, 500):
        assert 5 not in bright(motions, now)
    assert bright(motions, 27500) == []


def test_two_lamps_that_miss_a_fast_cyclist_do_not_stop_the_light():
    motions = [(0, 0), (1, 7000)]  # 13 km/h as far as two PIRs can tell, and may be 18
    assert 4 in bright(motions, 7000 + 15000 - LEAD - FADE)
    assert 5 not in bright(motions, 7000 + 15000)
    motions = [(1, 0), (2, 25000)]  # nobody's bicycle
    assert 5 not in bright(motions, 25000 + 60000)


def test_a_cyclist_who_comes_past_somebody_slow_has_light_two_lamps_ahead():
    slow = [(0, 0), (1, 40000), (1, 50000), (1, 59000)]
    assert bright(slow, 59001) == [0, 1, 2]
    assert 4 in bright(slow + [(2, 62600)], 62601)  # whoever it is that came from lamp 1 so soon


def test_slow_walkers_are_waited_for_and_nobody_longer_than_two_minutes():
    motions = [(0, 0), (1, 45000)]  # 2 km/h
    assert bright(motions, 45000 + 60000) == [0, 1, 2]
    assert bright(motions, 45000 + 110000) == [3]  # the lamp between may be dead
    assert bright(motions, 45000 + 120001) == []


def test_who_lingers_keeps_both_sides_lit_for_three_minutes():
    motions = [(0, 0), (1, 20000)]
    now = 20000
    while now < 20000 + 175000:
        now += 9000
        motions.append((1, now))
    assert bright([motion for motion in motions if motion[1] < 190000], 190000) == [0, 1, 2]
    assert bright(motions, now + 46000) == []  # the last motion is given the time to the next lamp and past it


def test_who_turns_round_has_light_before_them():
    assert 0 in bright([(0, 0), (1, 20000), (1, 45000)], 45001)  # seen again by the same lamp
    assert bright([(1, 0), (2, 20000), (3, 40000), (2, 70000)], 70001)[:3] == [1, 2, 3]  # only by the one before


def test_each_motion_is_acted_on_once_and_a_lamp_that_begins_anew_is_heard():
    follow = Follow(3, PLACES)
    assert follow.heard(1, 500, 0)
    assert not follow.heard(1, 500, 60)
    assert follow.heard(1, 501, 9000) and not follow.heard(1, 500, 9060)
    assert follow.heard(2, 500, 9000)  # each lamp counts for itself
    assert follow.heard(1, 20, 20000)
    assert follow.heard(1, 65535, 30000) and follow.heard(1, 0, 31000) and not follow.heard(1, 65535, 31000)


def test_the_clock_wraps_and_what_is_over_stays_over():
    def at(ms):
        return time.ticks_add(LAST, ms - 30000)

    motions = [(1, at(0)), (2, at(20000)), (3, at(40000))]
    assert bright(motions, at(40001)) == [1, 2, 3, 4]
    follow = seen_by(4, motions)
    for ms in range(40001, 400000, 1000):
        follow.bright(at(ms))
    for ms in range(400000, 1 << 29, 1 << 20):
        assert not follow.bright(at(ms))


def test_a_street_of_one_lamp_or_too_many():
    assert Follow(0, [0]).bright(5) == 0
    assert seen_by(0, [(0, 0), (0, 20000)], [0]).bright(20001) == 0
    for own, places in ((1, [0]), (-1, [0]), (0, list(range(33)))):
        try:
            Follow(own, places)
            raise AssertionError(own)
        except ValueError:
            pass


def test_all_lamps_of_a_long_street_fit():
    places = [250 * lamp for lamp in range(32)]
    follow = Follow(31, places)
    for lamp in range(32):
        follow.moved(lamp, 20000 * lamp)
    assert follow.bright(620001)


def passages(seed, count, make, dead=()):
    """The least lead of all who pass, and the share of time in permille that lamps were bright."""
    least, lit, time_ms = 1 << 29, 0, 0
    for number in range(count):
        street = Street(PLACES, seed + number, dead=dead)
        began = street.now
        passers = make()
        play(street, passers, 60000)
        for passer in passers:
            least = min([least] + leads(passer))
        lit += sum(street.lit_ms)
        time_ms += time.ticks_diff(street.now, began) * len(PLACES)
        gc.collect()
    print("passages seed=%d least_lead_ms=%d lit_permille=%d" % (seed, least, lit // (time_ms // 1000)))
    return least, lit // (time_ms // 1000)


def test_walkers_and_cyclists_have_light_ahead_from_the_third_lamp_on():
    def make():
        return [Passer(START, speed()) if random.getrandbits(1) else Passer(END, -speed())]

    least, lit = passages(100, 24, make)
    assert least >= LEAD and lit < 350  # one passage after the other, hardly a pause


def test_people_who_meet_have_it_too():
    least, _ = passages(200, 10, lambda: [Passer(START, speed()), Passer(END, -speed())])
    assert least >= LEAD


def test_people_who_turn_round_are_never_left_without():
    least, _ = passages(300, 10, lambda: [Passer(START, speed(), turn=random.randrange(45000, 110000))])
    assert least >= LEAD - FADE


def test_who_walks_behind_somebody_has_it_too():
    def make():
        pace = speed()
        return [Passer(START, pace), Passer(START - random.randrange(2000, 18000), pace)]

    least, _ = passages(400, 6, make)
    assert least >= LEAD


def test_a_dead_lamp_costs_the_others_nothing():
    for number in range(6):
        street = Street(PLACES, 500 + number, dead=(3,))
        passer = Passer(START, speed())
        play(street, [passer])
        assert min(leads(passer)[:1] + leads(passer)[3:]) >= LEAD - FADE


def windy(branches, seed, cat):
    """A night of eight hours in which gusts shake the branches at some lamps; a cat passes. How often light came."""
    street = Street(PLACES, seed)
    step, steps = 0, 8 * 3600
    gust = calm = 0
    cat_at = steps // 3
    while step < steps:
        step += 1
        if calm > 0:
            calm -= 1
            gust = random.randrange(10, 180)
        elif gust > 0:
            gust -= 1
            for lamp in branches:
                if random.randrange(100) < 8:
                    street.glimpse(lamp)
        else:
            calm = random.randrange(30, 900)
        if cat and cat_at <= step < cat_at + 150:
            for _ in range(8):
                street.see((step - cat_at) * 900 - 5000, 1)
        for _ in range(10 if street._air else 1):
            street.tick()
        street.now = time.ticks_add(street.now, 0 if street._air else 900)
    return street.waves


def test_one_branch_never_is_somebody():
    for lamp in (0, 2):
        assert windy((lamp,), 7 + lamp, False) == 0


def test_a_branch_and_a_cat_are_taken_for_people_twice_a_night_at_most():
    for seed in range(3):
        assert windy((2,), seed, True) <= 2


def test_branches_at_neighbouring_lamps_are_found_out():
    counts = [windy((2, 3), 20 + seed, False) for seed in range(3)]
    print("windy", counts)
    assert max(counts) <= 3


def test_a_quiet_night_is_mostly_dim():
    """Four people an hour: bright for so much of the time that the saving stays."""
    street = Street(PLACES, 9)
    began = street.now
    for _ in range(6):
        play(street, [Passer(START, speed())])
        for _ in range(9000 - 1500):
            street.tick()
    share = sum(street.lit_ms) // (time.ticks_diff(street.now, began) * 6 // 1000)
    print("quiet lit_permille=%d" % share)
    assert 0 < share < 100
