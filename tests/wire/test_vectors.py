"""The vectors are what the reference makes, fit wire.cddl, and say what they claim to say."""

import json
from pathlib import Path
from typing import Any

import pytest

import contract
import reference
import second_reader
from stoep import resources
from stoep.errors import MalformedError
from stoep.wire import frame
from stoep.wire.replies import read_reply

VECTORS = resources.wire_dir() / "vectors"
FRAMES: list[dict[str, Any]] = json.loads((VECTORS / "frames.json").read_text())["frames"]
REFUSED: list[dict[str, str]] = json.loads((VECTORS / "refused.json").read_text())
REFUSED_REPLIES: list[dict[str, str]] = json.loads((VECTORS / "refused_replies.json").read_text())
GROUP: dict[str, list[dict[str, Any]]] = json.loads((VECTORS / "group.json").read_text())
# Of the right shape and spelling.
ONLY_IN_THE_COMMENTS = {
    "a sample that follows on nothing",
    "six values that follow on eight",
    "a traceback of no alarm",
    "dawn at dusk",
    "a lamp that is none of them",
    "two lamps in one place",
    "lamps in no order",
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


@pytest.mark.parametrize("vector", REFUSED_REPLIES, ids=[vector["name"] for vector in REFUSED_REPLIES])
def test_the_contract_refuses_what_no_gateway_answers(vector: dict[str, str]) -> None:
    plain = bytes.fromhex(vector["plain"])
    assert contract.fits("reply", plain) is (vector["name"] in ONLY_IN_THE_COMMENTS)
    assert second_reader.read_reply(plain) is None
    with pytest.raises(MalformedError):
        read_reply(plain)


@pytest.mark.parametrize("vector", GROUP["frames"], ids=[vector["name"] for vector in GROUP["frames"]])
def test_what_a_lamp_tells_its_group_fits_the_cddl(vector: dict[str, Any]) -> None:
    contract.validate("groupframe", bytes.fromhex(vector["plain"]))


@pytest.mark.parametrize("vector", GROUP["refused"], ids=[vector["name"] for vector in GROUP["refused"]])
def test_the_contract_refuses_what_no_lamp_tells(vector: dict[str, Any]) -> None:
    assert not contract.fits("groupframe", bytes.fromhex(vector["plain"]))


@pytest.mark.parametrize("vector", GROUP["frames"], ids=[vector["name"] for vector in GROUP["frames"]])
def test_the_gateway_takes_no_group_frame_for_an_uplink(vector: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        frame.read_header(bytes.fromhex(vector["frame"]))
