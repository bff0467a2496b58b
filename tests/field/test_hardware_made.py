"""What is committed under hardware/<kind>/ is what the drawings say; whoever forgets to make it anew hears of it."""

import csv
import io
import re
import shutil
from pathlib import Path

import pytest
import yaml
from wireviz.wireviz import parse

from stoep_field import generate, pins
from stoep_field.hardware import __main__ as command
from stoep_field.hardware import build, pictures
from stoep_field.hardware.drawing import Drawing

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("bench", "bin", "bridge", "gateway", "lamppost")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the drawings and of what was made from them."""
    shutil.copytree(ROOT / "hardware", tmp_path / "hardware")
    return tmp_path


@pytest.fixture(scope="module")
def drawings() -> dict[str, Drawing]:
    return {drawing.kind: drawing for drawing in build.drawings(ROOT)}


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def names(found: list[Path], root: Path) -> list[str]:
    return sorted(file.relative_to(root / "hardware").as_posix() for file in found)


def test_committed_files_are_up_to_date() -> None:
    assert build.stale(ROOT) == []


def test_a_changed_wire_makes_text_and_pictures_stale(checkout: Path) -> None:
    edit(checkout / "hardware/bin.toml", '"violet", "range_switch.ON"', '"grey", "range_switch.ON"')
    stale = ["bom.csv", "guide.md", "pins.md", "wiring-signals.png", "wiring-signals.svg", "wiring-signals.yml"]
    assert names(build.stale(checkout), checkout) == [f"bin/{name}" for name in stale]


def test_a_changed_current_makes_the_budget_and_its_plot_stale(checkout: Path) -> None:
    edit(checkout / "hardware/bench.toml", "watching = 100 ", "watching = 60 ")
    assert names(build.stale(checkout), checkout) == ["bench/budget.md", "bench/budget.svg"]


@pytest.mark.parametrize("name", ["guide.md", "bom.csv", "wiring-supply.yml", "wiring-supply.svg", "budget.svg"])
def test_what_was_deleted_or_changed_by_hand_is_stale(checkout: Path, name: str) -> None:
    file = checkout / "hardware/bin" / name
    file.write_text("by hand\n", encoding="utf-8")
    assert build.stale(checkout) == [file]
    file.unlink()
    assert build.stale(checkout) == [file]


def test_what_belongs_to_no_drawing_is_stale(checkout: Path) -> None:
    (checkout / "hardware/bin/notes.md").write_text("", encoding="utf-8")
    (checkout / "hardware/bridge.toml").unlink()
    found = names(build.stale(checkout), checkout)
    assert "bin/notes.md" in found
    assert "bridge/guide.md" in found


def test_the_check_says_what_to_do(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--check", "--root", str(checkout)]) == 0
    edit(checkout / "hardware/bin/pins.md", "white", "pink")
    assert command.main(["--check", "--root", str(checkout)]) == 1
    said = capsys.readouterr()
    assert "stale: hardware/bin/pins.md" in said.out
    assert "run `make hardware`" in said.err
    edit(checkout / "hardware/bin.toml", "gpio = 26", "gpio = 6")
    assert command.main(["--root", str(checkout)]) == 2
    assert "pins.RANGE_RX.gpio: 6 belongs to the flash chip" in capsys.readouterr().err


def test_texts_are_made_anew_without_any_drawing_program(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    before = (checkout / "hardware/bin/guide.md").read_bytes()
    (checkout / "hardware/bin/guide.md").write_text("by hand", encoding="utf-8")
    (checkout / "hardware/bin/notes.md").write_text("", encoding="utf-8")
    assert command.main(["--root", str(checkout)]) == 0
    assert (checkout / "hardware/bin/guide.md").read_bytes() == before
    assert build.stale(checkout) == []


def test_a_missing_graphviz_is_named_with_its_apt_line(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    edit(checkout / "hardware/bin.toml", '"violet", "range_switch.ON"', '"grey", "range_switch.ON"')
    assert command.main(["--root", str(checkout)]) == 2
    assert "Graphviz is missing: sudo apt install graphviz" in capsys.readouterr().err


def test_pictures_carry_the_digest_of_their_text() -> None:
    for kind in KINDS:
        folder = ROOT / "hardware" / kind
        for picture in (*folder.glob("*.svg"), *folder.glob("*.png")):
            source = "budget.md" if picture.stem == "budget" else f"{picture.stem}.yml"
            told = pictures.source_of(picture.read_bytes())
            assert told == pictures.digest((folder / source).read_text(encoding="utf-8")), picture


def test_a_stamp_keeps_a_png_whole() -> None:
    png = (ROOT / "hardware/bridge/wiring-signals.png").read_bytes()
    stamped = pictures.stamp_png(png, "other")
    assert stamped.startswith(b"\x89PNG\r\n\x1a\n")
    assert pictures.source_of(stamped) == pictures.digest("other")
    assert pictures.source_of(b"\x89PNG\r\n\x1a\n") is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_wiring_diagram_shows_each_wire_once(kind: str, drawings: dict[str, Drawing]) -> None:
    shown = []
    for sheet in drawings[kind].sheets():
        source = (ROOT / "hardware" / kind / f"wiring-{sheet}.yml").read_text(encoding="utf-8")
        harness = parse(yaml.safe_load(source), return_types="harness")
        for cable in harness.cables.values():
            for wire in cable.connections:
                colour = cable.colors[wire.via_port - 1]
                shown.append((wire.from_name, wire.from_pin, colour, wire.to_name, wire.to_pin))
    runs = [run for bundle in drawings[kind].bundles.values() for run in bundle.runs]
    assert len(shown) == len(set(shown)) == len(runs)


@pytest.mark.parametrize("kind", ["bench", "bin", "lamppost"])
def test_the_pin_table_and_the_firmware_have_the_same_pins(kind: str) -> None:
    rows = (ROOT / "hardware" / kind / "pins.md").read_text(encoding="utf-8").splitlines()
    table = {row.split("`")[1]: int(row.split("|")[1]) for row in rows if "`" in row and row.startswith("| ")}
    module: dict[str, int] = {}
    text = (ROOT / f"firmware/node/generated/pins_{kind}.py").read_text(encoding="utf-8")
    exec(text.replace("from micropython import const", "const = int"), module)  # noqa: S102
    assert table
    assert table == {name: module[name] for name in table}


def test_no_pins_are_made_for_the_gateway() -> None:
    assert not pins.runs_micropython(ROOT / "hardware/gateway.toml")
    assert not any("gateway" in file.name for file in generate.modules(ROOT))


@pytest.mark.parametrize("kind", KINDS)
def test_the_bill_of_materials_names_each_thing(kind: str, drawings: dict[str, Drawing]) -> None:
    text = (ROOT / "hardware" / kind / "bom.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    listed = {word for row in rows for word in row["reference"].split()}
    assert {*drawings[kind].parts, *drawings[kind].fittings} <= listed
    wire = sum(float(row["quantity"]) for row in rows if row["unit"] == "m")
    bundles = [bundle for bundle in drawings[kind].bundles.values() if not bundle.part]
    assert wire == pytest.approx(sum(len(one.runs) * one.metres for one in bundles))
    assert all(row["price class"] for row in rows)


@pytest.mark.parametrize("kind", KINDS)
def test_the_guide_has_each_wire_and_a_check_after_each_step(kind: str, drawings: dict[str, Drawing]) -> None:
    guide = (ROOT / "hardware" / kind / "guide.md").read_text(encoding="utf-8")
    assert guide.count("**Check.**") == guide.count("\n## ") == len(drawings[kind].steps)
    for bundle in drawings[kind].bundles.values():
        for run in bundle.runs:
            assert f"| {drawings[kind].shown(run.left)} | {run.colour} | {drawings[kind].shown(run.right)} |" in guide


def test_a_battery_comes_after_everything_that_is_soldered(drawings: dict[str, Drawing]) -> None:
    for kind in ("bench", "bin"):
        soldered = [number for number, step in enumerate(drawings[kind].steps) if step.fittings]
        (cell,) = (number for number, step in enumerate(drawings[kind].steps) if "battery" in step.parts)
        assert max(soldered) < cell


def test_pictures_carry_neither_a_time_nor_a_machine() -> None:
    for picture in (*(ROOT / "hardware").glob("*/*.svg"), *(ROOT / "hardware").glob("*/*.png")):
        content = picture.read_bytes()
        assert b"tIME" not in content
        assert not re.search(rb"\b20\d\d-\d\d-\d\d|<dc:date|Generated by|/home/|/tmp/", content), picture
