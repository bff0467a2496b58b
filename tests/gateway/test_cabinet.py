"""The cabinet's own BME280: its climate in the gateway's message, and its absence no more than a word there."""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adafruit_bus import Bus
from gateway_rig import MORNING, City, TurnedClock, write_clock
from stoep import cabinet, settings
from stoep.cabinet import Cabinet
from stoep.errors import SettingsError
from stoep.health import Counters
from stoep.service.service import Service
from stoep.uplink.dialects.native import timestamp
from stoep.wire.channels import catalogue
from stoep_twin.chips.bme280 import BME280, Climate, Words
from stoep_twin.chips.chip import Chip


class Wired(Bus):
    """A bus whose wires can come off."""

    def __init__(self, chips: dict[int, Chip]) -> None:
        super().__init__(chips)
        self.off = False
        self.hanging: threading.Event | None = None
        self.uses = 0

    def _use(self) -> None:
        self.uses += 1
        if self.hanging is not None:
            self.hanging.wait(10)
        if self.off:
            raise OSError(121, "Remote I/O error")

    def writeto(self, address: int, buffer: bytearray, *, start: int = 0, end: int | None = None) -> None:
        self._use()
        super().writeto(address, buffer, start=start, end=end)

    def readfrom_into(self, address: int, buffer: bytearray, *, start: int = 0, end: int | None = None) -> None:
        self._use()
        super().readfrom_into(address, buffer, start=start, end=end)


class Stuck(Chip):
    """Its data line is held high: every byte is 0xff."""

    def write(self, data: bytes) -> bool:  # noqa: ARG002 -- it takes what comes
        return True

    def read(self, count: int) -> bytes:
        return b"\xff" * count


@pytest.fixture
def chip() -> BME280:
    return BME280(lambda: Climate(31.25, 100_870.0, 62), time.monotonic, Words.of_chip(3))


@pytest.fixture
def bus(chip: BME280) -> Wired:
    return Wired({0x76: chip})


@pytest.fixture
def sensor(bus: Wired, clock: TurnedClock) -> Cabinet:
    return Cabinet(0x76, clock, catalogue(), Counters("cabinet_failures"), timestamp, lambda: bus)


def test_the_cabinets_climate_is_told_with_units_quality_and_time(sensor: Cabinet, clock: TurnedClock) -> None:
    assert sensor.status() == {}
    sensor.turn()
    told = dict(sensor.status())
    assert told.pop("time") == "2026-06-01T06:00:00Z"
    assert told.pop("time_quality") == "synced"
    assert told["temperature"]["value"] == pytest.approx(31.25, abs=0.02)
    assert told["humidity"]["value"] == pytest.approx(62, abs=0.05)
    assert told["pressure"]["value"] == pytest.approx(1008.7, abs=0.05)
    assert [told[name]["unit"] for name in ("temperature", "humidity", "pressure")] == ["°C", "%", "hPa"]
    assert told["temperature"]["quality"] == {"flag": 1, "reason": "in range"}
    clock.is_trusted = False
    sensor.turn()
    assert (sensor.status()["time"], sensor.status()["time_quality"]) == (None, None)


def test_a_sensor_that_is_not_there_is_said_with_what_to_look_at(clock: TurnedClock) -> None:
    counters = Counters()
    absent = Cabinet(0x77, clock, catalogue(), counters, timestamp, lambda: Wired({}))
    absent.turn()
    assert absent.status() == {
        "problem": "no BME280 at 0x77: is I2C enabled (raspi-config), is it wired, "
        "is its address the other of 0x76 and 0x77?"
    }
    absent.turn()
    assert counters["cabinet_failures"] == 2


def test_wires_that_come_off_are_said_and_forgotten_when_they_are_back(
    sensor: Cabinet, bus: Wired, chip: BME280, caplog: pytest.LogCaptureFixture
) -> None:
    sensor.turn()
    bus.off = True
    sensor.turn()
    sensor.turn()
    assert "no BME280 at 0x76" in sensor.status()["problem"]
    assert "temperature" not in sensor.status()  # no data is no number
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 2  # off, then not found
    chip.reset()  # it was without power: it forgot how it was set
    bus.off = False
    sensor.turn()
    assert sensor.status()["temperature"]["value"] == pytest.approx(31.25, abs=0.02)


