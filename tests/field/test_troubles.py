"""What a technician meets, in plain words: ports, cables, chips, boot logs, sensors, each with its remedy."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import serial

from field_rig import Table
from stoep.doctor.finding import Finding, Level
from stoep.wire.channels import catalogue
from stoep_field import doctor
from stoep_field.board import selftest, trouble
from stoep_field.board.bench import UsbBench
from stoep_field.board.console import Console
from stoep_field.board.loader import Loader
from stoep_field.errors import BoardError

MAC = bytes.fromhex("240ac4000001")
WELL = """identity kind=bin kid=c0ffee01 channel=6 release=0.1.0
micropython version=1.28
channel name=temperature counts=1416
channel name=humidity counts=7738
channel name=pressure counts=101372
channel name=fill_distance counts=620
channel name=fill_level counts=60
channel name=battery_voltage counts=4124
channel name=lid_count counts=0
channel name=tilt counts=2
radio mac=240ac4000001 channel=6
selftest done
"""


def failed(said: str, failure: str = "") -> list[tuple[str, str]]:
    result = selftest.judge("bin", "c0ffee01", MAC, said, failure)
    assert all(check.remedy for check in result.failed())
    assert not result.passed
    return [(check.about, check.words) for check in result.failed()]


def test_a_board_that_is_well_passes() -> None:
    result = selftest.judge("bin", "c0ffee01", MAC, WELL.replace("\n", "\r\n"))
    assert result.passed
    assert [check.about for check in result.checks] == [
        *("identity", "micropython", "climate", "range", "motion", "battery", "radio"),
    ]
    assert "temperature 14.16 °C" in result.note()
    assert len(result.note()) <= 120


@pytest.mark.parametrize("kind", ["bin", "bench", "lamppost"])
def test_all_that_a_kind_measures_is_looked_at(kind: str) -> None:
    known = catalogue()
    measured = {
        channel.name for layout, whose in known.kinds.items() if whose == kind for channel in known.layouts[layout]
    }
    said = "".join(f"channel name={name} counts=-99999\n" for name in sorted(measured)) + "selftest done\n"
    for name in measured:
        without = said.replace(f"channel name={name} counts=-99999\n", "")
        words = [check.words for check in selftest.judge(kind, "c0ffee01", MAC, without).checks]
        assert [said for said in words if "no reading" in said], name


@pytest.mark.parametrize(
    ("line", "instead", "about", "says"),
    [
        ("channel name=tilt counts=2\n", "sensor name=motion failures=1 error=[Errno 19] ENODEV\n", "motion", "ENODEV"),
        ("channel name=humidity counts=7738\n", "", "climate", "no reading"),
        ("counts=4124", "counts=2900", "battery", "battery voltage 2.900 V"),
        ("counts=1416", "counts=-3900", "climate", "temperature -39.00 °C"),
        ("counts=101372", "counts=30000", "climate", "pressure 300.00 hPa"),
        ("kid=c0ffee01", "kid=c0ffee02", "identity", "bin c0ffee02"),
        ("version=1.28", "version=1.27", "micropython", "1.27"),
        ("radio mac=240ac4000001", "radio mac=240ac4000002", "radio", "says it is 240ac4000002"),
        ("radio mac=240ac4000001 channel=6", "radio error=-1", "radio", "-1"),
        ("selftest done\n", "", "self-test", "it fell silent"),
    ],
)
def test_each_thing_that_is_not_well_is_named(line: str, instead: str, about: str, says: str) -> None:
    assert line in WELL
    ((what, words),) = failed(WELL.replace(line, instead))
    assert what == about
    assert says in words


def test_a_script_that_ended_in_a_traceback_says_how() -> None:
    found = failed("", "Traceback (most recent call last):\r\nOSError: no partition named stoep")
    assert ("self-test", "did not come to its end: OSError: no partition named stoep") in found


@pytest.mark.parametrize(
    ("code", "says", "remedy"),
    [
        (errno.EACCES, "may not be opened by you", "usermod -aG dialout"),
        (errno.EBUSY, "is in use", "close the other program"),
        (errno.ENOENT, "was unplugged", "plug it in again"),
    ],
)
def test_a_port_that_cannot_be_used(code: int, says: str, remedy: str) -> None:
    error = trouble.port("/dev/ttyUSB0", OSError(code, os.strerror(code)))
    assert says in error.words
    assert remedy in error.remedy


def test_a_port_that_another_program_has_open() -> None:
    master, slave = os.openpty()
    try:
        name = os.ttyname(slave)
        with serial.Serial(name, exclusive=True):
            for use in (Loader(UsbBench([name]), name), Console(UsbBench([name]), name)):
                with pytest.raises(BoardError, match="is in use"), use:
                    pass
    finally:
        os.close(master)
        os.close(slave)


def test_a_laptop_without_boards_hears_what_to_look_at(tmp_path: Path) -> None:
    found = list(doctor.examine(UsbBench([str(tmp_path / "nothing")]), tmp_path / "new"))
    (port,) = [one for one in found if one.about == "port"]
    assert port.level is Level.TROUBLE
    assert "a cable that only charges shows nothing" in (port.remedy or "")


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_the_doctor_tells_boards_apart(table: Callable[..., Table]) -> None:
    own = table("", "wrong-chip", "brown-out", "strapped", "charge-only")
    found: dict[str, list[Finding]] = {}
    for one in doctor.examine(own.bench, own.folder):
        found.setdefault(one.about, []).append(one)
    assert "board-5" not in found
    said = {name: " ".join(one.words for one in findings) for name, findings in found.items()}
    assert "ESP32, 4 MB, 24:0a:c4" in said["board-1"]
    assert "has no program" in said["board-1"]  # it is new
    assert "is an ESP32-S3" in said["board-2"]
    assert "its voltage breaks down (brown-out)" in said["board-3"]
    assert "GPIO 0 is held low" in said["board-4"]
    for name in ("board-2", "board-3", "board-4"):
        assert found[name][-1].level is Level.TROUBLE
        assert found[name][-1].remedy
