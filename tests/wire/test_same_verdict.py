"""The same bytes, the same verdict: whatever comes, both sides take it with the same content, or both refuse it.

Random bytes, and valid messages changed in their bytes or in what they spell, go to the node's reader and to the
gateway's reader of the same message. A node reads no uplinks: there the gateway is held against wire.cddl itself and
its comments (`second_reader.py`). `effort.py` says how to search longer.
"""

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

import cbor2
import pytest

import mutations
import reference
import second_reader
from board_node import BoardNode
from effort import numbers, unlimited
from light_shown import shown_light
from stoep.errors import MalformedError
from stoep.wire import frame, messages, replies, shape
from stoep.wire.channels import catalogue

pytestmark = unlimited
SECRET = bytes(range(32))
KID = bytes.fromhex("c0ffee01")
INSTANCE = bytes.fromhex("a1b2c3d4")
ANSWERED = 300
BEFORE = messages.Origin(7, 4_000_000_000)
LONGEST_PLAIN = 221
ABOUT = 250  # asked at a time


Judge = Callable[[bytes], Any]


def changed(draw: Callable[[Random], Any], usual: int) -> Iterator[bytes]:
    """Messages of `draw` as they are, changed in their bytes, changed in their things; and bytes of nobody."""
    for seed in numbers(usual):
        rng = Random(seed)
        thing, other = draw(rng), draw(rng)
        plain = cbor2.dumps(thing)
        kind = rng.randrange(10)
        if kind == 0:
            yield plain
        elif kind == 1:
            yield rng.randbytes(rng.randrange(60))
        elif kind < 5:
            yield mutations.bytes_changed(rng, plain, cbor2.dumps(other))
        else:
            yield mutations.thing_changed(rng, thing, other)


def compare(examples: Iterable[bytes], one: Callable[[list[bytes]], list[Any]], two: Judge) -> tuple[int, int]:
    """How many were taken and how many refused, by both alike."""
    taken = refused = 0
    waiting = list(examples)
    for start in range(0, len(waiting), ABOUT):
        some = waiting[start : start + ABOUT]
        verdicts = list(zip(some, one(some), map(two, some), strict=True))
        different = [f"{data.hex()}: {first} / {second}" for data, first, second in verdicts if first != second]
        assert different == []
        taken += sum(first is not None for _, first, _ in verdicts)
        refused += sum(first is None for _, first, _ in verdicts)
    return taken, refused


def gateway_reads(plain: bytes) -> Any:
    """As the node's handle says it: 0 for a challenge, None for what is neither that nor an answer."""
    try:
        answer = replies.read_reply(plain)
    except MalformedError:
        return None
    if isinstance(answer, replies.Challenge):
        return 0
    settings = None if answer.settings is None else [list(pair) for pair in sorted(answer.settings.items())]
    ranges = [list(run) for run in answer.received]
    alarms = [list(a) for a in answer.alarms]
    return [list(answer.durable), ranges, alarms, answer.utc, settings, shown_light(answer.light)]


@pytest.mark.slow
def test_a_reply_means_the_same_to_both(board_node: BoardNode) -> None:
    taken, refused = compare(changed(mutations.reply, 8000), board_node.read, gateway_reads)
    assert min(taken, refused) > 500


def test_a_reply_means_the_same_to_both_at_every_bound(board_node: BoardNode) -> None:
    full = {1: [65535, 9], 2: [[1, 2, 3]] * 4, 3: [[1, 2]] * 8, 4: 5, 5: {1: 900, 255: 2**32 - 1}}
    lamps = [[bytes(4), 0], [bytes(4), 2], [bytes(4), 3], [bytes(4), 10_000]]
    lit = {1: [1, 1], 6: [1, [-200_000, -199_999, 0, 1000, 0, 200_000, 5, 6], [65535, bytes(16), 3, lamps]]}
    said = [full, lit, *(thing for *_, thing in reference.REPLIES)]
    examples = [one for thing in said for one in mutations.at_the_bounds(thing)]
    taken, refused = compare(examples, board_node.read, gateway_reads)
    assert min(taken, refused) > 100


@pytest.mark.slow
def test_a_reply_means_what_the_contract_says() -> None:
    for plain in changed(mutations.reply, 4000):
        by_it = second_reader.read_reply(plain)
        assert (gateway_reads(plain) is not None) == (by_it is not None), plain.hex()


def sealed_replies(usual: int) -> Iterator[bytes]:
    """Frames for our uplink ANSWERED: good, good but with a changed plaintext, and changed on the way."""
    keys = frame.reply_keys(SECRET, INSTANCE)
    for seed, plain in zip(numbers(usual), changed(mutations.reply, usual), strict=True):
        rng = Random(-1 - seed)
        counter = mutations.number(rng, 1, frame.COUNTER_HIGHEST)
        answered = ANSWERED if rng.random() < 0.9 else mutations.number(rng)
        sealed = frame.seal_reply(keys, KID, INSTANCE, counter, answered, plain[:LONGEST_PLAIN])
        kind = rng.randrange(4)
        if kind == 0:
            sealed = mutations.bytes_changed(rng, sealed, frame.seal_reply(keys, KID, INSTANCE, 1, ANSWERED, b"\0"))
        elif kind == 1:
            sealed = mutations.bytes_changed(rng, sealed[:24], sealed) + sealed[24:]
        yield sealed


def gateway_opens(sealed: bytes) -> Any:
    """What a node would do, by the gateway's code; None for what a node does not act on."""
    try:
        instance, plain = frame.open_reply(SECRET, KID, ANSWERED, sealed)
    except MalformedError:
        return None
    answer = gateway_reads(plain)
    return None if answer is None else (instance, plain, answer)


