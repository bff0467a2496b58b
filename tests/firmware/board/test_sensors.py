from node.sensors.a02yyuw import A02YYUW
from node.sensors.battery import Battery


class Power:
    def __init__(self):
        self.log = []

    def value(self, level):
        self.log.append(level)


class Uart:
    """Gives the bytes of `script`, a few at a time."""

    def __init__(self, script, piece=3):
        self._left = bytearray(script)
        self._piece = piece
        self._stale = 1

    def any(self):
        if self._stale:
            self._stale = 0
            return 0
        return min(len(self._left), self._piece)

    def read(self, count):
        got = bytes(self._left[:count])
        self._left = self._left[count:]
        return got


def shot(distance):
    high, low = distance >> 8, distance & 0xFF
    return bytes((0xFF, high, low, (0xFF + high + low) & 0xFF))


def read(script):
    power = Power()
    try:
        return A02YYUW(Uart(script), power).read()
    finally:
        assert power.log == [1, 0], "the sensor's supply is switched off whatever happens"


def refused(script, kind):
    try:
        got = read(script)
    except kind:
        return
    raise AssertionError("read %r" % got)


def test_the_median_of_five_shots_ignores_outliers():
    assert read(shot(801) + shot(799) + shot(4400) + shot(800) + shot(31)) == 800


def test_it_falls_into_step_behind_rubbish():
    assert read(b"\xff\x03" + b"".join(shot(500) for _ in range(6))) == 500


def test_three_whole_shots_are_enough_two_are_not():
    assert read(shot(700) * 3) == 700
    refused(shot(700) * 2, OSError)


def test_a_wrong_checksum_is_no_shot():
    refused(b"".join(shot(700)[:3] + b"\x00" for _ in range(8)), OSError)


def test_no_echo_is_told_apart_from_silence():
    refused(shot(0) * 5, ValueError)
    refused(b"", OSError)


class Adc:
    def __init__(self, *uv):
        self._uv = list(uv)

    def read_uv(self):
        return self._uv.pop(0)


def test_the_battery_is_the_median_times_the_divider():
    assert Battery(Adc(1850000, 1860000, 100, 1855000, 3000000), 2000).read() == 3710


def test_an_open_divider_is_no_battery():
    try:
        Battery(Adc(*[1000] * 5), 2000).read()
        raise AssertionError("read")
    except ValueError:
        pass
