"""The accelerometer's model against its datasheet, another's driver and our own."""

import importlib
import itertools
import math
from collections.abc import Iterator

import pytest

from adafruit_bus import Bus
from stoep_twin.chips.lis3dh import LIS3DH, Axes
from stoep_twin.world.lid import LID_OPEN_S
from stoep_twin.world.place import Place

_START = 1_780_293_600.0
_SUMMER_TIME = 7200.0
_GRID: list[Axes] = [
    (x, y, z) for x, y, z in itertools.product((-0.9, 0.0, 0.13, 1.0), repeat=3) if 0.6 < math.hypot(x, y, z) < 1.4
]
_TILTED: Axes = (0.866, 0.0, 0.5)


class _Bench:
    """One chip whose world can be moved: `moves` are (from, to, what it feels then)."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.still: Axes = (0.0, 0.0, 1.0)
        self.moves: list[tuple[float, float, Axes]] = []
        self.chip = LIS3DH(self._felt, lambda: self.now, self._events)
        self.now += 1

    def _felt(self, at: float) -> Axes:
        return next((felt for begin, end, felt in self.moves if begin <= at < end), self.still)

    def _events(self, since: float) -> Iterator[float]:
        return (begin for begin, _, _ in self.moves if begin >= since)

    def put(self, register: int, *values: int) -> None:
        assert self.chip.write(bytes((register | 0x80, *values)))

    def get(self, register: int, count: int = 1) -> bytes:
        assert self.chip.write(bytes((register | 0x80,)))
        data = self.chip.read(count)
        assert data is not None
        return data

    def words(self) -> list[int]:
        return [int.from_bytes(self.get(0x28 + at, 2), "little", signed=True) for at in (0, 2, 4)]

    def watch(self, control_2: int = 0x01, control_5: int = 0x08, duration: int = 0) -> None:
        """Latched wake-up at 10 Hz as in AN3308's example with the high-pass filter."""
        self.put(0x20, 0x2F, control_2, 0x40, 0x00, control_5)
        self.put(0x32, 0x10, duration)
        self.now += 0.5
        self.get(0x26)
        self.put(0x30, 0x2A)


def test_registers_after_power_on() -> None:
    bench = _Bench()
    assert bench.get(0x0F) == b"\x33"
    assert bench.get(0x1E, 9) == b"\x10\x00\x07\x00\x00\x00\x00\x00\x00"
    assert bench.get(0x30, 4) == bytes(4)
    bench.put(0x0F, 0x12)
    assert bench.get(0x0F) == b"\x33"
    bench.now += 60
    assert bench.get(0x27, 7) == bytes(7)  # powered down: nothing new, and nothing at all


def test_it_does_not_answer_while_it_loads_its_calibration() -> None:
    bench = _Bench()
    bench.chip.reset()
    assert not bench.chip.write(b"\x0f")
    assert bench.chip.read(1) is None
    bench.now += 0.005
    assert bench.get(0x0F) == b"\x33"


def test_the_address_counts_up_only_if_its_highest_bit_says_so() -> None:
    bench = _Bench()
    bench.chip.write(b"\x20\x57\x00")
    assert bench.get(0x20, 2) == b"\x00\x00"  # written twice
    bench.chip.write(b"\x0f")
    assert bench.chip.read(3) == b"\x33\x33\x33"


@pytest.mark.parametrize(
    ("control_1", "control_4", "word"),
    [
        (0x57, 0x00, 250 << 6),  # 10 bits of 4 mg
        (0x5F, 0x00, 62 << 8),  # 8 bits of 16 mg
        (0x57, 0x08, 1000 << 4),  # 12 bits of 1 mg
        (0x57, 0x18, 500 << 4),
        (0x57, 0x28, 250 << 4),
        (0x57, 0x38, 83 << 4),
        (0x5F, 0x30, 5 << 8),
    ],
)
def test_resolution_and_full_scale(control_1: int, control_4: int, word: int) -> None:
    bench = _Bench()
    bench.put(0x23, control_4)
    bench.put(0x20, control_1)
    bench.now += 0.1
    assert bench.words() == [0, 0, word]


def test_beyond_the_full_scale_it_saturates_and_an_axis_may_be_off() -> None:
    bench = _Bench()
    bench.still = (3.0, -3.0, -3.0)
    bench.put(0x20, 0x53)
    bench.now += 0.1
    assert bench.words() == [0x7FC0, -0x8000, 0]


