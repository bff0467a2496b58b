"""A technician's Ctrl-C in the moment after a cold boot; the rest of the board is played here."""

import sys


class Played:
    """Modules of the board, as far as `node.visit` uses them."""

    def __init__(self):
        self.millivolts = 3700
        self.presses_at = None  # the second in which Ctrl-C comes
        self.seconds = 0
        self.fed = 0
        self.interrupts = []
        self.callback = None
        self.stopped = False

    # -- machine and its parts

    def pin(self, number):
        return number

    def read_uv(self):
        return self.millivolts * 500

    def init(self, period, mode, callback):
        self.period, self.callback = period, callback

    def deinit(self):
        self.stopped = True

    # -- watchdog, console, time

    def watchdog(self):
        return self

    def feed(self):
        self.fed += 1

    def kbd_intr(self, which):
        self.interrupts.append(which)

    def sleep_ms(self, _milliseconds):
        self.seconds += 1
        if self.seconds == self.presses_at:
            raise KeyboardInterrupt


def visit_on(played):
    """`node.visit` with the board's modules played."""
    machine = _Module()
    machine.Pin, machine.ADC, machine.Timer = played.pin, _Adc(played), _Timer(played)
    sys.modules["machine"] = machine
    power = _Module()
    power.watchdog = played.watchdog
    sys.modules["node.power"] = power
    node = sys.modules.get("node") or __import__("node")
    node.power = power
    sys.modules.pop("node.visit", None)
    from node import visit

    visit.machine, visit.power = machine, power
    visit.time = visit.micropython = played
    return visit


class _Module:
    pass


class _Adc:
    ATTN_11DB = 3

    def __init__(self, played):
        self._played = played

    def __call__(self, _pin, atten):
        return self._played


class _Timer:
    PERIODIC = 1

    def __init__(self, played):
        self._played = played

    def __call__(self, _number):
        return self._played


def test_nobody_comes_and_the_node_goes_on():
    played = Played()
    assert not visit_on(played).comes("bin")
    assert played.seconds == 3
    assert played.fed == 3
    assert played.interrupts == [3, -1]
    assert played.callback is None


def test_a_ctrl_c_opens_the_repl_and_the_watchdog_is_fed_for_half_an_hour():
    played = Played()
    played.presses_at = 2
    assert visit_on(played).comes("bench")
    assert played.period == 10_000
    before = played.fed
    for _ in range(180):
        played.callback(None)
    assert not played.stopped
    played.callback(None)
    assert played.stopped
    assert played.fed - before == 180


def test_an_empty_battery_has_no_moment_to_give():
    played = Played()
    played.millivolts = 3050
    played.presses_at = 1
    assert not visit_on(played).comes("bin")
    assert played.seconds == 0


def test_mains_always_has_one():
    played = Played()
    played.millivolts = 0
    played.presses_at = 1
    assert visit_on(played).comes("lamppost")
