"""The level when nobody passes: tonight's, that of a plan grown old, and lit when in doubt."""

from node.lamp.schedule import LIT, fixed, level

DAY, H = 86400, 3600
DUSK = 1_000_000
DAWN = DUSK + 13 * H
PLAN = (DUSK, DAWN, 800, 300, DUSK + 4 * H, DUSK + 11 * H, DUSK + 5 * H, DUSK + 12 * H)


def test_every_edge_of_the_night():
    for at, expected in (
        (DUSK - 1, 0),
        (DUSK, 800),
        (DUSK + 4 * H - 1, 800),
        (DUSK + 4 * H, 300),
        (DUSK + 11 * H - 1, 300),
        (DUSK + 11 * H, 800),
        (DAWN - 1, 800),
        (DAWN, 0),
        (DAWN + 5 * H, 0),
    ):
        assert level(PLAN, at) == expected, at


def test_somebody_who_comes_is_given_the_base_level_by_night_and_nothing_by_day():
    assert level(PLAN, DUSK + 5 * H, True) == 800
    assert level(PLAN, DAWN + H, True) == 0
    upside_down = PLAN[:2] + (300, 800) + PLAN[4:]  # more light when dimmed than not
    assert level(upside_down, DUSK + 5 * H) == 300


def test_without_a_plan_or_with_a_senseless_one_it_is_lit():
    for plan in (
        None,
        (),
        PLAN[:7],
        (DAWN, DUSK) + PLAN[2:],
        (DUSK, DUSK + DAY) + PLAN[2:],
        PLAN[:2] + (0, 300) + PLAN[4:],
        PLAN[:2] + (1001, 300) + PLAN[4:],
        PLAN[:2] + (800, -1) + PLAN[4:],
    ):
        for at in (DUSK - H, DUSK + H, DAWN + H):
            assert level(plan, at) == LIT and fixed(plan, at) == LIT, plan


def test_dim_hours_that_never_come_leave_the_base_level():
    plan = PLAN[:4] + (0, 0) + PLAN[6:]
    assert level(plan, DUSK + 5 * H) == 800


def test_an_old_plan_serves_seven_more_nights_and_grows_at_both_ends():
    for nights in range(1, 8):
        grown = 240 * nights
        shift = nights * DAY
        assert level(PLAN, DUSK + shift - grown - 1) == 0
        assert level(PLAN, DUSK + shift - grown) == 800
        assert level(PLAN, DUSK + shift + 4 * H) == 300
        assert level(PLAN, DAWN + shift + grown - 1) == 800
        assert level(PLAN, DAWN + shift + grown) == 0


def test_then_it_is_always_lit():
    ninth = DUSK + 8 * DAY - 8 * 240
    assert level(PLAN, ninth - 1) == 0
    for at in range(ninth, ninth + 3 * DAY, 1800):
        assert level(PLAN, at) == LIT


def test_a_plan_that_came_early_serves_the_day_before_it():
    assert level(PLAN, DUSK - 5 * H) == 0
    assert level(PLAN, DUSK - DAY + 5 * H) == 300
    assert level(PLAN, DUSK - DAY - 12 * H) == LIT


def test_a_tick_that_began_anew_makes_the_plan_worthless():
    assert level(PLAN, 5) == LIT


def test_the_fixed_schedule_halves_its_late_hours():
    for at, expected in ((DUSK - 1, 0), (DUSK, LIT), (DUSK + 5 * H, 500), (DUSK + 12 * H, LIT), (DAWN, 0)):
        assert fixed(PLAN, at) == expected
        assert fixed(PLAN, at + DAY) in (expected, LIT)  # it grows with the plan


def test_it_works_with_seconds_that_are_more_than_a_small_integer():
    far = 1 << 30
    plan = tuple(value + far if at not in (2, 3) else value for at, value in enumerate(PLAN))
    assert level(plan, DUSK + far + 5 * H) == 300 and level(plan, DAWN + far) == 0
