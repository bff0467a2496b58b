"""Who goes along the street, and what a PIR makes of them."""

import itertools
import random
from collections import Counter
from typing import Any

import pytest

from stoep.resources import firmware_dir
from stoep_twin.world import people, pir, plan, weather
from stoep_twin.world.hours import hour_of
from stoep_twin.world.people import Kind, Trajectory
from stoep_twin.world.place import Place
from stoep_twin.world.plan import Spot
from stoep_twin.world.wind import Gust

_START = 1_780_293_600.0  # 2026-06-01T06:00Z, which is eight in the morning
_KMH = {Kind.ADULT: (2, 6), Kind.CYCLIST: (15, 30), Kind.CAT: (2, 5)}
_HOURS = range(hour_of(_START) - 1, hour_of(_START) + 71)
_ALL = [one for hour in _HOURS for one in people.appearing(1, hour)]
_AT = 150.0


def _passing(kind: Kind, speed: float, across: float) -> Trajectory:
    return Trajectory(kind, across, ((0.0, _AT - 50), (100 / speed, _AT + 50)))


def _glimpses(one: Trajectory, chance: random.Random) -> list[float]:
    return [
        at
        for enters, leaves, speed in pir.crossings(one, _AT)
        for at in pir.glimpses(chance, pir.sheet().share(one.kind, speed), enters, leaves)
    ]


def test_everybody_comes() -> None:
    kinds = Counter(one.kind for one in _ALL)
    assert kinds[Kind.ADULT] > kinds[Kind.CYCLIST] > kinds[Kind.CAT] > 5
    begun = Counter((one.kind, round(one.begins / 5)) for one in _ALL)
    assert max(begun.values()) > 2  # groups
    turned = [one for one in _ALL if len(one.path) > 2 and one.path[0][1] == one.path[-1][1]]
    assert len(turned) > 20


def test_a_trajectory_is_continuous_and_keeps_to_its_speed() -> None:
    for one in _ALL:
        low, high = (bound / 3.6 for bound in _KMH[one.kind])
        speeds = set()
        for (begins, whence), (ends, whither) in itertools.pairwise(one.path):
            assert begins < ends
            if whence != whither:
                speeds.add(round(abs(whither - whence) / (ends - begins), 3))
        assert len(speeds) <= 1  # one speed, and pauses
        assert all(low - 0.001 <= speed <= high + 0.001 for speed in speeds)
        before, step = one.metres(one.begins), (one.ends - one.begins) / 100
        for number in range(1, 100):
            there = one.metres(one.begins + number * step)
            assert there is not None
            assert before is not None
            assert abs(there - before) <= high * step + 1e-3
            before = there
        assert one.metres(one.begins - 1) is None
        assert one.metres(one.ends + 1) is None
        assert one.ends - one.begins < 3600


def test_the_same_people_come_in_whatever_order_one_asks() -> None:
    spans = [(_START + 700.0 * turn, _START + 700.0 * turn + 30.0) for turn in range(40)]
    asked = [people.during(1, *span) for span in spans]
    people.appearing.cache_clear()
    assert [people.during(1, *span) for span in reversed(spans)] == asked[::-1]
    for (since, until), found in zip(spans, asked, strict=True):
        assert found == [one for one in _ALL if one.ends >= since and one.begins <= until]
        assert found == sorted(found, key=lambda one: one.begins)


def test_who_is_near_a_spot_is_found() -> None:
    one = next(one for one in _ALL if one.kind is Kind.ADULT)
    at = (one.begins + one.ends) / 2
    there = one.metres(at)
    assert there is not None
    assert one in people.near(1, there + 5, 5.5, at)
    assert one not in people.near(1, there + 5, 4.5, at)
    assert one not in people.near(1, there, 1000, one.ends + 1)


@pytest.mark.parametrize(
    ("kind", "speed", "across"),
    [(Kind.ADULT, 1.2, 2.0), (Kind.ADULT, 1.2, 4.0), (Kind.CYCLIST, 5.0, 5.0), (Kind.CAT, 1.0, 3.0)],
)
def test_who_crosses_the_cone_is_seen_as_often_as_the_file_says(kind: Kind, speed: float, across: float) -> None:
    chance = random.Random(f"{kind}/{across}")
    one = _passing(kind, speed, across)
    seen = sum(bool(_glimpses(one, chance)) for _ in range(2000)) / 2000
    assert seen == pytest.approx(pir.sheet().share(kind, speed), abs=0.04)


