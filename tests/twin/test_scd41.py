"""The CO₂ sensor's model against its datasheet, another's driver and our own."""

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from adafruit_bus import Bus
from stoep.resources import firmware_dir
from stoep_twin.chips.scd41 import SCD41, crc8

_ADDRESS = 0x62
_START = 1_780_293_600.0


class _Bench:
    def __init__(self) -> None:
        self.truth = (455.0, 18.25, 61.0)
        self.now = 100.0
        self.chip = SCD41(lambda: self.truth, lambda: self.now, seed=9)
        self.now += 2.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_datasheets_checksum_comes_out() -> None:
    """Section 3.12: CRC of 0xBEEF is 0x92."""
    assert crc8(b"\xbe\xef") == 0x92


@pytest.mark.parametrize("truth", [(415.0, -8.0, 90.0), (800.0, 21.5, 35.0), (4800.0, 38.0, 12.0)])
def test_adafruits_driver_finds_the_truth(truth: tuple[float, float, float], monkeypatch: pytest.MonkeyPatch) -> None:
    bench = _Bench()
    bench.truth = truth
    monkeypatch.setattr("time.sleep", bench.sleep)
    driver: Any = importlib.import_module("adafruit_scd4x").SCD4X(Bus({_ADDRESS: bench.chip}))
    assert len(driver.serial_number) == 6
    driver.self_test()
    driver.start_periodic_measurement()
    bench.now += 4.0
    assert not driver.data_ready
    bench.now += 1.5
    assert driver.data_ready
    assert abs(driver.CO2 - truth[0]) <= 8
    assert driver.temperature == pytest.approx(truth[1], abs=0.01)
    assert driver.relative_humidity == pytest.approx(truth[2], abs=0.01)
    driver.stop_periodic_measurement()
    driver.measure_single_shot()
    bench.now += 5.0
    assert abs(driver.CO2 - truth[0]) <= 8


def test_it_acknowledges_nothing_while_it_works() -> None:
    bench = _Bench()
    assert bench.chip.write(b"\x21\x9d")
    bench.now += 4.9
    assert not bench.chip.write(b"\xe4\xb8")
    assert bench.chip.read(3) is None
    bench.now += 0.2
    assert bench.chip.write(b"\xe4\xb8")
    bench.now += 0.01
    assert bench.chip.read(3) == b"\x80\x06" + bytes((crc8(b"\x80\x06"),))


def test_asleep_it_only_wakes_and_does_not_say_so() -> None:
    bench = _Bench()
    assert bench.chip.write(b"\x36\xe0")
    bench.now += 0.01
    assert not bench.chip.write(b"\x36\x82")
    assert not bench.chip.write(b"\x36\xf6")
    bench.now += 0.04
    assert bench.chip.write(b"\x36\x82")


def test_measuring_on_its_own_it_refuses_a_single_shot_and_a_wrong_checksum_is_no_argument() -> None:
    bench = _Bench()
    assert not bench.chip.write(b"\xe0\x00\x03\xe8\x00")
    assert bench.chip.write(b"\x21\xb1")
    assert not bench.chip.write(b"\x21\x9d")
    assert bench.chip.write(b"\x3f\x86")
    bench.now += 0.6
    assert bench.chip.write(b"\x21\x9d")


_MAIN = """
import sys
sys.path.append({node!r})
import machine, time
from node.sensors.scd41 import SCD41
i2c = machine.I2C(0, scl=machine.Pin(22), sda=machine.Pin(21), freq=100_000)
fed = []
def pause(ms):
    fed.append(1)
    time.sleep_ms(ms)
sensor = SCD41(i2c, 0x62, pause)
time.sleep_ms(2000)
print(sensor.check())
for turn in range(3):
    try:
        print("ppm", sensor.read(101325))
    except (OSError, ValueError) as error:
        print(type(error).__name__, error)
    time.sleep_ms(10_000)
print("fed", len(fed) >= 10)
machine.deepsleep()
"""

_FAULTS = {
    "absent": "OSError [Errno 19] ENODEV",
    "silent in mid-transfer": "OSError [Errno 19] ENODEV",
    "bad checksum": "OSError [Errno 5] EIO: the SCD41's checksum is wrong",
    "slow": "OSError (116, 'the SCD41 stays busy')",
    "out of range": "ValueError 0 ppm",
    "measuring on its own": "ppm",
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", _FAULTS)
def test_our_driver_names_each_fault_and_finds_the_truth_again(
    on_bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    class _Faulty(SCD41):
        fault = "none"
        shots = 0

        def write(self, data: bytes) -> bool:
            if data[:2] == b"\xe0\x00":  # each turn begins so; the second meets the fault
                self.shots += 1
                self.fault = fault if self.shots == 2 else "none"
                if self.fault == "measuring on its own":
                    super().write(b"\x21\xb1")
            if self.fault == "absent" or (self.fault == "slow" and data[:2] == b"\xe4\xb8"):
                return False
            return super().write(data)

        def read(self, count: int) -> bytes | None:
            data = super().read(count)
            if data is None or (self.fault == "silent in mid-transfer" and count > 3):
                return None
            if self.fault == "bad checksum" and count > 3:
                return data[:2] + bytes((data[2] ^ 1,)) + data[3:]
            if self.fault == "out of range" and count > 3:
                return b"\x00\x00" + bytes((crc8(b"\x00\x00"),)) + data[3:]
            return data

    monkeypatch.setattr("stoep_twin.parts.SCD41", _Faulty)
    bench = on_bench(_MAIN.format(node=str(firmware_dir())), lambda bench: bench.until_lines(5), drawing="lamppost")
    truth = bench.place.co2_ppm(_START)
    serial, first, second, third, fed = bench.lines
    assert serial.startswith("f896")
    for said in (first, third):
        assert int(said.removeprefix("ppm ")) == pytest.approx(truth, abs=10)
    assert second.startswith(_FAULTS[fault])
    assert fed == "fed True"
