import struct

from node.sensors import a02yyuw
from node.sensors.a02yyuw import A02YYUW
from node.sensors.bme280 import BME280
from node.sensors.voltage import Voltage


class Clock:
    """Time that passes only while somebody waits."""

    now = 0

    @staticmethod
    def ticks_ms():
        return Clock.now

    @staticmethod
    def ticks_diff(one, other):
        return one - other

    @staticmethod
    def sleep_ms(ms):
        Clock.now += ms


a02yyuw.time = Clock


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


def refused(script, kind, why=""):
    try:
        got = read(script)
    except kind as error:
        got = error
    if not isinstance(got, kind) or why not in str(got):
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


def test_blocked_no_echo_disagreement_and_silence_are_told_apart():
    refused(shot(0) * 5, ValueError, "blocked")
    refused(shot(29) * 3 + shot(700), ValueError, "blocked")
    refused(shot(4501) * 5, ValueError, "no echo")
    refused(b"".join(shot(mm) for mm in (400, 600, 800, 1000, 1200)), ValueError, "no three shots agree")
    refused(b"", OSError)


def test_a_range_finder_that_talks_is_sound_whatever_it_says():
    power = Power()
    assert A02YYUW(Uart(shot(0) * 2), power).check() == "A02YYUW" and power.log == [1, 0]
    try:
        A02YYUW(Uart(b"\xff\xff"), power).check()
        raise AssertionError("sound")
    except OSError:
        assert power.log == [1, 0, 1, 0]


class Adc:
    def __init__(self, *uv):
        self._uv = list(uv)

    def read_uv(self):
        return self._uv.pop(0)


def test_the_battery_is_the_median_times_the_divider():
    assert Voltage(Adc(1850000, 1860000, 100, 1855000, 3000000), 2000).read() == 3710


def test_an_open_divider_is_no_battery():
    try:
        Voltage(Adc(*[1000] * 5), 2000, 500).read()
        raise AssertionError("read")
    except ValueError:
        pass


class Chip:
    """A BME280 on a bus, with a datasheet-like calibration and raw words of our choice."""

    def __init__(self, temperature, pressure, humidity, chip_id=0x60, status=0):
        self.registers = bytearray(256)
        self.registers[0x88 : 0x88 + 26] = struct.pack(
            "<HhhHhhhhhhhhBB", 27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000, 0, 75
        )
        self.registers[0xE1 : 0xE1 + 7] = struct.pack("<hBbBbb", 370, 0, 20, 0x00, 3, 30)
        self.registers[0xD0] = chip_id
        self.registers[0xF3] = status
        words = (pressure >> 12, pressure >> 4, pressure << 4, temperature >> 12, temperature >> 4, temperature << 4)
        self.registers[0xF7 : 0xF7 + 8] = bytes([word & 0xFF for word in words + (humidity >> 8, humidity)])

    def readfrom_mem(self, address, register, count):
        if address != 0x76:
            raise OSError(19)
        return bytes(self.registers[register : register + count])

    def writeto_mem(self, address, register, value):
        self.registers[register] = value[0]


def refuses(chip, kind, address=0x76):
    try:
        BME280(chip, address).read()
    except kind:
        return
    raise AssertionError("read something")


def test_the_datasheets_example_comes_out():
    # BMP280 datasheet section 3.12 gives this calibration and these raw words: 25.08 °C, 100653.27 Pa
    temperature, pressure, _ = BME280(Chip(519888, 415148, 30000), 0x76).read()
    assert (temperature, pressure) == (2508, 100653)


def test_one_word_that_looks_like_reset_is_a_measurement_three_are_none():
    assert BME280(Chip(0x80000, 415148, 30000), 0x76).read()[0] > 2000
    refuses(Chip(0x80000, 0x80000, 0x8000), ValueError)


def test_what_lies_beyond_the_chips_range_is_no_measurement():
    refuses(Chip(900000, 415148, 30000), ValueError)
    refuses(Chip(519888, 1000, 30000), ValueError)


def test_a_chip_whose_calibration_is_blank_is_not_sound():
    sound = Chip(519888, 415148, 30000)
    assert BME280(sound, 0x76).check() == "BME280"
    sound.registers[0x88:0x8A] = bytes(2)
    try:
        BME280(sound, 0x76).check()
        raise AssertionError("sound")
    except ValueError:
        pass


def test_an_absent_a_foreign_and_a_busy_chip_are_told_apart():
    refuses(Chip(519888, 415148, 30000), OSError, address=0x77)
    refuses(Chip(519888, 415148, 30000, chip_id=0x58), ValueError)
    refuses(Chip(519888, 415148, 30000, status=0x08), OSError)
