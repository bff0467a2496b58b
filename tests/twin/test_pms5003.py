"""The particle sensor's model against its data manual, another's driver and our own."""

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from stoep.resources import firmware_dir
from stoep_twin.chips.chip import Chip
from stoep_twin.chips.pms5003 import PMS5003, Dust

_FRAME = 32


class _Bench:
    def __init__(self, dust: Dust) -> None:
        self.dust = dust
        self.now = 1000.0
        self.chip = PMS5003(lambda: self.dust, lambda: self.now, seed=4)


def _command(code: int, value: int) -> bytes:
    body = bytes((0x42, 0x4D, code, 0, value))
    return body + sum(body).to_bytes(2, "big")


def _frames(data: bytes) -> list[bytes]:
    frames = [data[at : at + _FRAME] for at in range(0, len(data), _FRAME)]
    assert all(len(frame) == _FRAME and frame[:4] == b"\x42\x4d\x00\x1c" for frame in frames)
    assert all(sum(frame[:-2]) == int.from_bytes(frame[-2:], "big") for frame in frames)
    return frames


@pytest.mark.parametrize("dust", [Dust(3, 5, 8), Dust(40, 66, 91), Dust(300, 500, 700)])
def test_adafruits_driver_finds_the_dust(dust: Dust) -> None:
    bench = _Bench(dust)
    bench.now += 60
    bench.chip.sent(1000)

    class _Line:
        waiting = b""

        def read(self, count: int) -> bytes:
            if len(self.waiting) < count:
                bench.now += 1.0
                self.waiting += bench.chip.sent(1000)
            given, self.waiting = self.waiting[:count], self.waiting[count:]
            return given

    driver: Any = importlib.import_module("adafruit_pm25.uart").PM25_UART(_Line(), None)
    for name, truth in (("pm10 env", dust.pm1_0), ("pm25 env", dust.pm2_5), ("pm100 env", dust.pm10)):
        assert driver.read()[name] == pytest.approx(truth, rel=0.03, abs=1)


def test_it_speaks_once_a_second_while_its_fan_runs_and_too_high_at_first() -> None:
    bench = _Bench(Dust(20, 30, 40))
    bench.now += 2.5
    early = _frames(bench.chip.sent(1000))
    assert len(early) == 2
    assert all(int.from_bytes(frame[10:12], "big") > 40 for frame in early)
    bench.chip.drive("SET", False)
    bench.now += 10
    assert bench.chip.sent(1000) == b""
    bench.chip.drive("SET", True)
    bench.now += 31
    settled = _frames(bench.chip.sent(1000))[-1]
    assert int.from_bytes(settled[10:12], "big") == pytest.approx(20, abs=1)


def test_commands_put_it_to_sleep_and_make_it_wait_to_be_asked() -> None:
    bench = _Bench(Dust(20, 30, 40))
    bench.chip.received(_command(0xE1, 0))
    bench.now += 5
    assert bench.chip.sent(1000) == b""
    bench.chip.received(b"\x42" + _command(0xE2, 0))  # a byte of noise before it
    assert len(_frames(bench.chip.sent(1000))) == 1
    bench.chip.received(_command(0xE4, 0) + _command(0xE2, 0))
    bench.now += 5
    assert bench.chip.sent(1000) == b""
    bench.chip.received(_command(0xE4, 1))
    bench.chip.received(_command(0xE1, 1)[:-1] + b"\x00")  # a wrong sum is no command
    bench.now += 5
    assert bench.chip.sent(1000) == b""
    bench.chip.received(_command(0xE1, 1))
    bench.now += 5
    assert _frames(bench.chip.sent(1000))


class _Faulty(PMS5003):
    """The chip with what can happen to it and its line."""

    fault = "none"

    def sent(self, most: int) -> bytes:
        data = super().sent(most)
        if self.fault == "absent":
            return b""
        if self.fault == "silent in mid-transfer":
            return data[:20]
        if self.fault == "bad checksum":
            return b"".join(frame[:-1] + bytes((frame[-1] ^ 1,)) for frame in _frames(data))
        if self.fault == "blocked":
            return b"".join(_with(frame, {16: 0}) for frame in _frames(data))
        if self.fault == "out of range":
            return b"".join(_with(frame, {14: 60000}) for frame in _frames(data))
        if self.fault == "noise between":
            return b"".join(b"\x42\x42\x4d\x00" + frame for frame in _frames(data))
        return data


def _with(frame: bytes, words: dict[int, int]) -> bytes:
    changed = bytearray(frame)
    for at, value in words.items():
        changed[at : at + 2] = value.to_bytes(2, "big")
    return bytes(changed[:-2]) + sum(changed[:-2]).to_bytes(2, "big")


_MAIN = """
import sys
sys.path.append({node!r})
import machine, time
from node.sensors.pms5003 import PMS5003
fed = []
def pause(ms):
    fed.append(ms)
    time.sleep_ms(ms)
uart = machine.UART(1, baudrate=9600, tx=27, rx=26)
sensor = PMS5003(uart, machine.Pin(25, machine.Pin.OUT, value=0), pause)
for turn in range(3):
    try:
        print("values", *sensor.read())
    except (OSError, ValueError) as error:
        print(type(error).__name__, error)
    print("fed", len(fed) > 30 and max(fed) <= 1000, "running", machine.Pin(25).value())
    fed.clear()
machine.deepsleep()
"""

_FAULTS = {
    "absent": "OSError (116, 'the PMS5003 sent 0 frames",
    "silent in mid-transfer": "OSError (116, 'the PMS5003 sent 0 frames",
    "bad checksum": "OSError (116, 'the PMS5003 sent 0 frames",
    "blocked": "ValueError not one particle",
    "out of range": "ValueError PM1.0",
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", [*_FAULTS, "noise between"])
def test_our_driver_names_each_fault_and_finds_the_truth_again(
    on_bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    chips: list[Chip] = []

    class _OneFault(_Faulty):
        turns = 0

        def __init__(self, *about: Any) -> None:
            super().__init__(*about)
            chips.append(self)

        def drive(self, role: str, level: bool) -> None:
            if level:  # the second waking meets the fault
                self.turns += 1
                self.fault = fault if self.turns == 2 else "none"
            super().drive(role, level)

    monkeypatch.setattr("stoep_twin.parts.PMS5003", _OneFault)

    bench = on_bench(_MAIN.format(node=str(firmware_dir())), lambda bench: bench.until_lines(6), drawing="lamppost")
    assert chips
    truth = bench.place.dust_unit.says(bench.place.seen_dust(1_780_293_640.0))
    first, second, third = bench.lines[0], bench.lines[2], bench.lines[4]
    for said in (first, third, *([second] if fault == "noise between" else [])):
        word, *values = said.split()
        assert word == "values"
        for value, true in zip(values, (truth.pm1_0, truth.pm2_5, truth.pm10), strict=False):
            assert int(value) == pytest.approx(true, rel=0.05, abs=1)
    if fault in _FAULTS:
        assert second.startswith(_FAULTS[fault])
    assert bench.lines[1::2] == ["fed True running 0"] * 3