def test_samples_come_at_the_rate_and_are_said_to_be_new() -> None:
    bench = _Bench()
    bench.put(0x20, 0x27)
    bench.now += 0.05
    assert bench.get(0x27) == b"\x00"
    bench.now += 0.06
    assert bench.get(0x27) == b"\x0f"
    bench.words()
    assert bench.get(0x27) == b"\x00"
    bench.now += 0.21
    assert bench.get(0x27) == b"\xff"  # two more: one was overrun
    bench.put(0x20, 0x07)
    bench.words()
    bench.still = _TILTED
    bench.now += 5
    assert bench.words() == [0, 0, 250 << 6]  # what was there when it was powered down
    assert bench.get(0x27) == b"\x00"


def test_with_block_data_update_both_bytes_are_of_one_sample() -> None:
    bench = _Bench()
    bench.put(0x23, 0x80)
    bench.put(0x20, 0x57)
    bench.now += 0.1
    bench.get(0x2C)
    bench.still = (0.0, 0.0, -0.004)
    bench.now += 0.1
    assert bench.get(0x2D) == bytes((250 << 6 >> 8,))
    bench.now += 0.1
    assert bench.words()[2] == -1 << 6


def test_the_self_test_pushes_either_way() -> None:
    bench = _Bench()
    bench.put(0x20, 0x57)
    found = []
    for control in (0x00, 0x02, 0x04):
        bench.put(0x23, control)
        bench.now += 0.1
        found.append([word >> 6 for word in bench.words()])
    for rest, one, other, force in zip(*found, bench.chip.force, strict=True):
        assert 17 <= one - rest <= 360  # table 4
        assert one - rest == pytest.approx(force * 250, abs=1)
        assert other - rest == rest - one


def test_a_movement_sets_the_line_until_the_source_is_read() -> None:
    bench = _Bench()
    bench.moves = [(1100.0, 1108.0, _TILTED)]
    bench.watch()
    assert not bench.chip.level("INT")
    risen = bench.chip.next_level("INT", True, bench.now)
    assert risen is not None
    assert 1100.0 <= risen <= 1100.11
    bench.now = risen - 0.01
    assert not bench.chip.level("INT")
    bench.now = risen + 0.01
    assert bench.chip.level("INT")
    bench.now = 1500.0
    assert bench.chip.level("INT")
    assert bench.chip.next_level("INT", True, bench.now) == bench.now
    assert bench.chip.next_level("INT", False, bench.now) is None
    assert bench.get(0x31) == b"\x62"  # x and z
    assert not bench.chip.level("INT")
    assert bench.get(0x31) == b"\x00"
    assert bench.chip.next_level("INT", True, bench.now) is None  # nothing more will happen


def test_the_board_may_look_as_often_as_it_likes() -> None:
    seldom, often = _Bench(), _Bench()
    for bench in (seldom, often):
        bench.moves = [(1100.0, 1108.0, _TILTED)]
        bench.watch()
    while often.now < 1120.0:
        often.now += 0.37
        often.chip.level("INT")
    seldom.now = often.now
    assert often.get(0x31) == seldom.get(0x31) == b"\x62"


def test_a_tilt_that_stays_is_forgotten_by_the_filter_and_gravity_is_no_movement() -> None:
    bench = _Bench()
    bench.moves = [(1100.0, math.inf, _TILTED)]
    bench.watch()
    bench.now = 1100.3
    assert bench.get(0x31) == b"\x62"
    bench.now = 1100.5
    assert bench.chip.level("INT")  # it is still far from what the filter takes for rest
    bench.now = 1110.0
    bench.get(0x31)
    bench.now = 1120.0
    assert not bench.chip.level("INT")
    bench.put(0x21, 0x00)  # without the filter gravity itself is above the threshold
    bench.now += 0.2
    assert bench.chip.level("INT")


def test_out_of_power_down_gravity_is_a_movement_until_the_filter_is_reset() -> None:
    bench = _Bench()
    bench.put(0x20, 0x2F, 0x01, 0x40, 0x00, 0x08)
    bench.put(0x32, 0x10)
    bench.put(0x30, 0x2A)
    bench.now += 0.15
    assert bench.get(0x31) == b"\x60"
    bench.get(0x26)
    bench.get(0x31)
    bench.now += 1.0
    assert bench.get(0x31) == b"\x00"


