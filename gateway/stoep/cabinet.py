"""The climate of the street cabinet, from the Pi's own BME280: does the electronics get too warm, does water come in.

Nothing of the street hangs on it, so whatever is wrong with it is told in the gateway's health and tried again, from a
thread of its own: an I2C bus that hangs holds up nobody, and the watchdog does not ask after it.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from stoep.clock import Clock, real
from stoep.errors import TransientError
from stoep.health import Counters
from stoep.store.verdict import Flag
from stoep.store.windows import TimeQuality
from stoep.wire.channels import Catalogue

_log = logging.getLogger(__name__)
_EVERY = 60.0  # seconds from one reading to the next
_AGAIN = 15.0  # after one that failed
_BUS_SECONDS = 2.0  # for all of a reading; the chip needs a tenth
_HANGS = 10.0  # seconds in a reading after which the bus is said to hang: the kernel should have given up
_MEASURED = ("temperature", "humidity", "pressure")  # by the catalogue's names; the driver's units are the catalogue's

Bus = Callable[[], Any]
Spell = Callable[[float], str]


class CabinetError(TransientError):
    """No reading now, and why."""


class Reading(NamedTuple):
    """In °C, % and hPa; `time` as it is published, None while the clock is not trusted."""

    temperature: float
    humidity: float
    pressure: float
    time: str | None


def pi_bus() -> Any:
    """The Pi's I2C bus 1. Raises CabinetError."""
    try:
        import board

        return board.I2C()
    except ImportError as error:
        raise CabinetError(f"{error.name or error} is not installed: say pip install 'stoep[pi]'") from error
    except Exception as error:  # Blinka has no errors of its own: what it meets on a strange machine comes out as it is
        problem = f"there is no I2C bus here ({error or type(error).__name__})"
        raise CabinetError(f"{problem}: enable it with raspi-config, and let the service's user use it") from error


class _Patient:
    """A bus for a driver that would ask a chip for ever whether it has measured: after `until` it fails."""

    def __init__(self, bus: Any) -> None:
        self._bus = bus
        self.until = 0.0

    def __getattr__(self, name: str) -> Any:
        if real() > self.until:
            raise TimeoutError("it says that it is measuring, and does not end")
        return getattr(self._bus, name)

    def unlock(self) -> None:
        self._bus.unlock()


class Cabinet:
    """`spell` makes a published time of Unix seconds, `bus` opens the I2C bus (`busio.I2C`)."""

    def __init__(
        self, address: int, clock: Clock, catalogue: Catalogue, counters: Counters, spell: Spell, bus: Bus = pi_bus
    ) -> None:
        self._address = address
        self._clock = clock
        self._channels = [channel for channel in catalogue.channels.values() if channel.name in _MEASURED]
        self._counters = counters
        self._spell = spell
        self._open = bus
        self._bus: _Patient | None = None
        self._driver: Any = None
        self._reading: Reading | None = None
        self._began: float | None = None  # the reading under way
        self.problem: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cabinet", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Does not wait: the thread may hang in the kernel, and holds nothing that must be kept."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.turn()
            self._stop.wait(_EVERY if self.problem is None else _AGAIN)

    def turn(self) -> None:
        """One reading, or one problem. Never raises."""
        self._began = real()
        try:
            self._reading, problem = self._read(), None
        except CabinetError as error:
            problem = str(error)
        except TimeoutError as error:
            problem = f"the BME280 at {self._where} is stuck ({error}): take its power away and give it back"
        except OSError as error:
            problem = f"the BME280 at {self._where} does not answer ({error.strerror or error}): check its wires"
        except Exception as error:  # noqa: BLE001 -- a driver of other people, for a luxury: it must not end the service
            problem = f"the BME280 at {self._where} cannot be read ({error or type(error).__name__})"
        finally:
            self._began = None
        if problem is None and self.problem is not None:
            _log.info("the cabinet's BME280 is read again")
        elif problem is not None:
            self._reading = self._driver = None  # set up again: it may have been without power
            self._counters.add("cabinet_failures")
            if problem != self.problem:
                _log.warning("%s; trying again", problem)
        self.problem = problem

    @property
    def _where(self) -> str:
        return f"0x{self._address:02x}"

    def _read(self) -> Reading:
        if self._driver is None:
            self._driver = self._connect()
        assert self._bus is not None
        self._bus.until = real() + _BUS_SECONDS
        time = self._spell(self._clock.utc()) if self._clock.trusted() else None
        driver = self._driver
        return Reading(float(driver.temperature), float(driver.humidity), float(driver.pressure), time)

    def _connect(self) -> Any:
        try:
            from adafruit_bme280 import basic
        except ImportError as error:
            raise CabinetError(f"{error.name or error} is not installed: say pip install 'stoep[pi]'") from error
        if self._bus is None:
            self._bus = _Patient(self._open())
        self._bus.until = real() + _BUS_SECONDS
        try:
            return basic.Adafruit_BME280_I2C(self._bus, self._address)
        except ValueError as error:
            questions = "is I2C enabled (raspi-config), is it wired, is its address the other of 0x76 and 0x77?"
            raise CabinetError(f"no BME280 at {self._where}: {questions}") from error
        except RuntimeError as error:
            raise CabinetError(f"what answers at {self._where} is no BME280 ({error})") from error

    def status(self) -> Mapping[str, Any]:
        """For the gateway's message: the last reading, or what is wrong; JSON-able."""
        began, reading = self._began, self._reading
        if began is not None and real() - began > _HANGS:
            hangs = "the I2C bus hangs: check its wires, take the sensor's power away and give it back"
            return {"problem": hangs}
        if self.problem is not None:
            return {"problem": self.problem}
        if reading is None:
            return {}
        told: dict[str, Any] = {"time": reading.time}
        told["time_quality"] = None if reading.time is None else TimeQuality.SYNCED.word
        for channel in self._channels:
            value = round(getattr(reading, channel.name), channel.decimals)
            good = channel.lowest <= value * 10**channel.decimals <= channel.highest
            quality = {"flag": int(Flag.GOOD if good else Flag.FAIL), "reason": "in range" if good else "out of range"}
            told[channel.name] = {"value": value, "unit": channel.unit, "quality": quality}
        return told
