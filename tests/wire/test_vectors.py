"""The vectors are what the reference makes, fit wire.cddl, and say what they claim to say."""

import json
from pathlib import Path
from typing import Any

import pycddl
import pytest

import reference
from stoep import resources

VECTORS = resources.wire_dir() / "vectors"
CDDL = (resources.wire_dir() / "wire.cddl").read_text()
FRAMES: list[dict[str, Any]] = json.loads((VECTORS / "frames.json").read_text())["frames"]
REFUSED: list[dict[str, str]] = json.loads((VECTORS / "refused.json").read_text())
# What CDDL does not say, or this validator does not see: spelling, and a map's unknown keys.
BEYOND_CDDL = {
    "epoch not in its shortest form",
    "indefinite array",
    "unknown block",
    "keys out of order",
    "bytes left over",
    "a sample that follows on nothing",
    "a run that is flat",
}


def schema(rule: str) -> pycddl.Schema:
    """wire.cddl with `rule` as its first, which is what pycddl validates."""
    return pycddl.Schema(f"start = {rule}\n{CDDL}")


def test_the_vectors_are_what_the_reference_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "VECTORS", tmp_path)
    reference.main()
    for made in tmp_path.iterdir():
        assert made.read_text() == (VECTORS / made.name).read_text(), f"{made.name}: python tests/wire/reference.py"


@pytest.mark.parametrize("vector", FRAMES, ids=[vector["name"] for vector in FRAMES])
def test_every_plaintext_fits_the_cddl(vector: dict[str, Any]) -> None:
    rule = "uplink" if vector["direction"] == "up" else "reply"
    schema(rule).validate_cbor(bytes.fromhex(vector["plain"]))
    assert len(bytes.fromhex(vector["frame"])) <= 250


@pytest.mark.parametrize("vector", REFUSED, ids=[vector["name"] for vector in REFUSED])
def test_the_cddl_refuses_what_it_can(vector: dict[str, str]) -> None:
    if vector["name"] in BEYOND_CDDL:
        return
    with pytest.raises(pycddl.ValidationError):
        schema("uplink").validate_cbor(bytes.fromhex(vector["plain"]))
