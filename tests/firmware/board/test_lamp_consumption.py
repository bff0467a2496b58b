"""What a lamp used and how long it shone, second by second; clock and pins are played here."""

import sys


class _Played:
    """The board's machine and the node's clock."""

    I2C = Pin = None

    def __init__(self):
        self.seconds = 0

    def tick(self):
        return self.seconds


def consumption_on(played):
    sys.modules["machine"] = played
    from node.lamp import consumption

    consumption.clock = consumption.schedule.clock = played
    counted = consumption.Consumption()
    counted._look = lambda _share: None
    return counted


def shine(played, counted, level, seconds):
    for _ in range(seconds):
        played.seconds += 1
        counted.account(None, level)


def test_lit_is_every_second_in_which_it_shines_however_little():
    played = _Played()
    counted = consumption_on(played)
    shine(played, counted, 1000, 100)
    shine(played, counted, 300, 50)
    shine(played, counted, 0, 700)
    shine(played, counted, 10, 7)
    assert counted.take()[2] == 157
    shine(played, counted, 0, 60)
    assert counted.take() == (0, 600, 0)  # mWh of 36 W for a minute: a schedule nobody knows means lit


def test_a_second_in_which_nobody_turned_is_counted_with_the_next():
    played = _Played()
    counted = consumption_on(played)
    played.seconds = 40
    counted.account(None, 1000)
    counted.account(None, 1000)
    assert counted.take()[2] == 40
