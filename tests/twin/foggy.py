"""Fog at a lamppost: the real drivers read the dust in the real interpreter, a reference stands beside, a fit is made.

The board reads one time after the other; between two readings the world leaps to the next hour. What the reference says
is the dust as it is weighed, one per cent wrong at random; the particles grow by the twin's physics (`world/haze.py`),
of which the gateway's correction knows nothing.
"""

import asyncio
import contextlib
import csv
import math
import random
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from typer.testing import CliRunner

from stoep import cli, settings
from stoep.clock import timestamp
from stoep.refine.calibration import apply
from stoep.refine.calibration.book import Book
from stoep.refine.calibration.file import load
from stoep.resources import firmware_dir, hardware_dir
from stoep.store import window_rows
from stoep.store.database import Database
from stoep.store.series import Taken
from stoep.store.windows import Corrected, TimeQuality, Window, start_of
from stoep.wire.channels import catalogue
from stoep_twin.air import Air, Radio
from stoep_twin.boards import Board
from stoep_twin.chips.bme280 import BME280
from stoep_twin.chips.pms5003 import PMS5003
from stoep_twin.clockwork import Clockwork
from stoep_twin.nursery import Nursery
from stoep_twin.surroundings import Surroundings
from stoep_twin.wiring import Wiring
from stoep_twin.world.place import Place

OCTOBER = 1_790_812_800  # 2026-10-01T00:00Z
DAY, HOUR = 86_400, 3_600
KID = bytes.fromhex("1a3b0001")
_SPEED = 1000.0
_FOGGY, _FOG_HOURS = 0.6, 3  # share of fog, and hours of it, that make a day one of fog
_CHANNEL = next(channel for channel in catalogue().channels.values() if channel.name == "pm2_5")
_HUMIDITY = next(channel for channel in catalogue().channels.values() if channel.name == "humidity")
_MAIN = """
import sys
sys.path.append({node!r})
import machine, time
from machine import I2C, Pin, UART
from node.generated import pins_lamppost as pins
from node.sensors.bme280 import BME280
from node.sensors.pms5003 import PMS5003
uart = UART(pins.PARTICLES_UART, baudrate=9600, tx=pins.PARTICLES_TX, rx=pins.PARTICLES_RX)
dust = PMS5003(uart, Pin(pins.PARTICLES_SET, Pin.OUT, value=0), time.sleep_ms)
climate = BME280(I2C(0, scl=Pin(pins.I2C_SCL), sda=Pin(pins.I2C_SDA), freq=100_000), pins.CLIMATE_ADDRESS)
for _ in range({count}):
    dust.wake()  # the world leaps
    humidity = climate.read()[2]
    print("read", dust.read()[1], humidity)
machine.deepsleep()
"""


class Read(NamedTuple):
    """Counts, as the node would report them."""

    at: int
    pm2_5: int
    humidity: int


class Error(NamedTuple):
    """Root mean squares against the dust as it is weighed, µg/m³; `fitted` and `general` corrected, of `count`."""

    raw: float
    fitted: float
    general: float
    count: int

    @property
    def ratio(self) -> float:
        return self.fitted / self.raw


def fog_days(place: Place, first: int, count: int) -> list[int]:
    """The begins of those of `count` days from `first` on."""
    days = (first + day * DAY for day in range(count))
    return [day for day in days if sum(map(place.weather.fog.share, hours(day))) >= _FOG_HOURS * _FOGGY]


def hours(day: int, step: int = 1) -> list[int]:
    return list(range(day, day + DAY, step * HOUR))


def read(folder: Path, place: Place, times: list[int]) -> list[Read]:
    """What a lamppost's firmware reads there at these times."""
    leaps = iter(times)
    now = times[0]

    class Dusty(PMS5003):
        def __init__(self, _truth: Any, clock: Any, seed: int, period: float, settles: float, _unit: Any) -> None:
            super().__init__(lambda: place.seen_dust(now), clock, seed, period, settles, place.dust_unit)

        def drive(self, role: str, level: bool) -> None:
            nonlocal now
            if level:
                now = next(leaps, now)
            super().drive(role, level)

    class Damp(BME280):
        def __init__(self, _truth: Any, clock: Any, words: Any) -> None:
            super().__init__(lambda: place.climate(now), clock, words)

    with mock.patch("stoep_twin.parts.PMS5003", Dusty), mock.patch("stoep_twin.parts.BME280", Damp):
        lines = asyncio.run(_lived(folder, place, _MAIN.format(node=str(firmware_dir()), count=len(times)), len(times)))
    return [Read(at, *map(int, line.split()[1:])) for at, line in zip(times, lines, strict=True)]


