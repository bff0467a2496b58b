"""The firmware's tables say what the catalogue and the drawings say, and a mistake in those is named."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stoep_field import generate
from stoep_field.tables import SourceError

ROOT = Path(__file__).resolve().parents[2]
CHANNELS = Path("firmware/wire/channels.toml")
BIN = Path("hardware/bin.toml")
POST = Path("hardware/lamppost.toml")
OUTPUT = Path("firmware/node/generated")
SCHEMAS = Path("gateway/stoep/uplink/schemas")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of all that the generator reads and writes."""
    for folder in (CHANNELS.parent, BIN.parent, OUTPUT, SCHEMAS):
        unread = shutil.ignore_patterns("__pycache__", "*.svg", "*.png")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=unread)
    return tmp_path


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_committed_files_are_up_to_date() -> None:
    assert generate.stale(ROOT) == []


def test_a_changed_catalogue_is_noticed_and_generated_again(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(checkout / CHANNELS, "offset = 101325", "offset = 100000")
    assert generate.main(["--check", "--root", str(checkout)]) == 1
    assert "stale: firmware/node/generated/channels.py" in capsys.readouterr().out
    assert generate.main(["--root", str(checkout)]) == 0
    assert '("pressure", 100000)' in (checkout / OUTPUT / "channels.py").read_text(encoding="utf-8")
    assert generate.main(["--check", "--root", str(checkout)]) == 0


def test_the_citys_schemas_follow_the_catalogue(checkout: Path) -> None:
    edit(checkout / CHANNELS, '"relative humidity"', '"how damp it is"')
    assert generate.stale(checkout) == [checkout / SCHEMAS / "catalogue.json"]
    generate.write(checkout)
    assert '"how damp it is"' in (checkout / SCHEMAS / "catalogue.json").read_text(encoding="utf-8")


def test_a_file_without_a_source_is_stale_and_goes(checkout: Path) -> None:
    forgotten = checkout / OUTPUT / "pins_fountain.py"
    forgotten.write_text("", encoding="utf-8")
    assert generate.stale(checkout) == [forgotten]
    generate.write(checkout)
    assert not forgotten.exists()


MISTAKES = {
    "one id for two channels": (CHANNELS, "id = 2", "id = 1", "channels.humidity.id"),
    "an id that does not fit a byte": (CHANNELS, "id = 3", "id = 256", "channels.pressure.id"),
    "limits the wrong way round": (CHANNELS, "highest = 8500", "highest = -5000", "channels.temperature.highest"),
    "an offset out of 32 bits": (CHANNELS, "offset = 101325", "offset = -2147483648", "channels.pressure.offset"),
    "a layout of unknown channels": (CHANNELS, '["temperature",', '["warmth",', "layouts.bin.channels"),
    "a channel twice in a layout": (CHANNELS, '["temperature",', '["humidity",', "layouts.bin.channels"),
    "an alarm in no channel": (CHANNELS, 'channel = "fill_level"', 'channel = "mood"', "alarms.full.channel"),
    "one number for two causes": (CHANNELS, "corrupt = 2", "corrupt = 1", "lost.corrupt"),
    "a missing unit": (CHANNELS, 'unit = "hPa"', "", "channels.pressure.unit"),
    "no TOML at all": (CHANNELS, "[channels.temperature]", "[channels.temperature", "file"),
    "one pin for two uses": (BIN, "gpio = 22", "gpio = 21", "pins.I2C_SCL.gpio"),
    "a pin of the flash chip": (BIN, "gpio = 21", "gpio = 6", "pins.I2C_SDA.gpio"),
    "a pin of the console": (BIN, "gpio = 26", "gpio = 3", "pins.RANGE_RX.gpio"),
    "a pin that does not exist": (BIN, "gpio = 21", "gpio = 24", "pins.I2C_SDA.gpio"),
    "an output on an input": (BIN, "gpio = 25", "gpio = 35", "pins.RANGE_POWER.gpio"),
    "an ADC that the radio blinds": (BIN, "gpio = 34", "gpio = 4", "pins.BATTERY_ADC.gpio"),
    "a pin that is sampled at a reset": (BIN, "gpio = 26", "gpio = 12", "pins.RANGE_RX.gpio"),
    "a supply that floats in sleep": (BIN, "gpio = 25", "gpio = 18", "pins.RANGE_POWER.gpio"),
    "a pin that cannot wake": (BIN, "gpio = 33", "gpio = 19", "pins.MOTION_INT.gpio"),
    "one address for two parts": (BIN, "address = 0x18", "address = 0x76", "parts.motion.address"),
    "an address that is reserved": (BIN, "address = 0x18", "address = 0x78", "parts.motion.address"),
    "a bus nobody knows": (BIN, 'bus = "uart"', 'bus = "usb"', "parts.range.bus"),
    "a part without currents": (BIN, "microamps = { divider = 21 }", "", "parts.battery.microamps"),
    "a current below nothing": (BIN, "divider = 21", "divider = -21", "parts.battery.microamps.divider"),
    "parts on a bus that is not drawn": (BIN, "[pins.I2C_SDA]", "[pins.DATA_SDA]", "pins"),
    "a pin of no part": (BIN, 'part = "battery"', 'part = "bell"', "pins.BATTERY_ADC.part"),
    "a lamp that is dark undriven": (POST, 'undriven = "lit"', 'undriven = "dark"', "pins.LIGHT_DIM.undriven"),
    "a lamp pulled to the dark": (POST, 'pull = "down"\nhigh', 'pull = "up"\nhigh', "pins.LIGHT_DIM.undriven"),
    "a lamp whose driver is the wrong way round": (POST, 'high = "dark"', 'high = "lit"', "pins.LIGHT_DIM.high"),
    "a lamp whose pin floats": (POST, 'pull = "down"\nhigh', "high", "pins.LIGHT_DIM.pull"),
    "a lamp pulled by nothing": (POST, 'pull = "down"\nhigh', 'pull = "none"\nhigh', "pins.LIGHT_DIM.pull"),
    "a lamp of unknown sense": (POST, 'high = "dark"', 'high = "cosy"', "pins.LIGHT_DIM.high"),
    "a lamp nobody has thought about": (POST, 'undriven = "lit"', "", "pins.LIGHT_DIM.undriven"),
    "a lamp on a pin that is sampled at a reset": (POST, "gpio = 32", "gpio = 2", "pins.LIGHT_DIM.gpio"),
    "a lamp on an input": (POST, "gpio = 32", "gpio = 34", "pins.LIGHT_DIM.gpio"),
    "a number that is text": (BIN, "RANGE_UART = 1", 'RANGE_UART = "1"', "numbers.RANGE_UART"),
    "a number named like a pin": (BIN, "RANGE_UART = 1", "RANGE_RX = 1", "numbers.RANGE_RX"),
}


@pytest.mark.parametrize(("file", "old", "new", "key"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_file_and_key(checkout: Path, file: Path, old: str, new: str, key: str) -> None:
    edit(checkout / file, old, new)
    with pytest.raises(SourceError) as caught:
        generate.write(checkout)
    assert (caught.value.file, caught.value.key) == (checkout / file, key)
    assert caught.value.remedy


def test_a_mistake_leaves_the_generated_files_alone(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (checkout / OUTPUT / "catalogue.py").read_bytes()
    edit(checkout / CHANNELS, "id = 1", "id = 200")
    edit(checkout / BIN, "gpio = 21", "gpio = 6")
    assert generate.main(["--root", str(checkout)]) == 2
    assert "belongs to the flash chip; choose one outside 6-11" in capsys.readouterr().err
    assert (checkout / OUTPUT / "catalogue.py").read_bytes() == before


def test_a_board_reads_the_tables(run_micropython: Callable[..., str]) -> None:
    said = run_micropython(
        """
from node.generated import catalogue, channels, pins_bin, pins_bridge
print(channels.CHANNELS[catalogue.PRESSURE])
print(channels.LAYOUTS[catalogue.LAYOUT_BIN])
print(catalogue.ALARM_FULL, catalogue.LOST_FULL, catalogue.LOST_CORRUPT)
print(pins_bin.BATTERY_ADC, pins_bin.CLIMATE_ADDRESS, pins_bridge.BAUD)
""",
        heap="56wK",
    )
    assert said.splitlines() == [
        "('pressure', 101325)",
        "(1, 2, 3, 4, 5, 6)",
        "1 1 2",
        "34 118 921600",
    ]