def test_a_knock_between_two_samples_is_missed_and_one_shorter_than_the_duration_too() -> None:
    bench = _Bench()
    bench.still = (0.0, 0.0, 0.1)
    bench.watch(control_2=0x00, duration=5)  # with the filter the swing back counts, too
    bench.moves = [(1100.0, 1100.4, (0.0, 0.0, 2.0)), (1200.0, 1200.8, (0.0, 0.0, 2.0))]
    risen = bench.chip.next_level("INT", True, bench.now)
    assert risen is not None
    assert 1200.5 <= risen <= 1200.7
    short = _Bench()
    short.watch()
    caught = 0
    for shift in range(20):
        short.moves = [(1100.0 + shift * 10.005, 1100.04 + shift * 10.005, (0.0, 0.0, 2.0))]
        caught += short.chip.next_level("INT", True, short.moves[0][0] - 1) is not None
    assert 4 <= caught <= 14  # 40 ms of each 100 ms


def test_unlatched_the_line_follows_and_it_may_be_turned_round_or_not_wired() -> None:
    bench = _Bench()
    bench.moves = [(1100.0, 1101.0, _TILTED)]
    bench.watch(control_5=0x00)
    risen = bench.chip.next_level("INT", True, bench.now)
    assert risen is not None
    bench.now = risen
    assert bench.chip.level("INT")
    fallen = bench.chip.next_level("INT", False, bench.now)
    assert fallen is not None
    assert 1101.0 < fallen < 1104.0
    bench.now = fallen
    assert not bench.chip.level("INT")
    bench.put(0x25, 0x02)
    assert bench.chip.level("INT")
    assert bench.chip.next_level("INT", True, bench.now) == bench.now
    bench.put(0x22, 0x00)
    bench.put(0x25, 0x00)
    assert bench.chip.next_level("INT", True, bench.now) is None


def test_adafruits_driver_finds_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = _Bench()
    adafruit = importlib.import_module("adafruit_lis3dh")

    def sleep(seconds: float) -> None:
        bench.now += seconds

    monkeypatch.setattr("time.sleep", sleep)
    driver = adafruit.LIS3DH_I2C(Bus({0x18: bench.chip}), address=0x18)
    assert driver.data_rate == adafruit.DATARATE_400_HZ
    for scale in (adafruit.RANGE_2_G, adafruit.RANGE_4_G, adafruit.RANGE_8_G, adafruit.RANGE_16_G):
        driver.range = scale
        for truth in _GRID:
            bench.still = truth
            bench.now += 0.1
            # It takes a g for 1,024 digits; the datasheet says 1,000 (1 mg a digit), at ±16 g 83 for 85.
            for value, true in zip(driver.acceleration, truth, strict=True):
                assert value / 9.806 == pytest.approx(true, rel=0.03, abs=0.008)


def test_a_lid_is_opened_more_often_by_day_and_the_chip_feels_each_opening() -> None:
    place = Place(1, 1, _START)
    day = list(itertools.takewhile(lambda at: at < _START + 86400, place.lid_openings(_START)))
    assert 10 < len(day) < 150
    assert day == list(itertools.takewhile(lambda at: at < _START + 86400, Place(1, 1, 0.0).lid_openings(_START)))
    assert all(later - earlier > LID_OPEN_S + 2 for earlier, later in itertools.pairwise(day))
    by_hour = [(at + _SUMMER_TIME) % 86400 // 3600 for at in day]
    assert sum(7 <= hour < 21 for hour in by_hour) > 5 * sum(not 6 <= hour < 22 for hour in by_hour)
    for opened in day:
        assert math.hypot(*place.acceleration(opened - 1)) == pytest.approx(1.0)
        for at, degrees in ((opened - 1, 0), (opened + 4, 60)):
            sway = place.sway_degrees(at, at)
            assert sway < 2
            leans = math.degrees(math.atan2(place.acceleration(at)[0], place.acceleration(at)[2]))
            assert leans == pytest.approx(degrees + place.lean_degrees, abs=sway)
    now = [_START - 100.0]
    chip = LIS3DH(place.acceleration, lambda: now[0], place.lid_movements)
    now[0] = _START
    for data in (b"\xa0\x2f\x11\x40\x00\x08", b"\xb2\x10\x00"):
        assert chip.write(data)
    now[0] += 0.5
    chip.write(b"\x26")
    chip.read(1)
    chip.write(b"\x30\x2a")
    for opened in [at for at in day if at > _START + 1][:20]:
        risen = chip.next_level("INT", True, now[0])
        assert risen is not None
        assert opened <= risen < opened + 1
        now[0] = opened + 20.0
        chip.write(b"\x31")
        assert chip.read(1) != b"\x00"