async def _lived(folder: Path, place: Place, main: str, count: int) -> list[str]:
    firmware = folder / "firmware"
    firmware.mkdir(parents=True)
    (firmware / "boot.py").write_text("")
    (firmware / "main.py").write_text(main)
    clock = Clockwork(folder / "clock", OCTOBER * 1_000_000, _SPEED)
    nursery = Nursery()
    nursery.open(folder / "nursery.log")
    lines: list[str] = []
    faults: list[str] = []
    around = Surroundings(clock, nursery, Air(0.0, 1), firmware, lambda _, line: lines.append(line.text), faults.append)
    wiring = Wiring(hardware_dir() / "lamppost.toml", place, lambda: clock.utc_us() / 1e6, _SPEED, 1)
    radio = Radio(b"\x24\x0a\xc4\x00\x00\x01", 10.0, False, lambda *_: None)
    board = Board("lamp-1", folder / "board", radio.mac, 0, wiring, radio, around)
    life = asyncio.create_task(board.live())
    try:
        async with asyncio.timeout(10 + count):
            while len(lines) < count and not faults:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        life.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await life
        nursery.close()
        board.close()
        clock.close()
    assert not faults, faults
    return lines[:count]


class Site:
    """A gateway's files and store, in which a lamppost's readings lie."""

    def __init__(self, folder: Path, reads: list[Read]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "gateway.toml"
        self.config.write_text('[site]\nname = "quay"\n[[bridge]]\nport = "auto"\n[mqtt]\nhost = "city.example"\n')
        (folder / "nodes.toml").write_text(f'[[node]]\nkid = "{KID.hex()}"\nname = "lamp-1"\nkind = "lamppost"\n')
        (folder / "secrets.toml").write_text(f'[secrets]\n{KID.hex()} = "{"ab" * 32}"\n')
        (folder / "secrets.toml").chmod(0o600)
        self.windows = {read.at: _window(number, read) for number, read in enumerate(reads, 1)}
        database = Database(folder / "stoep.db")
        with database.transaction() as sql:
            window_rows.save(sql, self.windows.values())
        database.close()

    def calibrate(self, *options: str) -> str:
        command = ["calibrate", "lamp-1", "--config", str(self.config), *options]
        done = CliRunner().invoke(cli.build(), command)
        assert done.exit_code == 0, done.output
        return done.output

    def book(self) -> Book:
        chosen = settings.load(self.config)
        return load(chosen.path(chosen.calibration.file), chosen.calibration)

    def corrected(self, at: int, book: Book) -> float:
        """The mean of the window that began then, as it would be published."""
        found = apply.window(self.windows[at], book, catalogue())[_CHANNEL.id]
        assert isinstance(found, Corrected)
        return found.total.total / found.total.count / 100


def _window(number: int, read: Read) -> Window:
    window = Window(KID, start_of(read.at), revision=1)
    counts = {_CHANNEL.id: read.pm2_5, _HUMIDITY.id: read.humidity}
    window.samples.add(Taken(read.at * 1_000_000, 1, number, TimeQuality.SYNCED, counts))
    return window


def reference(file: Path, place: Place, times: list[int], seed: int) -> Path:
    chance = random.Random(f"{seed}/reference")
    with file.open("w", newline="", encoding="utf-8") as opened:
        rows = csv.writer(opened)
        rows.writerow(["time", "pm2_5 (µg/m³)"])
        rows.writerows((timestamp(at), f"{place.dust(at).pm2_5 * chance.uniform(0.99, 1.01):.3f}") for at in times)
    return file


def errors(site: Site, place: Place, times: list[int]) -> Error:
    fitted, general = site.book(), Book()
    truths = [place.dust(at).pm2_5 for at in times]
    raw = [float(next(iter(site.windows[at].samples)).counts[_CHANNEL.id]) for at in times]
    return Error(
        _rms(raw, truths),
        _rms([site.corrected(at, fitted) for at in times], truths),
        _rms([site.corrected(at, general) for at in times], truths),
        len(times),
    )


def _rms(said: list[float], truths: list[float]) -> float:
    return math.sqrt(sum((one - true) ** 2 for one, true in zip(said, truths, strict=True)) / len(said))


class Trial(NamedTuple):
    days: int
    fog: Error
    said: str


def trial(folder: Path, seed: int, days: int = 14, step: int = 2, most: int = 4) -> Trial:
    """A lamppost of the street with this seed: `days` beside a reference, then `most` days of fog without."""
    place = Place(seed, 1, OCTOBER)
    beside = [at for day in range(days) for at in hours(OCTOBER + day * DAY, step)]
    foggy = fog_days(place, OCTOBER + days * DAY, 60)[:most]
    after = [at for day in foggy for at in hours(day, step)]
    site = Site(folder / "site", read(folder, place, beside + after))
    file = reference(folder / "station.csv", place, beside, seed)
    said = site.calibrate("--channel", "pm2_5", "--against", str(file), "--picture", str(folder / "fit.svg"), "--apply")
    return Trial(len(foggy), errors(site, place, after), said)
