"""The chip model against drivers of other people and of our own: both must find the truth."""

import importlib
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from adafruit_bus import Bus
from stoep_twin.chips.bme280 import BME280, Climate, Words

_GRID = [
    Climate(celsius, pascal, percent)
    for celsius, pascal, percent in itertools.product(
        (-20.0, 0.0, 18.53, 45.0), (87000.0, 101325.0, 104000.0), (12, 55, 97)
    )
]


class _Bench:
    def __init__(self, words: Words) -> None:
        self.truth = _GRID[0]
        self.now = 100.0
        self.chip = BME280(lambda: self.truth, self._tick, words)

    def _tick(self) -> float:
        self.now += 0.002
        return self.now


def _read(chip: BME280, register: int, count: int) -> bytes:
    assert chip.write(bytes((register,)))
    return chip.read(count)


def _adafruit(bench: _Bench) -> Any:
    adafruit = importlib.import_module("adafruit_bme280.basic")  # the check is worth nothing where it is skipped
    return adafruit.Adafruit_BME280_I2C(Bus({0x76: bench.chip}), 0x76)


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_adafruits_driver_finds_the_truth(seed: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = _Bench(Words() if seed is None else Words.of_chip(seed))
    monkeypatch.setattr("time.sleep", lambda _: None)
    driver = _adafruit(bench)
    for truth in _GRID:
        bench.truth = truth
        assert driver.temperature == pytest.approx(truth.celsius, abs=0.01)
        assert driver.pressure == pytest.approx(truth.pascal / 100, abs=0.02)
        assert driver.humidity == pytest.approx(truth.percent, abs=0.02)


def test_our_driver_and_adafruits_agree(run_micropython: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours runs in the real interpreter on the very registers that Adafruit's sees."""
    bench = _Bench(Words.of_chip(7))
    monkeypatch.setattr("time.sleep", lambda _: None)
    driver = _adafruit(bench)
    driver.overscan_pressure = driver.overscan_temperature = 1  # as ours: the resolution depends on it
    theirs, dumps = [], []
    for truth in _GRID:
        bench.truth = truth
        bench.chip.write(b"\xf2\x01")
        bench.chip.write(b"\xf4\x25")
        bench.now += 1.0
        dumps.append(_read(bench.chip, 0, 256).hex())
        theirs.append((driver.temperature, driver.pressure, driver.humidity))
    script = f"""
import json
from node.sensors.bme280 import BME280

class Bus:
    def readfrom_mem(self, address, register, count):
        return self.registers[register:register + count]
    def readfrom_mem_into(self, address, register, buffer):
        buffer[:] = self.registers[register:register + len(buffer)]
    def writeto_mem(self, address, register, data):
        pass

bus = Bus()
for dump in {dumps!r}:
    bus.registers = bytes.fromhex(dump)
    print(json.dumps(BME280(bus, 0x76).read()))
"""
    ours = [json.loads(line) for line in run_micropython(script).splitlines()]
    assert len(ours) == len(theirs)
    for (celsius, pascal, percent), (their_celsius, their_hectopascal, their_percent), truth in zip(
        ours, theirs, _GRID, strict=True
    ):
        assert celsius / 100 == pytest.approx(their_celsius, abs=0.01)
        assert pascal / 100 == pytest.approx(their_hectopascal, abs=0.02)
        assert percent / 100 == pytest.approx(their_percent, abs=0.02)
        assert celsius / 100 == pytest.approx(truth.celsius, abs=0.011)


def test_registers_after_reset_and_power_on() -> None:
    bench = _Bench(Words())
    chip = bench.chip
    assert _read(chip, 0xD0, 1) == b"\x60"
    assert _read(chip, 0xF7, 8) == bytes.fromhex("8000008000008000")
    chip.write(b"\xf4\x24")
    assert _read(chip, 0xF4, 1) == b"\x24"
    chip.write(b"\xe0\xb5")
    assert _read(chip, 0xF4, 1) == b"\x24"
    chip.write(b"\xe0\xb6")
    assert _read(chip, 0xF4, 1) == b"\x00"


def test_forced_mode_measures_once_and_takes_its_time() -> None:
    now = [0.0]
    chip = BME280(lambda: Climate(20.0, 101325.0, 50.0), lambda: now[0])
    now[0] = 1.0
    chip.write(b"\xf2\x01")
    chip.write(b"\xf4\x25")
    assert _read(chip, 0xF3, 1)[0] & 8
    assert _read(chip, 0xF7, 3) == b"\x80\x00\x00"
    now[0] += 0.0093
    assert not _read(chip, 0xF3, 1)[0] & 8
    assert _read(chip, 0xF7, 3) != b"\x80\x00\x00"
    assert _read(chip, 0xF4, 1) == b"\x24"  # asleep again


def test_humidity_needs_ctrl_hum_before_ctrl_meas() -> None:
    now = [0.0]
    chip = BME280(lambda: Climate(20.0, 101325.0, 50.0), lambda: now[0])
    chip.write(b"\xf4\x25")
    chip.write(b"\xf2\x01")
    now[0] = 1.0
    assert _read(chip, 0xFD, 2) == b"\x80\x00"
    chip.write(b"\xf4\x25")
    now[0] = 2.0
    assert _read(chip, 0xFD, 2) != b"\x80\x00"
