"""A node insists less while nobody answers, and trusts itself less after wakes that went wrong."""

from node import patience
from node.generated import catalogue as its
from node.memory import Memory, unpack


def silent_wakes(count, chance):
    memory = Memory()
    skipped = 0
    for _ in range(count):
        while patience.may_skip(memory, []):
            skipped += 1
        patience.unheard(memory, chance)
    return memory, skipped


def test_the_first_silent_wakes_skip_nothing_and_insist():
    memory, skipped = silent_wakes(2, 255)
    assert skipped == 0
    assert memory.skip == 0
    assert patience.attempts(Memory()) == 4
    assert patience.attempts(memory) == 2


def test_later_ones_skip_more_but_never_more_than_four():
    assert [silent_wakes(count, 4)[0].skip for count in range(3, 9)] == [0, 1, 0, 4, 4, 4]
    for chance in range(256):
        assert 0 <= silent_wakes(12, chance)[0].skip <= 4


def test_chance_spreads_a_street_over_the_wakes():
    assert {silent_wakes(8, chance)[0].skip for chance in range(256)} == {0, 1, 2, 3, 4}


def test_an_alarm_waits_for_nobody_and_an_answer_ends_it():
    memory, _ = silent_wakes(10, 4)
    assert memory.skip == 4
    assert not patience.may_skip(memory, [(4, 12)])
    assert memory.skip == 4
    patience.heard(memory)
    assert not patience.may_skip(memory, [])
    assert patience.attempts(memory) == 4


def lives(memory, goes, tick=1000):
    """Whether each wake was a whole one, of wakes that end or do not."""
    whole = []
    for well in goes:
        whole.append(patience.begin(memory, tick))
        if well:
            patience.ended(memory, whole[-1])
        tick += 900
    return whole


def test_wakes_that_end_never_lead_to_safe_mode():
    assert lives(Memory(), [True] * 40) == [True] * 40
    assert lives(Memory(), ([False] * 4 + [True]) * 8) == [True] * 40


def test_five_bad_wakes_in_a_row_leave_only_talks():
    memory = Memory()
    assert lives(memory, [False] * 5) == [True] * 5
    assert lives(memory, [True] * 10) == [False] * 10


def test_once_a_day_it_tries_again_and_a_whole_wake_ends_it():
    memory = Memory()
    lives(memory, [False] * 5)
    memory.tried = 5000
    assert lives(memory, [True], 5000 + 86399) == [False]
    assert lives(memory, [False, True, True], 5000 + 86400) == [True, False, False]
    assert lives(memory, [True, True], 5000 + 3 * 86400) == [True, True]


def test_it_says_so_and_says_when_it_is_over():
    memory = Memory()
    patience.begin(memory, 0)
    assert patience.alarms(memory) == []
    patience.begin(memory, 900)
    assert patience.alarms(memory) == [(its.ALARM_CRASHED, 1, its.FAILURES, 1)]
    memory.raised |= 1 << its.ALARM_CRASHED
    for _ in range(4):
        patience.begin(memory, 900)
    assert patience.alarms(memory) == [(its.ALARM_SAFE_MODE, 1, its.FAILURES, 5)]
    memory.raised |= 1 << its.ALARM_SAFE_MODE
    patience.ended(memory, True)
    patience.begin(memory, 900)
    assert [alarm[:2] for alarm in patience.alarms(memory)] == [(its.ALARM_CRASHED, 0), (its.ALARM_SAFE_MODE, 0)]


def test_the_account_outlives_the_sleep():
    memory = Memory()
    memory.silent, memory.skip, memory.unfinished, memory.tried = 3, 2, 4, 86400
    again = unpack(memory.pack())
    assert (again.silent, again.skip, again.unfinished, again.tried) == (3, 2, 4, 86400)
