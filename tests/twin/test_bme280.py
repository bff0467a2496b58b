"""The chip model against drivers of other people and of our own: both must find the truth."""

import importlib
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

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


class _Bus:
    """As much of busio.I2C as adafruit_bus_device asks for."""

    def __init__(self, chip: BME280, address: int = 0x76) -> None:
        self._chip, self._address, self._register = chip, address, 0

    def try_lock(self) -> bool:
        return True

    def unlock(self) -> None:
        pass

    def probe(self, address: int) -> bool:
        return address == self._address

    def writeto(self, address: int, buffer: bytearray, *, start: int = 0, end: int | None = None) -> None:
        data = bytes(buffer[start:end])
        if address != self._address:
            raise OSError(19)
        if data:
            self._register = data[0]
        if len(data) > 1:
            self._chip.write(data[0], data[1:])

    def readfrom_into(self, address: int, buffer: bytearray, *, start: int = 0, end: int | None = None) -> None:
        assert address == self._address
        stop = len(buffer) if end is None else end
        buffer[start:stop] = self._chip.read(self._register, stop - start)

    def writeto_then_readfrom(self, address: int, out: bytearray, into: bytearray, **where: Any) -> None:
        self.writeto(address, out, start=where.get("out_start", 0), end=where.get("out_end"))
        self.readfrom_into(address, into, start=where.get("in_start", 0), end=where.get("in_end"))


def _adafruit(bench: _Bench) -> Any:
    adafruit = importlib.import_module("adafruit_bme280.basic")  # the check is worth nothing where it is skipped
    return adafruit.Adafruit_BME280_I2C(_Bus(bench.chip), 0x76)


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
        bench.chip.write(0xF2, b"\x01")
        bench.chip.write(0xF4, b"\x25")
        bench.now += 1.0
        dumps.append(bench.chip.read(0, 256).hex())
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
    assert chip.read(0xD0, 1) == b"\x60"
    assert chip.read(0xF7, 8) == bytes.fromhex("8000008000008000")
    chip.write(0xF4, b"\x24")
    assert chip.read(0xF4, 1) == b"\x24"
    chip.write(0xE0, b"\xb5")
    assert chip.read(0xF4, 1) == b"\x24"
    chip.write(0xE0, b"\xb6")
    assert chip.read(0xF4, 1) == b"\x00"


def test_forced_mode_measures_once_and_takes_its_time() -> None:
    now = [0.0]
    chip = BME280(lambda: Climate(20.0, 101325.0, 50.0), lambda: now[0])
    now[0] = 1.0
    chip.write(0xF2, b"\x01")
    chip.write(0xF4, b"\x25")
    assert chip.read(0xF3, 1)[0] & 8
    assert chip.read(0xF7, 3) == b"\x80\x00\x00"
    now[0] += 0.0093
    assert not chip.read(0xF3, 1)[0] & 8
    assert chip.read(0xF7, 3) != b"\x80\x00\x00"
    assert chip.read(0xF4, 1) == b"\x24"  # asleep again


def test_humidity_needs_ctrl_hum_before_ctrl_meas() -> None:
    now = [0.0]
    chip = BME280(lambda: Climate(20.0, 101325.0, 50.0), lambda: now[0])
    chip.write(0xF4, b"\x25")
    chip.write(0xF2, b"\x01")
    now[0] = 1.0
    assert chip.read(0xFD, 2) == b"\x80\x00"
    chip.write(0xF4, b"\x25")
    now[0] = 2.0
    assert chip.read(0xFD, 2) != b"\x80\x00"