def test_a_bus_that_fails_within_a_reading_is_said(sensor: Cabinet, bus: Wired) -> None:
    sensor.turn()
    bus.off = True
    sensor.turn()
    assert sensor.status()["problem"] == "the BME280 at 0x76 does not answer (Remote I/O error): check its wires"


def test_a_chip_that_never_ends_measuring_is_given_up(
    sensor: Cabinet, bus: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor.turn()
    monkeypatch.setattr(cabinet, "_BUS_SECONDS", 0.1)
    bus._chips = {0x76: Stuck()}
    began = time.monotonic()
    sensor.turn()
    assert time.monotonic() - began < 1.0
    assert "the BME280 at 0x76 is stuck" in sensor.status()["problem"]
    sensor.turn()
    assert "what answers at 0x76 is no BME280" in sensor.status()["problem"]


@pytest.mark.parametrize("module", ["adafruit_bme280", "board"])
def test_a_missing_package_names_the_extra(
    module: str, clock: TurnedClock, bus: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    where = cabinet.pi_bus if module == "board" else lambda: bus
    sensor = Cabinet(0x76, clock, catalogue(), Counters(), timestamp, where)
    sensor.turn()
    assert sensor.status()["problem"] == f"{module} is not installed: say pip install 'stoep[pi]'"


def test_a_machine_without_the_bus_is_said(clock: TurnedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    class Board:
        @staticmethod
        def I2C() -> Any:  # noqa: N802 -- as Blinka calls it
            raise ValueError("No Hardware I2C on (scl,sda)=(3, 2)")

    monkeypatch.setitem(sys.modules, "board", Board)
    sensor = Cabinet(0x76, clock, catalogue(), Counters(), timestamp)
    sensor.turn()
    assert "there is no I2C bus here (No Hardware I2C on (scl,sda)=(3, 2))" in sensor.status()["problem"]


def test_a_bus_that_hangs_holds_up_nobody_and_is_said(
    sensor: Cabinet, bus: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cabinet, "_HANGS", 0.2)
    bus.hanging = threading.Event()
    sensor.start()
    try:
        deadline = time.monotonic() + 5
        while "hangs" not in sensor.status().get("problem", ""):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        began = time.monotonic()
        sensor.stop()
        assert time.monotonic() - began < 0.1
    finally:
        bus.hanging.set()
        sensor._thread.join(10)
        assert not sensor._thread.is_alive()


def test_the_service_runs_with_a_bus_that_hangs_and_says_so(
    site: Callable[..., Path],
    broker_port: int,
    city: City,
    tmp_path: Path,
    bus: Wired,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    monkeypatch.setattr(cabinet, "_HANGS", 0.2)
    service = Service(settings.load(site(broker=broker_port, more="[cabinet]\nbme280 = true\n")))
    assert service._cabinet is not None
    bus.hanging = threading.Event()
    service._cabinet._open = lambda: bus
    stop = threading.Event()
    running = threading.Thread(target=service.run, args=(stop,))
    running.start()
    try:
        said = city.wait(lambda city: [s for s in city.of("/gateway") if "problem" in s.get("cabinet", {})])[0]
        assert "the I2C bus hangs" in said["cabinet"]["problem"]
        assert service._pulse.stalled(1.5) == []
    finally:
        began = time.monotonic()
        stop.set()
        running.join(10)
        bus.hanging.set()
    assert time.monotonic() - began < 5
    service._cabinet._thread.join(10)


def test_only_the_two_addresses_of_the_chip_are_taken(site: Callable[..., Path]) -> None:
    with pytest.raises(SettingsError, match=r"cabinet\.address = 104: invalid enum value 104"):
        settings.load(site(more="[cabinet]\nbme280 = true\naddress = 0x68\n"))
    assert settings.load(site(more="[cabinet]\naddress = 0x77\n")).cabinet.address == 0x77
