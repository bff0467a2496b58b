"""What is inside a frame: every message fits wire.cddl, and nothing that does not is understood."""

import json

import cbor2
import pycddl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_rig import NO_INSTANCE, WIRE, sample
from stoep.errors import MalformedError, UnplacedError
from stoep.resources import wire_dir
from stoep.wire.channels import catalogue
from stoep.wire.messages import Alarm, Lost, Origin, Place, Uplink
from stoep.wire.replies import Answer, Challenge, read_reply

CDDL = (wire_dir() / "wire.cddl").read_text()
UPLINK = pycddl.Schema(f"start = uplink\n{CDDL}")
REPLY = pycddl.Schema(f"start = reply\n{CDDL}")
CATALOGUE = catalogue()
BEFORE = Origin(1, 3)  # the exchange a usual report counts from

VALUE = st.none() | st.integers(-(2**31), 2**31 - 1)
VALUES = st.tuples(VALUE, VALUE, VALUE, VALUE, VALUE, VALUE)
SEQ = st.integers(1, 2**32 - 1)
U32 = st.integers(0, 2**32 - 1)


@st.composite
def uplinks(draw: st.DrawFn) -> Uplink:
    epoch = draw(st.integers(0, 65535))
    tick = draw(U32)
    earlier = st.integers(0, max(0, epoch - 1))
    in_the_past = epoch > 0 and draw(st.booleans())
    floor = Place(draw(earlier) if in_the_past else epoch, draw(SEQ))
    base = 0 if in_the_past else floor.seq
    lowest = max(1, base)
    now = draw(st.lists(st.tuples(st.integers(lowest, 2**32 - 1), st.integers(0, tick), VALUES), max_size=3))
    samples = [sample(seq, taken, epoch, values) for seq, taken, values in now]
    if epoch > 0:
        runs = draw(st.dictionaries(earlier, st.lists(st.tuples(SEQ, U32, VALUES), min_size=1, max_size=2), max_size=2))
        samples += [sample(seq, taken, old, values) for old, past in runs.items() for seq, taken, values in past]
    lost = draw(st.lists(st.tuples(st.integers(0, epoch), SEQ, SEQ, st.integers(1, 255)), max_size=2))
    alarms = draw(st.lists(st.tuples(st.integers(0, epoch), U32, U32, st.booleans(), VALUE), max_size=2))
    return Uplink(
        draw(st.binary(min_size=4, max_size=4)),
        epoch,
        tick,
        floor,
        draw(st.none() | st.integers(1, 2**32 - 1)),
        tuple(samples),
        tuple(Lost(e, min(a, b), max(a, b), cause) for e, a, b, cause in lost),
        tuple(Alarm(e, number, 1, taken, raised, value) for e, number, taken, raised, value in alarms),
    )


@given(uplinks(), st.data())
def test_an_uplink_comes_back_as_it_was_and_fits_the_contract(uplink: Uplink, data: st.DataObject) -> None:
    before = data.draw(st.none() | st.builds(Origin, st.just(uplink.epoch), st.integers(0, uplink.tick)))
    plain = uplink.to_bytes(before)
    UPLINK.validate_cbor(plain)
    assert Uplink.from_bytes(plain, CATALOGUE, before) == uplink


@given(
    st.builds(
        Answer,
        st.builds(Place, st.integers(0, 65535), U32),
        st.lists(st.tuples(st.integers(0, 65535), U32, U32), max_size=4).map(list),
        st.lists(st.tuples(st.integers(0, 65535), U32), max_size=8).map(list),
        st.none() | U32,
    )
)
def test_an_answer_comes_back_as_it_was_and_fits_the_contract(answer: Answer) -> None:
    plain = answer.to_bytes()
    REPLY.validate_cbor(plain)
    read = read_reply(plain)
    assert isinstance(read, Answer)
    assert (read.durable, list(read.received), list(read.alarms), read.utc) == (
        answer.durable,
        list(answer.received),
        list(answer.alarms),
        answer.utc,
    )


def test_an_answer_carries_no_more_than_the_contract_allows() -> None:
    plain = Answer(Place(1, 1), [(1, n, n) for n in range(3, 30, 2)], [(1, n) for n in range(20)], 2**40).to_bytes()
    REPLY.validate_cbor(plain)
    assert len(plain) < 221


