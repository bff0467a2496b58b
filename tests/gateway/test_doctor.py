"""`stoep doctor`: each thing that can be wrong with the machine is named, with what to do about it."""

import json
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from certificates import Authority
from gateway_rig import MORNING, PtyBridge, TurnedClock, eventually, mosquitto, write_clock
from gateway_service import serving
from stoep.cli import build
from stoep.doctor import bridges, bus, card, city, disk, memory, power, time
from stoep.doctor.finding import Level
from stoep.doctor.machine import Machine
from stoep.settings import BridgeSettings
from stoep.uplink.connection import Broker
from uplink_rig import needs_mosquitto

THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"


class Built:
    """The files of a machine that is not this one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.machine = Machine(root)

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def built(tmp_path: Path) -> Built:
    made = Built(tmp_path / "machine")
    made.write("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.5\0")
    return made


@pytest.mark.parametrize(
    ("bits", "level", "words"),
    [
        ("0", Level.GOOD, "no under-voltage"),
        ("50000", Level.WARNING, "had too little voltage since its start"),
        ("50005", Level.TROUBLE, "gets too little voltage now"),
        ("?", Level.UNKNOWN, "this kernel does not say"),
    ],
)
def test_under_voltage_is_seen_where_the_firmware_tells(built: Built, bits: str, level: Level, words: str) -> None:
    built.write(THROTTLED, bits + "\n")
    found = power.look(built.machine)
    assert (found.level, words in found.words) == (level, True), found
    assert (found.remedy is not None) == (level in {Level.WARNING, Level.TROUBLE})


def test_a_mainline_kernel_tells_by_its_alarm(built: Built) -> None:
    built.write("sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    built.write("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    built.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    assert power.look(built.machine).level is Level.TROUBLE


def test_a_machine_that_is_no_pi_is_not_blamed(tmp_path: Path) -> None:
    assert power.look(Machine(tmp_path)).level is Level.UNKNOWN


def test_i2c_that_is_off_is_turned_on_by_a_line(built: Built) -> None:
    off = bus.look(built.machine, 0x76)
    assert (off.level, "raspi-config nonint do_i2c 0" in str(off.remedy)) == (Level.TROUBLE, True)
    built.write("dev/i2c-1", "")
    assert bus.look(built.machine, 0x76).level is Level.GOOD


def test_a_clock_that_nobody_has_set_is_named() -> None:
    assert time.look(TurnedClock()).level is Level.GOOD
    found = time.look(TurnedClock(is_trusted=False))
    assert (found.level, "timedatectl" in str(found.remedy)) == (Level.TROUBLE, True)


def test_a_disk_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert disk.room(tmp_path).level in {Level.GOOD, Level.WARNING}
    assert disk.room(tmp_path / "nowhere").level is Level.TROUBLE
    assert "an fsync takes" in disk.speed(tmp_path).words
    assert list(tmp_path.iterdir()) == [], "nothing is left there"
    monkeypatch.setattr(disk, "_sync", lambda _descriptor: 1.5)
    assert disk.speed(tmp_path).level is Level.TROUBLE
    monkeypatch.setattr(disk, "_TIGHT", 1 << 62)
    assert disk.room(tmp_path).level is Level.TROUBLE


def test_a_card_lasts_as_long_as_its_maker_says_over_what_is_written(built: Built) -> None:
    """SanDisk High Endurance, 32 GB: 2,500 h at 26 Mbit/s are 29.25 TB; at 1 GB a day, small writes 4x, 20 years."""
    sandisk = card.CARDS[0]
    assert card.years(sandisk, 32, 1e9) == pytest.approx(29_250 / 4 / 365.25)
    assert card.years(sandisk, 64, 1e9) == pytest.approx(2 * 29_250 / 4 / 365.25)
    folder = built.root / "var"
    folder.mkdir()
    device = folder.stat().st_dev
    built.write("sys/block/mmcblk0/dev", "179:0\n")
    built.write("sys/block/mmcblk0/mmcblk0p2/dev", f"{os.major(device)}:{os.minor(device)}\n")
    built.write("proc/uptime", "172800.00 600000.00\n")
    built.write("sys/block/mmcblk0/stat", "1 2 3 4 5 6 3906250 8 9 10 11\n")  # 2 GB in two days
    found = card.look(built.machine, folder)
    assert (found.level, found.words.startswith("mmcblk0: 1000 MB a day")) == (Level.GOOD, True), found
    assert "SanDisk High Endurance 20.0 years" in found.words
    built.write("sys/block/mmcblk0/stat", "1 2 3 4 5 6 39062500 8 9 10 11\n")
    assert card.look(built.machine, folder).level is Level.WARNING
    built.write("proc/uptime", "60.00 100.00\n")
    assert card.look(built.machine, folder).level is Level.UNKNOWN


_OVERLAY = """\
21 1 0:31 / / rw - overlay overlayroot rw,lowerdir=/ro,upperdir=/media/root-rw/overlay,workdir=/media/root-rw/w
22 21 0:30 / /media/root-rw rw - tmpfs tmpfs-root rw
"""


@pytest.mark.parametrize(
    ("mounts", "level"),
    [
        ("21 1 179:2 / / ro,noatime shared:1 - ext4 /dev/root ro\n", Level.GOOD),
        ("21 1 179:2 / / ro - ext4 /dev/root ro\n22 21 0:30 / /var/lib rw - tmpfs tmpfs rw\n", Level.TROUBLE),
        (_OVERLAY, Level.TROUBLE),
        (_OVERLAY + "23 21 179:3 /store /var/lib/stoep rw - ext4 /dev/mmcblk0p3 rw\n", Level.GOOD),
        (_OVERLAY.replace("tmpfs tmpfs-root", "ext4 /dev/sda1"), Level.GOOD),
        (_OVERLAY.splitlines()[0], Level.UNKNOWN),
        ("", Level.UNKNOWN),
    ],
)
def test_a_store_that_a_reboot_would_forget_is_seen(built: Built, mounts: str, level: Level) -> None:
    built.write("proc/self/mountinfo", mounts)
    found = memory.look(built.machine, Path("/var/lib/stoep"))
    assert (found.level, found.remedy is not None) == (level, level is Level.TROUBLE), found


def test_a_bridge_that_says_hello_is_found_and_one_that_is_silent_named(bridge: PtyBridge) -> None:
    (found,) = bridges.look((BridgeSettings(port=bridge.port),))
    assert (found.level, "radio channel 6" in found.words) == (Level.GOOD, True), found


def test_a_port_that_is_missing_busy_or_silent_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    (missing,) = bridges.look((BridgeSettings(port="/dev/serial/by-id/nobody"),))
    assert (missing.level, "plug the bridge in" in str(missing.remedy)) == (Level.TROUBLE, True)
    monkeypatch.setattr("stoep.links.listening._PATIENCE", 0.3)
    monkeypatch.setattr("stoep.links.listening.hello.__defaults__", (0.3,))
    master, slave = os.openpty()
    with ExitStack() as stack:
        for descriptor in (master, slave):
            stack.callback(os.close, descriptor)
        port = BridgeSettings(port=os.ttyname(slave))
        (silent,) = bridges.look((port,))
        assert (silent.level, "no bridge says hello" in silent.words) == (Level.TROUBLE, True)
        from stoep.links.port import open_port

        with open_port(os.ttyname(slave)):
            (busy,) = bridges.look((port,))
        assert (busy.level, "stop the other program" in str(busy.remedy)) == (Level.TROUBLE, True)


@needs_mosquitto
def test_the_citys_broker_is_tried_with_its_certificate(tmp_path: Path, free_port: int) -> None:
    authority, other = Authority(tmp_path / "city"), Authority(tmp_path / "other", "somebody")
    certificate, key = authority.issue("broker")
    known = Broker("127.0.0.1", free_port, "stoep-x", 30, ca_file=authority.file)
    down = city.look(known)
    assert (down.level, "cannot be reached" in down.words) == (Level.TROUBLE, True)
    lines = f"cafile {authority.file}", f"certfile {certificate}", f"keyfile {key}", "allow_anonymous true"
    with mosquitto(free_port, tmp_path, *lines):
        assert city.look(known).level is Level.GOOD
        wrong = city.look(Broker("127.0.0.1", free_port, "stoep-x", 30, ca_file=other.file))
    assert (wrong.level, "is not one we trust" in wrong.words, "mqtt.ca_file" in str(wrong.remedy)) == (
        Level.TROUBLE,
        True,
        True,
    )
    nowhere = city.look(Broker("no-such-host.invalid", 8883, "stoep-x", 30))
    assert (nowhere.level, "cannot be found" in nowhere.words) == (Level.TROUBLE, True)


def _told(config: Path) -> tuple[int, dict[str, dict[str, str]]]:
    done = CliRunner().invoke(build(), ["doctor", "--config", str(config), "--json"])
    return done.exit_code, {row["about"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.slow
def test_the_whole_examination_beside_a_running_gateway_and_after_it(
    site: Callable[..., Path], tmp_path: Path, bridge: PtyBridge, broker_port: int
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    config = site(port=bridge.port, broker=broker_port)
    with serving(config):
        ours = {"settings", "service", "bridge", "city"}
        eventually(lambda: {about for about, row in _told(config)[1].items() if row["level"] == "good"} >= ours, 20)
    code, found = _told(config)
    assert (code, found["service"]["level"]) == (1, "trouble")
    assert found["city"]["level"] == found["bridge"]["level"] == "good", "now tried, as nobody holds them"


def test_settings_that_are_wrong_come_first(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('[site]\nname = "x"\n[[bridge]]\nport = "auto"\n[mqtt]\nhost = ""\n')
    done = CliRunner().invoke(build(), ["doctor", "--config", str(config)])
    assert (done.exit_code, "mqtt.host" in done.stdout, "→" in done.stdout) == (2, True, True)


def test_a_name_that_resolves_and_a_port_where_nobody_is(free_port: int) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", free_port))
        assert city.look(Broker("127.0.0.1", free_port, "stoep-x", 30, tls=False)).level is Level.TROUBLE
