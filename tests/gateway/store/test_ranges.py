"""Ranges are a set of numbers, only smaller."""

from hypothesis import given
from hypothesis import strategies as st

from stoep.store.ranges import Ranges

SPAN = st.tuples(st.integers(1, 40), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))
STEPS = st.lists(st.tuples(st.booleans(), SPAN), max_size=30)


@given(STEPS, SPAN)
def test_they_hold_what_a_set_would(steps: list[tuple[bool, tuple[int, int]]], window: tuple[int, int]) -> None:
    ranges, model = Ranges(), set[int]()
    for add, (first, last) in steps:
        if add:
            ranges.add(first, last)
            model |= set(range(first, last + 1))
        else:
            ranges.remove(first, last)
            model -= set(range(first, last + 1))
    assert {n for a, b in ranges for n in range(a, b + 1)} == model
    assert all(a <= b for a, b in ranges)
    assert all(later[0] - earlier[1] > 1 for earlier, later in zip(list(ranges), list(ranges)[1:], strict=False))
    assert all((number in ranges) == (number in model) for number in range(60))
    inside = set(range(window[0], window[1] + 1))
    assert {n for a, b in ranges.missing(*window) for n in range(a, b + 1)} == inside - model
    assert {n for a, b in ranges.within(*window) for n in range(a, b + 1)} == inside & model
    assert ranges.last() == max(model, default=0)
    end = ranges.end_from(window[0])
    assert set(range(window[0], end + 1)) <= model
    assert end + 1 not in model
    assert Ranges(ranges) == ranges == ranges.copy()


def test_a_copy_goes_its_own_way() -> None:
    ranges = Ranges([(1, 5)])
    twin = ranges.copy()
    twin.add(7, 7)
    assert 7 not in ranges