def test_a_challenge_is_a_zero() -> None:
    REPLY.validate_cbor(Challenge().to_bytes())
    assert read_reply(b"\x00") == Challenge()


def test_the_usual_wake_takes_the_short_form() -> None:
    usual = Uplink(b"\x01\x02\x03\x04", 1, 905, Place(1, 3), 1, (sample(4, 904),))
    plain = usual.to_bytes(Origin(1, 5))
    assert plain == cbor2.dumps([b"\x01\x02\x03\x04", 900, 3, 1, 1, *WIRE])
    assert Uplink.from_bytes(plain, CATALOGUE, Origin(1, 5)) == usual


def test_a_usual_report_that_counts_from_nowhere_cannot_be_placed() -> None:
    with pytest.raises(UnplacedError):
        Uplink.from_bytes(cbor2.dumps([b"\x01\x02\x03\x04", 900, 3, 1, 1, *WIRE]), CATALOGUE)


@given(st.binary(max_size=221))
def test_a_strangers_bytes_are_malformed_and_nothing_else(plain: bytes) -> None:
    try:
        uplink = Uplink.from_bytes(plain, CATALOGUE, BEFORE)
    except MalformedError:
        return
    UPLINK.validate_cbor(plain)
    assert uplink.to_bytes()


@given(uplinks(), st.data())
def test_a_changed_byte_is_refused_or_fits_the_contract(uplink: Uplink, data: st.DataObject) -> None:
    plain = bytearray(uplink.to_bytes())
    plain[data.draw(st.integers(0, len(plain) - 1))] = data.draw(st.integers(0, 255))
    try:
        Uplink.from_bytes(bytes(plain), CATALOGUE, BEFORE)
    except MalformedError:
        return
    UPLINK.validate_cbor(bytes(plain))


HEAD = [NO_INSTANCE, 2, 100, 5]


@pytest.mark.parametrize(
    ("why", "content"),
    [
        ("a sample taken after it was sent", [*HEAD, 0, 1, 101, *WIRE]),
        ("true instead of a number", [*HEAD, 0, 1, 1, True, *WIRE[1:]]),
        ("a value beyond 32 bits", [*HEAD, 0, 1, 1, 2**31, *WIRE[1:]]),
        ("a seq beyond 32 bits", [*HEAD, 2**32 - 1, 1, 1, *WIRE]),
        ("an unknown layout", [*HEAD, 0, 200, 1, *WIRE]),
        ("a value too few", [*HEAD, 0, 1, 1, *WIRE[1:]]),
        ("an unknown alarm", [*HEAD, {5: [[2, 1, 99, 1, 1, 1]]}]),
        ("a loss in the future", [*HEAD, {4: [[3, 1, 2, 1]]}]),
        ("a loss that ends before it begins", [*HEAD, {4: [[2, 3, 2, 1]]}]),
        ("a loss by the gateway's own cause", [*HEAD, {4: [[2, 1, 2, 0]]}]),
        ("a run of the current epoch", [*HEAD, {3: [[2, [1, 1, 1, *WIRE]]]}]),
        ("a floor in the current epoch, said twice", [*HEAD, {6: [2, 1]}]),
        ("no floor at all", [*HEAD[:3], 0, {}]),
        ("a floor in an earlier epoch and one in this", [*HEAD, {6: [1, 1]}]),
        ("an unknown part", [*HEAD, {7: 1}]),
    ],
)
def test_what_the_contract_does_not_say_is_not_understood(why: str, content: list[object]) -> None:
    with pytest.raises(MalformedError):
        pytest.fail(f"{why}: {Uplink.from_bytes(cbor2.dumps(content), CATALOGUE)}")


@pytest.mark.parametrize(
    "vector", json.loads((wire_dir() / "vectors" / "refused.json").read_text()), ids=lambda vector: vector["name"]
)
def test_the_published_refusals(vector: dict[str, str]) -> None:
    with pytest.raises(MalformedError):
        Uplink.from_bytes(bytes.fromhex(vector["plain"]), CATALOGUE, BEFORE)


def test_a_report_that_says_nothing_but_where_it_stands_is_fine() -> None:
    assert Uplink.from_bytes(cbor2.dumps([*HEAD, {}]), CATALOGUE).samples == ()
