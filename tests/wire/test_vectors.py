"""The vectors are what the reference makes, fit wire.cddl, and say what they claim to say."""

import json
from pathlib import Path
from typing import Any

import pytest

import contract
import reference
import second_reader
from stoep import resources

VECTORS = resources.wire_dir() / "vectors"
FRAMES: list[dict[str, Any]] = json.loads((VECTORS / "frames.json").read_text())["frames"]
REFUSED: list[dict[str, str]] = json.loads((VECTORS / "refused.json").read_text())
# Of the right shape and spelling.
ONLY_IN_THE_COMMENTS = {
    "a sample that follows on nothing",
    "six values that follow on eight",
    "a traceback of no alarm",
}


def test_the_vectors_are_what_the_reference_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "VECTORS", tmp_path)
    reference.main()
    for made in tmp_path.iterdir():
        assert made.read_text() == (VECTORS / made.name).read_text(), f"{made.name}: python tests/wire/reference.py"


@pytest.mark.parametrize("vector", FRAMES, ids=[vector["name"] for vector in FRAMES])
def test_every_plaintext_fits_the_cddl(vector: dict[str, Any]) -> None:
    rule = "uplink" if vector["direction"] == "up" else "reply"
    contract.validate(rule, bytes.fromhex(vector["plain"]))
    assert len(bytes.fromhex(vector["frame"])) <= 250


@pytest.mark.parametrize("vector", REFUSED, ids=[vector["name"] for vector in REFUSED])
def test_the_contract_refuses_what_it_must(vector: dict[str, str]) -> None:
    plain = bytes.fromhex(vector["plain"])
    assert contract.fits("uplink", plain) is (vector["name"] in ONLY_IN_THE_COMMENTS)
    assert second_reader.read(plain, tuple(reference.BEFORE)) is None
