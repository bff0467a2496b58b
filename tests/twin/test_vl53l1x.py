"""The optical range finder's model against what ST's driver shows, another's driver and our own."""

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from adafruit_bus import Bus
from stoep.resources import firmware_dir
from stoep_twin.chips.vl53l1x import VL53L1X

_ADDRESS = 0x29
_START = 1_780_293_600.0


class _Bench:
    def __init__(self, millimetres: float = 640.0) -> None:
        self.truth = millimetres
        self.now = 10.0
        self.chip = VL53L1X(lambda: self.truth, lambda: self.now, seed=5)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("truth", [60.0, 640.0, 1310.0, 3900.0])
@pytest.mark.parametrize("mode", [1, 2])
def test_adafruits_driver_finds_the_truth(truth: float, mode: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = _Bench(truth)
    bench.now += 1.0
    monkeypatch.setattr("time.sleep", bench.sleep)
    driver: Any = importlib.import_module("adafruit_vl53l1x").VL53L1X(Bus({_ADDRESS: bench.chip}))
    driver.distance_mode = mode
    driver.timing_budget = 100
    driver.start_ranging()
    assert not driver.data_ready
    bench.now += 0.101
    assert driver.data_ready
    assert driver.distance == pytest.approx(truth / 10, abs=1.2)
    driver.clear_interrupt()
    assert not driver.data_ready


def test_it_boots_first_and_ranges_only_when_started() -> None:
    bench = _Bench()
    assert not bench.chip.write(b"\x01\x0f")
    bench.now += 0.002
    assert bench.chip.write(b"\x01\x0f")
    assert bench.chip.read(3) == b"\xea\xcc\x10"
    bench.now += 5.0
    assert bench.chip.write(b"\x00\x96")
    assert bench.chip.read(2) == b"\x00\x00"


@pytest.mark.parametrize(("truth", "status"), [(20.0, 8), (4500.0, 4), (500.0, 9)])
def test_its_status_says_why_there_is_no_distance(truth: float, status: int) -> None:
    bench = _Bench(truth)
    bench.now += 1.0
    assert bench.chip.write(b"\x00\x87\x40")
    bench.now += 0.5
    assert bench.chip.write(b"\x00\x89")
    assert bench.chip.read(1) == bytes((status,))


_MAIN = """
import sys
sys.path.append({node!r})
import machine, time
from node.sensors.vl53l1x import VL53L1X
i2c = machine.I2C(0, scl=machine.Pin(22), sda=machine.Pin(21), freq=100_000)
sensor = VL53L1X(i2c, 0x29)
time.sleep_ms(1000)
for turn in range(3):
    try:
        print("mm", sensor.read())
    except (OSError, ValueError) as error:
        print(type(error).__name__, error)
machine.deepsleep()
"""

_FAULTS = {
    "absent": "OSError [Errno 19] ENODEV",
    "silent in mid-transfer": "OSError [Errno 19] ENODEV",
    "another chip": "ValueError model eeaa is no VL53L1X",
    "slow": "OSError (116, 'the VL53L1X stays busy')",
    "blocked": "ValueError blocked: something is nearer than 40 mm",
    "out of range": "ValueError no echo in range: 5 shots of 5",
    "wild": "ValueError no three shots agree",
    "one outlier": "mm",
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", _FAULTS)
def test_our_driver_names_each_fault_and_finds_the_truth_again(
    on_bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    class _Faulty(VL53L1X):
        fault = "none"
        turns = 0
        shots = 0

        def __init__(self, truth: Callable[[], float], *about: Any) -> None:
            super().__init__(lambda: self._seen(truth()), *about)

        def _seen(self, truth: float) -> float:
            self.shots += 1
            if self.fault == "wild":
                return 300.0 + 700.0 * (self.shots % 5)
            return {"blocked": 12.0, "out of range": 4400.0}.get(
                self.fault, 2000.0 if self.fault == "one outlier" and self.shots % 5 == 2 else truth
            )

        def write(self, data: bytes) -> bool:
            if data == b"\x01\x0f":  # each turn begins so; the second meets the fault
                self.turns += 1
                self.fault = fault if self.turns == 2 else "none"
            return self.fault != "absent" and super().write(data)

        def read(self, count: int) -> bytes | None:
            data = super().read(count)
            if data is None or (self.fault == "silent in mid-transfer" and self._at == 0x96):
                return None
            if self.fault == "another chip" and self._at == 0x10F:
                return b"\xee\xaa"
            return b"\x00" if self.fault == "slow" and self._at == 0x31 else data

    monkeypatch.setattr("stoep_twin.parts.VL53L1X", _Faulty)
    bench = on_bench(_MAIN.format(node=str(firmware_dir())), lambda bench: bench.until_lines(3))
    truth = bench.place.distance_mm(_START)
    first, second, third = bench.lines
    for said in (first, third, *([second] if fault == "one outlier" else [])):
        assert int(said.removeprefix("mm ")) == pytest.approx(truth, abs=12)
    assert second.startswith(_FAULTS[fault])