def test_the_cat_is_seen_less_than_anybody() -> None:
    sheet = pir.sheet()
    for speed in (0.3, 0.6, 1.0, 1.5):
        assert sheet.share("cat", speed) < 0.5 * min(sheet.share("adult", speed), sheet.share("cyclist", speed))
    assert sheet.share("cyclist", 4) > sheet.share("cyclist", 8)
    assert sheet.share("adult", 0.1) < sheet.share("adult", 1)


def test_nobody_is_seen_beyond_the_range_or_beside_the_cone_or_standing() -> None:
    sheet = pir.sheet()
    assert (sheet.range_metres, sheet.cone_degrees) == (8.0, 100.0)
    chance = random.Random(1)
    for one in _ALL:
        for at in _glimpses(one, chance):
            there = one.metres(at)
            assert there is not None
            assert (there - _AT) ** 2 + one.across**2 <= sheet.range_metres**2 + 1e-6
            assert abs(there - _AT) <= 1.192 * one.across + 1e-6  # the tangent of half the cone
    assert list(pir.crossings(_passing(Kind.ADULT, 1.0, 8.1), _AT)) == []
    stands = Trajectory(Kind.ADULT, 2.0, ((0.0, _AT), (600.0, _AT)))
    assert list(pir.crossings(stands, _AT)) == []
    assert len(list(pir.crossings(_passing(Kind.ADULT, 1.0, 7.9), _AT))) == 1


def test_who_turns_round_in_the_cone_crosses_it_twice() -> None:
    one = Trajectory(Kind.ADULT, 3.0, ((0.0, _AT - 20), (20.0, _AT), (30.0, _AT), (50.0, _AT - 20)))
    (enters, stops, speed), (starts, leaves, back) = pir.crossings(one, _AT)
    assert (stops, starts) == (20.0, 30.0)
    assert enters == pytest.approx(20 - 3.575, abs=0.01)
    assert leaves == pytest.approx(30 + 3.575, abs=0.01)
    assert speed == back == 1.0


def _only(monkeypatch: pytest.MonkeyPatch, peak: float) -> tuple[int, int]:
    # Glimpses in 50 hours of gusts of this peak and nobody about: with a tree beside the PIR, and without.
    class _Wind:
        wind: Any

        def gusts(self, hour: int) -> list[Gust]:
            return [Gust(hour * 3600 + 180.0 * slot, 8.0, peak) for slot in range(20)]

    _Wind.wind = _Wind()
    monkeypatch.setattr(weather, "of", lambda _: _Wind)
    monkeypatch.setattr(pir, "appearing", lambda *_: ())
    pir.seen.cache_clear()
    pir._seen_of.cache_clear()
    found = [sum(len(pir.seen(1, Spot(12.5, tree), hour)) for hour in _HOURS[:50]) for tree in (True, False)]
    pir.seen.cache_clear()
    pir._seen_of.cache_clear()
    return found[0], found[1]


def test_a_branch_in_a_gust_looks_like_a_movement_and_in_calm_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    calm, breeze, storm = (_only(monkeypatch, peak) for peak in (5.0, 9.0, 15.0))
    assert calm == (0, 0)
    assert breeze[0] > 50
    assert storm[0] > 2 * breeze[0]
    assert breeze[1] == storm[1] == 0


def test_a_bench_counts_what_a_street_gives_it() -> None:
    place = Place(1, 1, _START, Spot(50.0))
    first = list(itertools.takewhile(lambda at: at < _START + 3600, place.glimpses(_START)))
    assert all(any(abs((one.metres(at) or 1e9) - 50.0) < 8 for one in people.near(1, 50.0, 8.0, at)) for at in first), (
        "it saw nobody there"
    )
    assert len(first) > 20


def test_lampposts_stand_in_order_and_the_rest_between_them() -> None:
    kinds = ["bin", "bin", "bench", "lamppost", "lamppost", "lamppost"]
    spots = plan.spots(kinds, 1)
    assert [spot.metres for spot in spots] == [25.0, 50.0, 75.0, 12.5, 37.5, 62.5]
    assert not any(spot.tree for spot in spots[:3])
    many = plan.spots(["lamppost"] * 50 + ["bin"] * 200, 1)
    posts = [spot.metres for spot in many[:50]]
    assert posts == sorted(set(posts))
    assert all(0 < spot.metres < plan.LENGTH for spot in many)
    assert {spot.tree for spot in many[:50]} == {True, False}
    assert plan.spots(kinds, 1) == spots


def test_the_firmware_cannot_see_what_the_street_is_made_of() -> None:
    firmware = firmware_dir()
    files = [firmware / "boot.py", firmware / "main.py", *firmware.glob("node/**/*.py"), *firmware.glob("bridge/*.py")]
    assert len(files) > 30
    assert not any("stoep_twin" in file.read_text() or "pir.toml" in file.read_text() for file in files)
