"""A node trusts itself less after wakes that went wrong, and tries again."""

from node import trust
from node.generated import catalogue as its
from node.memory import Memory
from node.recall import unpack


def lives(memory, goes, tick=1000):
    """Whether each wake was a whole one, of wakes that end or do not."""
    whole = []
    for well in goes:
        whole.append(trust.begin(memory, tick))
        if well:
            trust.ended(memory, whole[-1])
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
    trust.begin(memory, 0)
    assert trust.alarms(memory) == []
    trust.begin(memory, 900)
    assert trust.alarms(memory) == [(its.ALARM_CRASHED, 1, its.FAILURES, 1)]
    memory.raised |= 1 << its.ALARM_CRASHED
    for _ in range(4):
        trust.begin(memory, 900)
    assert trust.alarms(memory) == [(its.ALARM_SAFE_MODE, 1, its.FAILURES, 5)]
    memory.raised |= 1 << its.ALARM_SAFE_MODE
    trust.ended(memory, True)
    trust.begin(memory, 900)
    assert [alarm[:2] for alarm in trust.alarms(memory)] == [(its.ALARM_CRASHED, 0), (its.ALARM_SAFE_MODE, 0)]


def test_the_account_outlives_the_sleep():
    memory = Memory()
    memory.silent, memory.skip, memory.unfinished, memory.tried = 3, 2, 4, 86400
    again = unpack(memory.pack())
    assert (again.silent, again.skip, again.unfinished, again.tried) == (3, 2, 4, 86400)
