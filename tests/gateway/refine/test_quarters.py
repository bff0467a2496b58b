"""Numbers of quarters of an hour in arrays: what was put is there, and the oldest days go first."""

import pytest

from stoep.refine.quality.quarters import Quarters
from stoep.store.windows import SECONDS

NODE, OTHER = b"node", b"othr"
DAY = 86400


@pytest.mark.parametrize(("code", "most"), [("i", 2**31 - 1), ("b", 127)])
def test_what_was_put_is_there_by_channel(code: str, most: int) -> None:
    quarters = Quarters(code)
    quarters.put((NODE, 0), {1: -5, 5: most})
    quarters.put((NODE, SECONDS), {})
    quarters.put((NODE, DAY - SECONDS), {3: 0})
    assert quarters.get((NODE, 0)) == {1: -5, 5: most}
    assert quarters.get((NODE, SECONDS)) == {}
    assert quarters.get((NODE, DAY - SECONDS)) == {3: 0}
    for unknown in ((NODE, 2 * SECONDS), (NODE, DAY), (OTHER, 0)):
        assert quarters.get(unknown) is None
        assert unknown not in quarters
    assert (NODE, SECONDS) in quarters


def test_what_is_forgotten_is_unknown_and_its_neighbours_are_not() -> None:
    quarters = Quarters("i")
    for start in (0, SECONDS, 2 * SECONDS):
        quarters.put((NODE, start), {1: start})
    quarters.forget((NODE, SECONDS))
    quarters.forget((OTHER, 0))
    assert [quarters.get((NODE, start)) for start in (0, SECONDS, 2 * SECONDS)] == [{1: 0}, None, {1: 2 * SECONDS}]
    quarters.clear()
    assert (NODE, 0) not in quarters


def test_the_older_half_of_the_days_goes_when_there_are_too_many() -> None:
    quarters = Quarters("b")
    quarters.most = 4
    for day in (9, 2, 7, 1):
        quarters.put((NODE, day * DAY), {1: day})
    quarters.put((OTHER, 3 * DAY), {1: 3})
    assert [(NODE, day * DAY) in quarters for day in (1, 2, 7, 9)] == [False, False, True, True]
    assert quarters.get((OTHER, 3 * DAY)) == {1: 3}
    quarters.hold(10_000)
    assert quarters.most == 20_000
