"""A node insists less while nobody answers."""

from node import patience
from node.memory import Memory


def silent_wakes(count, chance):
    memory = Memory()
    for _ in range(count):
        memory.skip = 0  # the wakes that are let pass
        patience.unheard(memory, chance)
    return memory


def test_the_first_silent_wakes_skip_nothing_and_insist():
    memory = silent_wakes(2, 255)
    assert memory.skip == 0
    assert patience.attempts(Memory()) == 4
    assert patience.attempts(memory) == 2


def test_later_ones_skip_more_but_never_more_than_four():
    assert [silent_wakes(count, 4).skip for count in range(3, 9)] == [0, 1, 0, 4, 4, 4]
    for chance in range(256):
        assert 0 <= silent_wakes(12, chance).skip <= 4


def test_chance_spreads_a_street_over_the_wakes():
    assert {silent_wakes(8, chance).skip for chance in range(256)} == {0, 1, 2, 3, 4}


def test_an_answer_ends_it():
    memory = silent_wakes(10, 4)
    assert memory.skip == 4
    patience.heard(memory)
    assert memory.skip == 0
    assert patience.attempts(memory) == 4