def test_a_sealed_reply_is_opened_by_both_or_by_neither(board_node: BoardNode) -> None:
    def node_opens(frames: list[bytes]) -> list[Any]:
        opened = board_node.open(SECRET, KID, ANSWERED, frames)
        return [None if one is None or one[2] is None else one for one in opened]

    taken, refused = compare(sealed_replies(4000), node_opens, gateway_opens)
    assert min(taken, refused) > 200


def headers(usual: int) -> Iterator[bytes]:
    """What looks like an uplink from outside, for no tag is looked at here; lengths of everything at their edges."""
    for seed in numbers(usual):
        rng = Random(seed)
        piv = rng.randbytes(rng.choice((0, 1, 1, 2, 3, 4, 5, 5, 6)))
        sealed = rng.randbytes(rng.choice((0, 7, 8, 9, 10, 23, 24, 40, 200, 227, 228, 229, 230, 231, 255, 256)))
        good = cbor2.dumps([b"\xa1\x01\x0a", {4: rng.randbytes(4), 6: piv}, sealed])
        yield good if rng.random() < 0.5 else mutations.bytes_changed(rng, good, rng.randbytes(60))


def gateway_kid(data: bytes) -> bytes | None:
    try:
        return frame.read_header(data).kid
    except MalformedError:
        return None


def test_the_outside_of_an_uplink_is_the_same_to_both(board_node: BoardNode) -> None:
    taken, refused = compare(headers(8000), board_node.kids, gateway_kid)
    assert min(taken, refused) > 500


def gateway_understands(plain: bytes) -> second_reader.Content | None:
    try:
        said = messages.Uplink.from_bytes(plain, catalogue(), BEFORE)
    except MalformedError:
        return None
    return second_reader.Content(
        said.instance,
        said.epoch,
        said.tick,
        tuple(said.floor),
        said.back,
        [(s.epoch, s.seq, s.tick, s.values) for s in said.samples],
        [(lost.epoch, lost.first, lost.last, lost.cause) for lost in said.lost],
        [(a.epoch, a.number, a.code, a.tick, int(a.raised), a.value) for a in said.alarms],
        [*said.health[:-1], *said.health.failed] if said.health else None,
        said.alarms[-1].trace if said.alarms else None,
    )


def by_the_letter(plains: list[bytes]) -> list[Any]:
    return [second_reader.read(plain, tuple(BEFORE)) for plain in plains]


@pytest.mark.slow
def test_an_uplink_means_what_the_contract_says_at_every_bound() -> None:
    values = [1, None, -1, 2**31 - 1, -(2**31), 0]
    silent = [None] * 6
    now = [[1, 1, 100, *values], [3, 1, 1, *silent], [-1, *silent]]  # taken at ticks 0, 99 and 100
    parts = {1: 1, 2: now, 3: [[4, [[1, 1, 0, *silent], [-1, *silent]]]], 4: [[5, 7, 7, 1]], 5: [[5, 0, 1, 0, 1, 9]]}
    parts |= {7: [1] * 19, 8: b"0.1.0"}
    said = [
        [INSTANCE, 5, 100, 9, parts],
        [INSTANCE, 5, 100, 0, {6: [4, 1]}],
        [INSTANCE, 2**32 - 1 - BEFORE.tick, 2**32 - 2, 1, 2**32 - 1, *silent],
    ]
    examples = [one for thing in said for one in mutations.at_the_bounds(thing)]
    taken, refused = compare(examples, by_the_letter, gateway_understands)
    assert min(taken, refused) > 100


@pytest.mark.slow
def test_an_uplink_means_what_the_contract_says() -> None:
    taken, refused = compare(changed(mutations.uplink, 1500), by_the_letter, gateway_understands)
    assert min(taken, refused) > 200


_DEEPEST = 6  # what the node's reader goes down to; the deepest value of a report lies there


def shown(thing: Any, depth: int = 0) -> Any:
    """A thing of cbor2's as the node's handle shows it; `ValueError` where it is outside the subset."""
    if depth > _DEEPEST:
        raise ValueError("too deep")
    if thing is None or (type(thing) is int and -(2**64) <= thing < 2**64):
        return thing
    if isinstance(thing, bytes):
        return {"bytes": thing.hex()}
    if isinstance(thing, list):
        return [shown(item, depth + 1) for item in thing]
    if isinstance(thing, dict) and all(type(key) is int and 0 <= key < 2**64 for key in thing):
        if list(thing) != sorted(thing):
            raise ValueError("out of order")
        return {"map": [[key, shown(value, depth + 1)] for key, value in thing.items()]}
    raise ValueError("outside the subset")


def gateway_decodes(data: bytes) -> Any:
    try:
        return [shown(shape.decode(data))]
    except (MalformedError, ValueError):
        return None


def cbor_things(usual: int) -> Iterator[bytes]:
    either = lambda rng: rng.choice((mutations.reply, mutations.uplink))(rng)  # noqa: E731
    return changed(either, usual)


@pytest.mark.slow
def test_bytes_spell_the_same_thing_to_both(board_node: BoardNode) -> None:
    def node_decodes(spelled: list[bytes]) -> list[Any]:
        return [None if thing == "malformed" else [thing] for thing in board_node.decode(spelled)]

    taken, refused = compare(cbor_things(8000), node_decodes, gateway_decodes)
    assert min(taken, refused) > 500
