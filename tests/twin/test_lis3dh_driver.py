"""Our driver of the accelerometer on a virtual board, with what can happen to the chip."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from stoep.resources import firmware_dir
from stoep_twin.chips.lis3dh import LIS3DH, Axes
from stoep_twin.world.place import Place

_START = 1_780_293_600.0
_TILTED: Axes = (0.866, 0.0, 0.5)


class _Faulty(LIS3DH):
    """The chip with what can happen to it and its bus. A turn begins when the board reads its identity."""

    fault = "none"

    def write(self, data: bytes) -> bool:
        if self.fault == "absent":
            return False
        if self.fault == "deaf to one register" and data[:1] == b"\xa8":
            return False
        return super().write(data)

    def read(self, count: int) -> bytes | None:
        if self.fault == "silent in mid-transfer" and count > 1:
            return None
        data = super().read(count)
        if self.fault == "another chip" and data is not None and self._at == 0x0F:
            return b"\x44"
        if self.fault == "slow" and self._at == 0x27:
            return b"\x00"
        if count > 1 and data is not None:
            words = {"stuck at zero": bytes(6), "out of range": b"\xc0\x7f" * 3}
            return words.get(self.fault, data)
        return data


_MAIN = """
import sys
sys.path.append({node!r})
import machine
from node.sensors.lis3dh import LIS3DH
fault = machine.Pin(33, machine.Pin.OUT)  # the test listens here
sensor = LIS3DH(machine.I2C(0, scl=machine.Pin(22), sda=machine.Pin(21)), 0x18)
for turn in range(3):
    fault.value(turn == 1)
    for call in (sensor.check, sensor.read, sensor.tilt):
        try:
            print(call())
        except (OSError, ValueError) as error:
            print(type(error).__name__, error)
print("done")
machine.deepsleep()
"""

_FAULTS = {  # what check and read say
    "absent": ("OSError [Errno 19]", "OSError [Errno 19]"),
    "deaf to one register": ("OSError [Errno 19]", "OSError [Errno 19]"),
    "silent in mid-transfer": ("OSError [Errno 19]", "OSError [Errno 19]"),
    "another chip": ("ValueError chip id 0x44", "("),
    "slow": ("OSError (116, 'the LIS3DH has no new sample')",) * 2,
    "stuck at zero": ("ValueError the LIS3DH's self-test moved it by 0, 0, 0 mg", "ValueError 0, 0, 0 mg"),
    "out of range": ("ValueError the LIS3DH's self-test", "ValueError 2044, 2044, 2044 mg"),
    "no force": ("ValueError the LIS3DH's self-test moved it by 0, 0, 0 mg", "("),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", _FAULTS)
def test_our_driver_names_each_fault_and_finds_the_truth_again(
    on_bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    chips: list[LIS3DH] = []

    class _OneFault(_Faulty):
        def __init__(self, *about: Any, **more: Any) -> None:
            super().__init__(*about, **more)
            self._truth = lambda _: (0.5, 0.0, 0.866)
            self._events = lambda _: iter(())
            chips.append(self)

        def drive(self, role: str, level: bool) -> None:
            assert role == "INT"
            self.fault = fault if level else "none"
            self.force = (0.0, 0.0, 0.0) if self.fault == "no force" else LIS3DH.force

    monkeypatch.setattr("stoep_twin.parts.LIS3DH", _OneFault)
    bench = on_bench(_MAIN.format(node=str(firmware_dir())), lambda bench: bench.until("done"))
    assert len(chips) == 1
    turns = [bench.lines[at : at + 3] for at in (0, 3, 6)]
    for check, read, tilt in (turns[0], turns[2]):
        assert check.startswith("LIS3DH, self-test 4")
        for value, true in zip(json.loads(read.replace("(", "[").replace(")", "]")), (500, 0, 866), strict=True):
            assert value == pytest.approx(true, abs=18)  # the chip's own error
        assert int(tilt) == pytest.approx(30, abs=1)
    for said, expected in zip(turns[1], _FAULTS[fault], strict=False):
        assert said.startswith(expected)


_WATCH = """
import sys
sys.path.append({node!r})
import esp32, machine, time
from node.sensors.lis3dh import LIS3DH
line = machine.Pin(33, machine.Pin.IN)
sensor = LIS3DH(machine.I2C(0, scl=machine.Pin(22), sda=machine.Pin(21)), 0x18)
if machine.reset_cause() == machine.DEEPSLEEP_RESET:
    print("woken", machine.wake_reason())
    print("high", line.value())
    print("tilt", sensor.tilt())
    print("source", sensor.source())
    time.sleep(40)
    sensor.source()
    print("tilt", sensor.tilt())
    print("source", sensor.source(), line.value())
    print("done")
    machine.deepsleep()
sensor.arm()
print("source", sensor.source(), line.value(), sensor.tilt())
time.sleep(5)
print("source", sensor.source(), line.value())
esp32.wake_on_ext0(line, esp32.WAKEUP_ANY_HIGH)
machine.deepsleep(100_000_000)
"""


@pytest.mark.slow
def test_an_opening_lid_wakes_the_board(on_bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    opens = _START + 60.0

    def felt(_: Place, at: float) -> Axes:
        return _TILTED if opens <= at < opens + 30 else (0.0, 0.0, 1.0)

    monkeypatch.setattr(Place, "acceleration", felt)
    monkeypatch.setattr(Place, "lid_movements", lambda _, since: iter([opens, opens + 30] if since <= opens else []))
    bench = on_bench(_WATCH.format(node=str(firmware_dir())), lambda bench: bench.until("done"), speed=40.0)
    assert bench.lines[0].startswith("source 0 0 ")
    assert bench.lines[1] == "source 0 0"
    assert bench.lines[2:4] == ["woken 2", "high 1"]
    assert int(bench.lines[4].split()[1]) == pytest.approx(60, abs=1)
    assert bench.lines[5] == "source 34"
    assert int(bench.lines[6].split()[1]) <= 1
    assert bench.lines[7] == "source 0 0"
    assert not bench.faults
