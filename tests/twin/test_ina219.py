"""The current sensor's model against its datasheet, another's driver and our own."""

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from adafruit_bus import Bus
from stoep.resources import firmware_dir
from stoep_twin.chips.ina219 import INA219

_ADDRESS = 0x40


class _Bench:
    def __init__(self, volts: float = 24.0, amperes: float = 0.6) -> None:
        self.truth = (volts, amperes)
        self.now = 10.0
        self.chip = INA219(lambda: self.truth, self._tick)

    def _tick(self) -> float:
        self.now += 0.001
        return self.now

    def word(self, register: int) -> int:
        assert self.chip.write(bytes((register,)))
        return int.from_bytes(self.chip.read(2) or b"", "big")


@pytest.mark.parametrize(("volts", "amperes"), [(0.0, 0.0), (5.0, 0.125), (12.02, 1.5), (24.0, -0.6), (31.0, 3.1)])
def test_adafruits_driver_finds_the_truth(volts: float, amperes: float) -> None:
    bench = _Bench(volts, amperes)
    driver: Any = importlib.import_module("adafruit_ina219").INA219(Bus({_ADDRESS: bench.chip}))
    assert driver.bus_voltage == pytest.approx(volts, abs=0.004)
    assert driver.shunt_voltage == pytest.approx(amperes * 0.1, abs=0.00001)
    assert driver.current == pytest.approx(amperes * 1000, abs=0.2)
    assert driver.power == pytest.approx(volts * abs(amperes), abs=0.02)
    assert not driver.overflow


def test_after_a_reset_it_measures_by_itself_and_clips_at_its_gain() -> None:
    bench = _Bench(20.0, 9.0)
    assert bench.word(0) == 0x399F
    assert bench.word(1) == 32000
    assert bench.word(2) >> 3 == 5000
    assert bench.chip.write(b"\x00\x01\x9f")  # ±40 mV, 16 V
    bench.now += 0.1
    assert bench.word(1) == 4000
    assert bench.word(2) >> 3 == 4000
    assert bench.chip.write(b"\x00\x80\x00")
    assert bench.word(0) == 0x399F


def test_one_conversion_is_ready_once_and_takes_its_time() -> None:
    bench = _Bench()
    assert bench.chip.write(b"\x00\x3d\xdb")
    assert not bench.word(2) & 2
    bench.now += 0.0086
    assert bench.word(2) & 2
    bench.truth = (24.0, 0.1)
    bench.now += 1.0
    assert bench.word(1) == 6000
    bench.word(3)  # reading the power clears the bit
    assert not bench.word(2) & 2


_MAIN = """
import sys
sys.path.append({node!r})
import machine
from node.sensors.ina219 import INA219
i2c = machine.I2C(0, scl=machine.Pin(22), sda=machine.Pin(21), freq=100_000)
sensor = INA219(i2c, 0x40, 100)
for turn in range(3):
    try:
        print(sensor.check(), *sensor.read())
    except (OSError, ValueError) as error:
        print(type(error).__name__, error)
machine.deepsleep()
"""

_FAULTS = {
    "absent": "OSError [Errno 19] ENODEV",
    "silent in mid-transfer": "OSError [Errno 19] ENODEV",
    "slow": "OSError (116, 'the INA219 stays busy')",
    "another chip": "ValueError configuration 0x1234 after a reset: that is no INA219",
    "out of range": "ValueError more current than the shunt can show: 320 mV over it",
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", _FAULTS)
def test_our_driver_names_each_fault_and_finds_the_truth_again(
    on_bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    class _Faulty(INA219):
        fault = "none"
        turns = 0

        def __init__(self, _truth: Any, *about: Any) -> None:
            super().__init__(lambda: (24.0, 9.0 if self.fault == "out of range" else -0.6), *about)

        def write(self, data: bytes) -> bool:
            if data == b"\x00\x80\x00":  # each turn begins so; the second meets the fault
                self.turns += 1
                self.fault = fault if self.turns == 2 else "none"
            return self.fault != "absent" and super().write(data)

        def read(self, count: int) -> bytes | None:
            data = super().read(count)
            if self.fault == "silent in mid-transfer" or data is None:
                return None
            if self.fault == "slow" and self._at == 2:
                return bytes((data[0], data[1] & 0xFD))
            return b"\x12\x34" if self.fault == "another chip" else data

    monkeypatch.setattr("stoep_twin.parts.INA219", _Faulty)
    bench = on_bench(_MAIN.format(node=str(firmware_dir())), lambda bench: bench.until_lines(3), drawing="lamppost")
    assert bench.lines == ["INA219 24000 -600", _FAULTS[fault], "INA219 24000 -600"]
