"""The judge of all messages can say no, each time for the reason it is there for."""

import struct
from pathlib import Path

import cbor2
import pytest

import contract
import reference
import tape

HEAD = [reference.INSTANCE, 2, 100, 5]
SAMPLE = [0, 1, 1, *[1] * 6]
GOOD = {
    "a report": ("uplink", [*HEAD, {2: [SAMPLE, [-1, *[None] * 6]]}]),
    "a usual report": ("uplink", [reference.INSTANCE, 900, 5, 1, 1, *[1] * 6]),
    "a challenge": ("reply", 0),
    "a usual report of a lamppost with a lamp": ("uplink", [reference.INSTANCE, 900, 5, 5, 1, *[1] * 10]),
    "an answer": ("reply", {1: [1, 1], 2: [[1, 3, 3]] * 4, 3: [[1, 1]] * 8, 4: 0, 5: {1: 900, 7: 2**32 - 1}}),
}
BAD = {
    "five ranges": ("reply", {1: [1, 1], 2: [[1, 3, 3]] * 5}),
    "nine alarms": ("reply", {1: [1, 1], 3: [[1, 1]] * 9}),
    "a number out of range in the second range": ("reply", {1: [1, 1], 2: [[1, 3, 3], [1, 3, 2**32]]}),
    "an unknown key": ("reply", {1: [1, 1], 7: 1}),
    "a moment too far off": ("reply", {1: [1, 1], 6: [1, [0, 9, 1, 1, 0, 0, 0, 200_001]]}),
    "no settings": ("reply", {1: [1, 1], 5: {}}),
    "seventeen settings": ("reply", {1: [1, 1], 5: dict.fromkeys(range(1, 18), 1)}),
    "no durable": ("reply", {4: 1}),
    "another challenge": ("reply", 1),
    "an uplink": ("reply", [*HEAD, {}]),
    "a reply": ("uplink", {1: [1, 1]}),
    "a flat sample": ("uplink", [*HEAD, {2: SAMPLE}]),
    "a flat second sample": ("uplink", [*HEAD, {2: [SAMPLE, 1]}]),
    "a float in the second sample": ("uplink", [*HEAD, {2: [SAMPLE, [-1, *[1] * 5, 1.5]]}]),
    "nine values": ("uplink", [reference.INSTANCE, 900, 5, 5, 1, *[1] * 9]),
    "a value too few": ("uplink", [*HEAD, {2: [SAMPLE[:-1]]}]),
    "an unknown part": ("uplink", [*HEAD, {7: 1}]),
}


@pytest.mark.parametrize("why", GOOD)
def test_what_is_said_is_passed_and_counted(why: str) -> None:
    rule, thing = GOOD[why]
    before = contract.validated[rule]
    contract.validate(rule, cbor2.dumps(thing))
    assert contract.validated[rule] == before + 1


@pytest.mark.parametrize("why", BAD)
def test_what_nobody_says_is_not_passed(why: str) -> None:
    rule, thing = BAD[why]
    with pytest.raises(contract.Misfit):
        contract.validate(rule, cbor2.dumps(thing))


OTHERWISE = ["", "ff", "a10182011801", "a1018201019f", "a2040101820101", "a10182010100", "c24100"]


@pytest.mark.parametrize("spelled", OTHERWISE)
def test_another_spelling_is_not_passed(spelled: str) -> None:
    with pytest.raises(contract.Misfit):
        contract.validate("reply", bytes.fromhex(spelled))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "secrets.toml").write_text(f'[secrets]\n{reference.KID.hex()} = "{reference.SECRET.hex()}"\n')
    return tmp_path


def record(run: Path, *frames: bytes) -> None:
    lines = [f"{n}.5 240ac4100001 ffffffffffff {one.hex()}\n" for n, one in enumerate(frames)]
    (run / "frames.log").write_text("".join(lines))


def up(counter: int, thing: object) -> bytes:
    return reference.seal(reference.SECRET, reference.KID, counter, cbor2.dumps(thing), None, None)


def down(answers: int, thing: object, secret: bytes = reference.SECRET) -> bytes:
    return reference.seal(secret, reference.KID, 1, cbor2.dumps(thing), reference.INSTANCE, answers)


def test_a_tape_is_opened_and_counted(run: Path) -> None:
    record(run, up(1, [*HEAD, {}]), down(1, 0), up(2, [*HEAD, {}]), up(3, [*HEAD, {}]), down(2, {1: [1, 1]}))
    assert tape.validate(run) == {"uplink": 3, "reply": 2}


@pytest.mark.parametrize(
    "wrong",
    [
        up(1, [*HEAD, {7: 1}]),
        reference.seal(bytes(32), reference.KID, 1, cbor2.dumps([*HEAD, {}]), None, None),
        down(7, 1),
        down(8, 0),
        down(7, 0, secret=bytes(32)),
        struct.pack(">Q", 1),
    ],
    ids=["no uplink", "another's uplink", "no reply", "answers nothing", "another's reply", "no frame"],
)
def test_a_tape_with_a_wrong_frame_is_not_passed(run: Path, wrong: bytes) -> None:
    record(run, up(7, [*HEAD, {}]), wrong)
    with pytest.raises(contract.Misfit):
        tape.validate(run)
