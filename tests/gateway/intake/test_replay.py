"""Each counter is accepted once, and none from too far back."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from stoep.intake.replay import WIDTH, ReplayWindow, Verdict


def test_a_counter_is_fresh_once() -> None:
    window = ReplayWindow()
    assert window.look(5, b"frame", 0) is Verdict.FRESH
    window.accept(5, b"frame", 0)
    assert window.look(5, b"frame", 10) is Verdict.REPLAYED


def test_the_same_frame_at_once_is_an_echo_another_frame_is_not() -> None:
    window = ReplayWindow()
    window.accept(5, b"frame", 0)
    assert window.look(5, b"frame", 0.9) is Verdict.ECHO
    assert window.look(5, b"other", 0.9) is Verdict.REPLAYED


def test_each_of_several_frames_at_once_has_its_echo() -> None:
    window = ReplayWindow()
    for counter in range(1, 17):
        window.accept(counter, b"frame %d" % counter, counter / 20)
    assert {window.look(counter, b"frame %d" % counter, 0.9) for counter in range(1, 17)} == {Verdict.ECHO}


def test_a_frame_is_kept_no_longer_than_an_echo_of_it_can_come() -> None:
    window = ReplayWindow()
    frame = b"frame " + bytes(200)
    alone = sys.getrefcount(frame)
    window.accept(1, frame, 0)
    assert sys.getrefcount(frame) == alone + 1
    window.accept(2, b"next", 1.1)
    assert sys.getrefcount(frame) == alone


def test_looking_changes_nothing() -> None:
    window = ReplayWindow()
    window.look(2**40 - 1, b"forged", 0)
    assert window.look(1, b"true", 0) is Verdict.FRESH


@given(st.lists(st.integers(1, 200), max_size=100))
def test_it_is_the_set_of_counters_within_its_width(counters: list[int]) -> None:
    window, accepted, highest = ReplayWindow(), set[int](), 0
    for counter in counters:
        expected = counter not in accepted and counter > highest - WIDTH
        assert (window.look(counter, b"", 0) is Verdict.FRESH) == expected
        if expected:
            window.accept(counter, b"", 0)
            accepted.add(counter)
            highest = max(highest, counter)
