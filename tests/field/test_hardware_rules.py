"""A drawing that nobody can build, or that burns, is refused, and the pin or the part at fault is named."""

import tomllib
from pathlib import Path

import pytest

from stoep.resources import hardware_dir
from stoep_field.hardware import build
from stoep_field.tables import SourceError

MISTAKES = tomllib.loads((Path(__file__).parent / "hardware_mistakes.toml").read_text(encoding="utf-8"))
KINDS = ("bench", "bin", "bridge", "gateway", "lamppost")


@pytest.mark.parametrize("kind", KINDS)
def test_each_drawing_keeps_every_rule(kind: str) -> None:
    assert build.checked(hardware_dir() / f"{kind}.toml").kind == kind


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_pin_or_part(tmp_path: Path, mistake: dict[str, str]) -> None:
    text = (hardware_dir() / f"{mistake['drawing']}.toml").read_text(encoding="utf-8")
    assert mistake["old"] in text
    file = tmp_path / f"{mistake['drawing']}.toml"
    file.write_text(text.replace(mistake["old"], mistake["new"], 1), encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        build.checked(file)
    assert (caught.value.file, caught.value.key) == (file, mistake["key"])
    assert caught.value.problem
    assert caught.value.remedy
