"""Passages from a seed, and what the PIRs see of them."""

from itertools import takewhile

import pytest

from stoep_twin.world import pir
from stoep_twin.world.cast import Cast
from stoep_twin.world.passages import Block, Planner, moved
from stoep_twin.world.people import Kind, Trajectory
from stoep_twin.world.place import Place
from stoep_twin.world.plan import Spot
from stoep_twin.world.wind import Gust

_SPOTS = (12.5, 37.5, 62.5, 87.5, 112.5, 137.5)
_START = 1_794_000_000.0


def _blocks(seed: int) -> list[Block]:
    return list(Planner(seed, _SPOTS[0], _SPOTS[-1]).blocks())


@pytest.mark.parametrize("seed", range(5))
def test_a_plan_is_twenty_passages_and_more_of_which_two_blocks_have_five(seed: int) -> None:
    blocks = _blocks(seed)
    passages = [passage for block in blocks for passage in block.passages]
    assert len(passages) >= 20
    assert sum(len(block.passages) for block in blocks[:2]) == 5
    assert {passage.what for passage in passages} == {"cyclist", "walker", "group"}
    assert {passage.what for block in blocks[:2] for passage in block.passages} == {"cyclist", "walker"}
    assert sum(block.lasts for block in blocks) < 1800
    assert blocks == _blocks(seed) != _blocks(seed + 1)
    turning = 0
    for passage in passages:
        for one in passage.people:
            legs = list(zip(one.path, one.path[1:], strict=False))
            speeds = {round(3.6 * abs((b - a) / (until - since)), 3) for (since, a), (until, b) in legs}
            low, high = (15, 30) if one.kind is Kind.CYCLIST else (2, 6)
            assert all(low <= speed <= high for speed in speeds)
            assert min(abs(one.path[0][1] - spot) for spot in _SPOTS) > pir.sheet().range_metres
            turning += len(legs) > 1
    assert turning >= 2


def test_a_block_lasts_until_all_have_passed_the_lamps() -> None:
    for block in _blocks(3):
        people = [one for passage in block.passages for one in passage.people]
        for one in people:
            crossed = [leaves for spot in _SPOTS for _, leaves, _ in pir.crossings(one, spot)]
            assert max(crossed) < block.lasts
            assert one.ends > block.lasts or one is not max(people, key=lambda other: other.ends)


def test_a_passage_can_be_moved() -> None:
    passage = _blocks(1)[0].passages[0]
    later = moved(passage, 1000.0)
    assert later.people[0].metres(passage.people[0].begins + 1000.0) == passage.people[0].path[0][1]


def test_a_pir_sees_the_cast_and_nobody_else() -> None:
    cast = Cast(1, _SPOTS)
    place = Place(1, 1, _START, Spot(37.5, tree=True), cast)
    assert list(place.glimpses(_START)) == []
    assert cast.rises(37.5) == []
    cast.enter(Trajectory(Kind.ADULT, 2.0, ((_START, 0.0), (_START + 150, 150.0))))
    seen = list(place.glimpses(_START))
    assert seen == sorted(seen)
    assert all(33 < at - _START < 42 for at in seen)
    assert list(place.glimpses(seen[0] + 0.001)) == seen[1:]
    rises = cast.rises(37.5)
    assert rises[0] == (seen[0] + pir.sheet().latency_seconds, 0)
    assert len(rises) <= 2
    assert cast.next_glimpse(_START) == next(cast.glimpses(12.5, _START))


def test_whoever_is_in_the_cast_is_seen_as_often_as_the_file_says() -> None:
    seen = 0
    for number in range(400):
        cast = Cast(number, [50.0])
        cast.enter(Trajectory(Kind.CYCLIST, 5.0, ((_START, 0.0), (_START + 20, 100.0))))
        seen += bool(list(cast.glimpses(50.0, 0.0)))
    assert 0.85 < seen / 400 < 0.95


def test_cats_and_branches_are_nobody() -> None:
    cast = Cast(5, _SPOTS)
    cast.shake(62.5, [Gust(_START + number * 60, 8.0, 17.0) for number in range(20)])
    cast.prowl(Trajectory(Kind.CAT, 2.0, ((_START, 0.0), (_START + 150, 150.0))))
    assert cast.people == []
    assert {who for spot in _SPOTS for _, who in cast.rises(spot)} == {-1}
    gusts = list(takewhile(lambda at: at < _START + 2000, cast.glimpses(62.5, _START)))
    assert len(gusts) > 10
