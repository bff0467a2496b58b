"""The judge of the light that follows people, on made-up histories, at each of its bounds."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from stoep_twin import judge
from stoep_twin.judge import Levels, Post, Verdict
from stoep_twin.light import History, of_level
from stoep_twin.world import quiet
from stoep_twin.world.people import Kind, Trajectory

_LEVELS = Levels(of_level(300), 1.0)
_PLACES = (12.5, 37.5, 62.5, 87.5, 112.5, 137.5)
_SPAN = (0.0, 1000.0)


def _walker(begins: float = 100.0, speed: float = 1.0, stops: Sequence[float] = (0.0, 220.0)) -> Trajectory:
    path = [(begins, stops[0])]
    for stop in stops[1:]:
        path.append((path[-1][0] + abs(stop - path[-1][1]) / speed, stop))
    return Trajectory(Kind.ADULT, 2.0, tuple(path))


def _light(*steps: tuple[float, float]) -> History:
    history = History(0.0, _LEVELS.dim)
    for at, light in steps:
        history.note(at, light)
    return history


def _street(lead: float = 10.0, delay: float = 0.1) -> list[Post]:
    """A walker from 100 s on is seen at each lamp as they come to it, and has light; each lamp is lit for 40 s."""
    posts = []
    for number, metres in enumerate(_PLACES):
        seen = 100.0 + metres
        begins = seen + 0.1 if number < 2 else 100.0 + _PLACES[number - 1] + delay if number == 2 else seen - lead
        posts.append(Post(metres, _light((begins, 1.0), (begins + 40, _LEVELS.dim)), [(seen, 0)]))
    return posts


def _judge(posts: list[Post], *people: Trajectory) -> Verdict:
    return judge.judge(posts, [[who] for who in range(len(people))], people, _LEVELS, _SPAN)


def test_a_good_passage_is_good() -> None:
    verdict = _judge(_street(), _walker())
    assert (verdict.passages, verdict.leads, verdict.leads_unseen) == (1, 4, 0)
    assert verdict.min_lead_seconds == 10.0
    assert verdict.walker_dark_seconds == 0.0
    assert verdict.falsely_lit == 0
    assert judge.in_words(verdict)


def _delays(*delays: float) -> Verdict:
    # Each lamp brightens so long after the one before it has seen somebody; the first of these confirms nothing.
    posts = [
        Post(metres, _light((100 + before + delay, 1.0)), [(100 + metres, 0)])
        for metres, before, delay in zip(_PLACES, (0.0, *_PLACES[:-1]), (0.0, *delays), strict=True)
    ]
    return _judge(posts, _walker())


def test_the_delay_is_from_a_confirmed_motion_to_the_next_lamps_light() -> None:
    verdict = _delays(0.9, 0.1, 0.2, 0.12, 0.13)
    assert verdict.neighbours == 4  # not from the first lamp's
    assert verdict.median_neighbour_delay_ms == pytest.approx(125.0)
    assert len(verdict.words) == 1
    assert "lamp 3 brightened 0.20 s" in verdict.words[0]


def test_a_neighbour_that_was_lit_already_is_left_out_and_one_that_never_is_counts_for_long() -> None:
    verdict = _delays(0.1, 0.1, -3.0, 0.1, 999.0)
    assert (verdict.neighbours, verdict.neighbours_lit_already) == (3, 1)
    assert verdict.median_neighbour_delay_ms == pytest.approx(100.0)
    assert _delays(0.1, 999.0, 999.0, 999.0, 0.1).median_neighbour_delay_ms == 10_000.0


def test_a_dead_lamp_is_nobodys_neighbour_and_has_no_lead() -> None:
    posts = _street()
    posts[3] = replace(posts[3], dead=[(0.0, 1000.0)], light=_light((0.0, 0.0)), rises=[])
    verdict = _judge(posts, _walker())
    assert verdict.leads == 3  # lamp 3 is the third, 5 and 6 follow
    assert verdict.neighbours == 2  # lamps 3 and 6
    assert not [word for word in verdict.words if "lamp 4" in word]
    assert verdict.walker_dark_seconds == 0.0


@pytest.mark.parametrize(("lead", "good"), [(2.6, True), (2.4, False)])
def test_light_is_ahead_from_the_third_lamp_on(lead: float, good: bool) -> None:
    posts = _street(lead)
    verdict = _judge(posts, _walker())
    assert verdict.min_lead_seconds == pytest.approx(lead)
    assert any("light is" in miss for miss in judge.misses(verdict, 1)) is not good


def test_light_that_is_not_yet_bright_or_is_interrupted_leads_from_when_it_is_whole() -> None:
    posts = _street()
    posts[4] = replace(posts[4], light=_light((200.0, 0.5), (209.0, 0.89), (210.0, 0.9)))
    assert _judge(posts, _walker()).min_lead_seconds == 2.5
    posts[4] = replace(posts[4], light=_light((190.0, 1.0), (211.0, 0.8), (211.5, 1.0)))
    assert _judge(posts, _walker()).min_lead_seconds == 1.0
    posts[4] = replace(posts[4], light=_light())
    assert _judge(posts, _walker()).min_lead_seconds == 0.0


def test_people_whom_no_two_lamps_saw_in_time_are_counted_apart() -> None:
    posts = _street()
    posts[0] = replace(posts[0], rises=[])
    posts[2] = replace(posts[2], light=_light((161.5, 1.0)))
    verdict = _judge(posts, _walker())
    assert (verdict.leads, verdict.leads_unseen, verdict.min_lead_seconds_unseen) == (3, 1, 1.0)
    assert verdict.min_lead_seconds == 10.0


def test_who_sees_one_of_a_group_has_seen_the_group() -> None:
    people = [_walker(), _walker(101.0)]
    verdict = judge.judge(_street(), [[0, 1]], people, _LEVELS, _SPAN)
    assert (verdict.passages, verdict.leads, verdict.leads_unseen) == (1, 8, 0)


def test_who_turns_round_has_light_on_the_way_back() -> None:
    one = _walker(stops=(0.0, 70.0, -60.0))
    assert [number for _, number in judge.arrivals(one, _street())] == [0, 1, 2, 2, 1, 0]
    posts = [Post(metres, _light((140.0, 1.0)), [(100 + metres, 0)] if metres < 70 else []) for metres in _PLACES]
    verdict = _judge(posts, one)
    assert (verdict.leads, verdict.leads_unseen) == (4, 0)
    assert verdict.min_lead_seconds == 22.5
    assert (verdict.neighbours, verdict.neighbours_lit_already) == (1, 1)


@pytest.mark.parametrize(("level", "dark"), [(299, 0.0), (285, 20.0), (0, 20.0)])
def test_dark_is_below_the_dim_level_within_ten_metres_of_somebody(level: float, dark: float) -> None:
    posts = _street()
    posts[3] = replace(posts[3], light=_light((150.0, of_level(level))))
    assert _judge(posts, _walker()).walker_dark_seconds == dark
    posts[3] = replace(posts[3], light=_light((1.0, of_level(level)), (177.5, 1.0)))
    assert _judge(posts, _walker()).walker_dark_seconds == 0.0


def test_a_lamp_without_power_leaves_nobody_in_the_dark_but_one_that_begins_does() -> None:
    posts = _street()
    dark = _light((100.0, 0.0))
    posts[3] = replace(posts[3], light=dark, dead=[(90.0, 300.0)])
    assert _judge(posts, _walker()).walker_dark_seconds == 0.0
    posts[3] = replace(posts[3], light=dark, dead=[(90.0, 187.5)], beginning=[(187.5, 300.0)])
    assert _judge(posts, _walker()).walker_dark_seconds == 10.0


def test_brightening_is_false_with_nobody_within_sixty_metres() -> None:
    # The walker is 60 m before the last lamp at 177.5 s, and far past the first at 172.5 s.
    for at, number, false in ((177.0, 5, 1), (178.0, 5, 0), (172.0, 0, 0), (173.0, 0, 1)):
        posts = [Post(metres, _light()) for metres in _PLACES]
        posts[number] = replace(posts[number], light=_light((at, 1.0), (at + 5, _LEVELS.dim)))
        assert _judge(posts, _walker()).falsely_lit == false
    posts[0] = replace(posts[0], beginning=[(150.0, 200.0)])
    assert _judge(posts, _walker()).falsely_lit == 0


def test_lamps_that_brighten_for_nobody_together_or_after_each_other_are_one_wave() -> None:
    lit = [(500.0, 1.0), (540.0, _LEVELS.dim), (700.0, 1.0), (720.0, _LEVELS.dim)]
    posts = [Post(metres, _light()) for metres in _PLACES]
    posts[1] = replace(posts[1], light=_light(*lit))
    posts[2] = replace(posts[2], light=_light((500.02, 1.0), (560.0, _LEVELS.dim)))
    posts[3] = replace(posts[3], light=_light((530.0, 1.0), (590.0, _LEVELS.dim)))
    verdict = _judge(posts)
    assert (verdict.falsely_lit, verdict.false_triggers) == (4, 2)


def test_lit_for_nobody_is_counted_in_seconds() -> None:
    posts = [Post(metres, _light()) for metres in _PLACES]
    posts[0] = replace(posts[0], light=_light((160.0, 1.0), (180.0, _LEVELS.dim), (500.0, 0.5), (530.0, _LEVELS.dim)))
    verdict = _judge(posts, _walker())
    assert verdict.lit_seconds == 50.0
    assert verdict.lit_seconds_without_person == pytest.approx(37.5)


_HOURS = quiet.LATE, quiet.EARLY


def test_a_quiet_streets_energy_is_the_schedules_share_and_what_passages_cost() -> None:
    none, some = (quiet.ratio_to_schedule(of_level(300), 1.0, _HOURS, seconds) for seconds in (0.0, 60.0))
    assert 0.5 < none < some < 0.7
    assert quiet.ratio_to_schedule(1.0, 1.0, _HOURS, 0.0) > 1.2
    assert quiet.ratio_to_schedule(0.5, 1.0, _HOURS, 0.0) == pytest.approx(1.0)
    assert _judge(_street(), _walker()).energy_ratio_to_schedule == pytest.approx(
        quiet.ratio_to_schedule(_LEVELS.dim, 1.0, _HOURS, 40 * (1 - _LEVELS.dim)), abs=0.001
    )


_GOOD = Verdict(
    passages=20,
    median_neighbour_delay_ms=149.9,
    neighbours=9,
    min_lead_seconds=2.5,
    leads=9,
    falsely_lit=7,
    false_triggers=2,
    energy_ratio_to_schedule=0.699,
)


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, 0),
        ({"passages": 19}, 1),
        ({"median_neighbour_delay_ms": 150.0}, 1),
        ({"median_neighbour_delay_ms": None}, 1),
        ({"min_lead_seconds": 2.49}, 1),
        ({"min_lead_seconds": None}, 1),
        ({"walker_dark_seconds": 0.001}, 1),
        ({"false_triggers": 3}, 1),
        ({"energy_ratio_to_schedule": 0.7}, 1),
        ({"energy_ratio_to_schedule": None, "passages": 0}, 2),
    ],
)
def test_each_bound_is_held(change: dict[str, float | None], missed: int) -> None:
    assert len(judge.misses(replace(_GOOD, **change), 20)) == missed  # type: ignore[arg-type]


def test_a_night_without_people_is_judged_by_its_false_triggers() -> None:
    assert judge.misses(Verdict(falsely_lit=9, false_triggers=2), 0) == []
    assert len(judge.misses(Verdict(falsely_lit=9, false_triggers=3), 0)) == 1


def test_spans_of_people_near_are_merged() -> None:
    assert judge.near([_walker(), _walker(105.0)], 50.0, 10.0) == [(140.0, 165.0)]
    assert judge.near([_walker(), _walker(200.0)], 50.0, 10.0) == [(140.0, 160.0), (240.0, 260.0)]
    assert judge.near([_walker(stops=(0.0, 50.0, 0.0))], 50.0, 10.0) == [(140.0, 160.0)]
