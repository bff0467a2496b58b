"""Whatever one side can say, the other understands: replies of the gateway, and reports of nodes in any state."""

import operator
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import contract
from board_node import BoardNode
from effort import searching, unlimited
from light_shown import shown_light
from stoep.store.ranges import Ranges
from stoep.wire import frame
from stoep.wire.channels import catalogue
from stoep.wire.light import Lamp, Light, Plan, Share
from stoep.wire.messages import Origin, Place, Uplink
from stoep.wire.replies import Answer, Challenge, read_reply, version_of

pytestmark = unlimited
U32 = 2**32 - 1
LAYOUTS = catalogue().layouts
ALARM = catalogue().alarms[1]
CRASHED = next(kind for kind in catalogue().alarms.values() if kind.name == "crashed")
NO_INSTANCE = bytes(4)

secrets = st.binary(min_size=32, max_size=32)
kids = st.binary(min_size=4, max_size=4)
counters = st.integers(1, frame.COUNTER_HIGHEST)
epochs = st.integers(0, 65535)
u32 = st.integers(0, U32)
layouts = st.sampled_from(sorted(LAYOUTS))
values = st.none() | st.integers(-(2**31), 2**31 - 1)
permille = st.integers(0, 1000)
moments = st.integers(-200_000, 200_000)


@st.composite
def lights(draw: st.DrawFn) -> Light:
    """A night, and for most of them up to twelve lamps."""
    dusk = draw(st.integers(-200_000, 199_999))
    dawn, levels = draw(st.integers(dusk + 1, 200_000)), draw(st.tuples(permille, permille))
    plan = Plan(dusk, dawn, *levels, *draw(st.tuples(moments, moments, moments, moments)))
    positions = sorted(draw(st.sets(st.integers(0, 10_000), max_size=12)))
    if not positions:
        return Light(draw(u32), plan)
    lamps = tuple(Lamp(draw(kids), position) for position in positions)
    key = draw(st.binary(min_size=16, max_size=16))
    return Light(draw(u32), plan, Share(draw(epochs), key, draw(st.integers(0, len(lamps) - 1)), lamps))


answers = st.builds(
    Answer,
    st.builds(Place, epochs, u32),
    st.lists(st.tuples(epochs, u32, u32), max_size=4),
    st.lists(st.tuples(epochs, u32), max_size=8),
    st.none() | u32,
    st.none() | st.dictionaries(u32, u32, min_size=1, max_size=16),
    st.none() | lights(),
)


@pytest.mark.slow
@searching(300)
@given(secrets, kids, counters, counters, kids, answers | st.just(Challenge()))
def test_the_node_understands_every_answer(
    board_node: BoardNode,
    secret: bytes,
    kid: bytes,
    counter: int,
    answered: int,
    instance: bytes,
    said: Answer | Challenge,
) -> None:
    plain = said.to_bytes()
    contract.validate("reply", plain)
    keys = frame.reply_keys(secret, instance)
    (heard,) = board_node.open(secret, kid, answered, [frame.seal_reply(keys, kid, instance, counter, answered, plain)])
    if isinstance(said, Challenge):
        assert heard == (instance, plain, 0)
    else:
        content = [list(said.durable), [list(r) for r in said.received], [list(a) for a in said.alarms], said.utc]
        fitting = read_reply(plain)
        assert isinstance(fitting, Answer)
        if len(said.received) + len(said.alarms) <= 2:
            assert fitting.settings == said.settings
        if len(said.received) + len(said.alarms) <= 1 and (said.settings is None or said.light is None):
            assert (fitting.settings, fitting.light) == (said.settings, said.light)
        assert fitting.light in (None, said.light)
        settings = fitting.settings
        content.append(None if settings is None else [list(pair) for pair in sorted(settings.items())])
        content.append(shown_light(fitting.light))
        assert heard == (instance, plain, content)


class Taken(NamedTuple):
    """A sample on the node's flash, its values as they travel."""

    epoch: int
    seq: int
    tick: int
    layout: int
    values: tuple[int | None, ...]


def contents(layout: int) -> st.SearchStrategy[tuple[int | None, ...]]:
    """The values of a sample of this layout."""
    return st.tuples(*[values] * len(LAYOUTS[layout]))


class State(NamedTuple):
    """Where a node stands when it makes a report."""

    epoch: int
    seq: int  # the last one given
    tick: int
    samples: list[Taken]
    durable: tuple[int, int]
    received: list[tuple[int, int, int]]
    lost: list[tuple[int, int, int, int]]
    alarms: list[tuple[int, int, int, bool, int | None]]  # epoch, number, tick, raised, value
    instance: bytes
    heard: tuple[int, int] | None  # how many counters ago a reply was heard, and the tick of the frame it answered
    health: tuple[int, ...] | None = None  # what it has to tell of itself
    trace: bytes | None = None  # of its alarms, which are then crashes

    def unsent(self) -> list[Taken]:
        return [s for s in self.samples if s[:2] > self.durable and not _within(s, self.received)]

    def held(self) -> list[Taken]:
        return [s for s in self.samples if s[:2] > self.durable]


def _within(sample: Taken, runs: Iterable[tuple[int, int, int]]) -> bool:
    return any(sample.epoch == epoch and first <= sample.seq <= last for epoch, first, last in runs)


@st.composite
def quiet_wakes(draw: st.DrawFn) -> State:
    """One new sample, the one before received but not yet durable, and a reply heard to the frame just before."""
    epoch, seq, tick = draw(st.integers(1, 65000)), draw(st.integers(0, U32 - 3)), 0
    layout = draw(layouts)
    samples: list[Taken] = []
    for number in range(seq + 1, seq + 4):
        tick += draw(st.sampled_from([1, 900]) | st.integers(0, 2**29 - 1))
        samples.append(Taken(epoch, number, tick, layout, draw(contents(layout))))
    heard = (1, draw(st.integers(0, tick)))
    now = tick + draw(st.integers(0, 2**29))
    received = [(epoch, seq + 2, seq + 2)]
    return State(epoch, seq + 3, now, samples, (epoch, seq + 1), received, [], [], draw(kids), heard)


@st.composite
def states(draw: st.DrawFn) -> State:
    """A node some epochs old; numbers and seconds rise, now and then in great steps."""
    steps = st.sampled_from([1, 1, 1, 1, 2, 3, 40, 70_000])
    samples: list[Taken] = []
    epoch, seq, tick = draw(st.integers(1, 3) | st.integers(1, 65000)), 0, 0
    layout = draw(layouts)
    usual = draw(st.booleans())  # a quiet wake, or nearly: one new sample after a reply to the frame just before
    for _ in range(draw(st.integers(3 if usual else 0, 8))):
        if not usual and draw(st.integers(0, 4)) == 0:
            epoch, seq, tick = epoch + draw(st.integers(1, 3)), 0, 0
        seq += 1 if usual else draw(steps)
        tick += draw(st.sampled_from([0, 1, 900]) | st.integers(0, 2**29 - 1))
        if draw(st.integers(0, 4)) == 0:  # other firmware from here on
            layout = draw(layouts)
        samples.append(Taken(epoch, seq, tick, layout, draw(contents(layout))))
    keys = [sample[:2] for sample in samples]
    received: list[tuple[int, int, int]] = []
    if usual:
        durable = draw(st.sampled_from([keys[-3], *keys[:-1]]))
        if durable != keys[-2]:
            received = [(epoch, durable[1] + 1, keys[-2][1])]
    else:
        durable = draw(st.sampled_from([(0, 0), *keys]))
        starts = draw(st.lists(st.sampled_from([(0, 0), *keys]), max_size=3))
        received = [(e, first, first + draw(st.integers(0, 3))) for e, first in starts]
    back = st.sampled_from([1, 1, 1, 2]) if usual else st.integers(1, 300)
    heard = draw(st.tuples(back, st.integers(0, tick)) | st.none())
    losses = st.tuples(st.integers(0, epoch), st.integers(1, U32), st.integers(0, 9), st.integers(1, 2))
    alarms = st.tuples(st.integers(0, epoch), u32, u32, st.booleans(), values)
    few = draw(st.sampled_from([0, 0, 0, 1])) if usual else 3
    failures = st.tuples(*[st.integers(0, 65535)] * len(catalogue().sensors))
    shorts = st.integers(0, 65535)
    none_kept = st.just(version_of({}))
    health = st.tuples(u32, shorts, shorts, u32, u32, u32, st.just(0), u32, none_kept, u32, u32)
    itself = st.none() if usual else st.none() | st.builds(operator.add, health, failures)
    trace = st.none() if usual else st.none() | st.binary(min_size=1, max_size=150)
    return State(
        epoch,
        seq,
        tick + draw(st.integers(0, 2**29)),
        samples,
        durable,
        received,
        [(e, first, min(first + more, U32), cause) for e, first, more, cause in draw(st.lists(losses, max_size=few))],
        draw(st.lists(alarms, max_size=few, unique_by=lambda a: a[:2])),
        draw(kids),
        heard,
        draw(itself),
        draw(trace),
    )


def _for_the_board(state: State, counter: int) -> dict[str, Any]:
    kind = ALARM if state.trace is None else CRASHED
    counts = [
        [None if v is None else v + c.offset for v, c in zip(sample.values, LAYOUTS[sample.layout], strict=True)]
        for sample in state.samples
    ]
    return {
        "last": [state.epoch, state.seq],
        "tick": state.tick,
        "samples": [[*sample[:4], these] for sample, these in zip(state.samples, counts, strict=True)],
        "durable": state.durable,
        "received": state.received,
        "lost": state.lost,
        "alarms": [
            [e, number, kind.id, tick, int(raised), kind.channel.id, None if v is None else v + kind.channel.offset]
            for e, number, tick, raised, v in state.alarms
        ],
        "instance": state.instance.hex(),
        "heard": [counter - state.heard[0], state.heard[1]] if state.heard else [0, 0],
        "health": state.health,
        "trace": None if state.trace is None else state.trace.hex(),
    }


def _positions(runs: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """The same positions in the fewest runs."""
    joined: list[tuple[int, int, int]] = []
    for epoch, first, last in sorted(runs):
        if joined and joined[-1][0] == epoch and first <= joined[-1][2] + 1:
            joined[-1] = (epoch, joined[-1][1], max(last, joined[-1][2]))
        else:
            joined.append((epoch, first, last))
    return joined


def _overlap(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return one[0] == other[0] and one[1] <= other[2] and other[1] <= one[2]


def _holes(state: State) -> list[tuple[int, int, int]]:
    pairs = pairwise([state.durable, *(sample[:2] for sample in state.held())])
    return [(a[0], a[1] + 1, b[1] - 1) for a, b in pairs if a[0] == b[0] and b[1] > a[1] + 1]


def _due(state: State) -> list[tuple[int, int, int]]:
    """What was given up or is a hole, beyond what is durable and between what is held."""
    hulls: dict[tuple[int, int], tuple[int, int]] = {}
    for epoch, first, last, cause in state.lost:
        known = hulls.get((epoch, cause), (first, last))
        hulls[epoch, cause] = min(first, known[0]), max(last, known[1])
    gone: dict[int, Ranges] = {}
    for epoch, first, last in [*((e, *hull) for (e, _), hull in hulls.items()), *_holes(state)]:
        gone.setdefault(epoch, Ranges()).add(first, last)
    for epoch, ranges in gone.items():
        for one in state.held():
            if one.epoch == epoch:
                ranges.remove(one.seq, one.seq)
        if epoch <= state.durable[0]:
            ranges.remove(0, U32 if epoch < state.durable[0] else state.durable[1])
    return [(epoch, *run) for epoch in sorted(gone) for run in gone[epoch]]


def _most(sample: Taken) -> int:
    """The bytes it takes at most: each value five, what is before them 18."""
    return 18 + 5 * len(sample.values)


def _is_said(heard: Uplink, state: State) -> None:
    """Everything that the report says is so, and nothing is left out that had room."""
    held = state.held()
    assert (heard.epoch, heard.tick, heard.instance) == (state.epoch, state.tick, state.instance)
    assert heard.floor == (held[0][:2] if held else (state.epoch, state.seq + 1))
    assert heard.back == (state.heard[0] if state.heard else None)
    said = sorted(Taken(s.epoch, s.seq, s.tick, s.layout, s.values) for s in heard.samples)
    unsent = state.unsent()
    assert said == unsent[: len(said)]
    traced = state.trace is not None and bool(state.alarms) and state.alarms[0][3]
    due = _due(state)
    if not (state.alarms or state.health or due):
        assert len(said) >= min(3 if sum(map(_most, unsent[:3])) <= 174 else 2, len(unsent))
    alarms = [(a.epoch, a.number, a.tick, a.raised, a.value) for a in heard.alarms]
    assert alarms == (state.alarms[:1] if traced else state.alarms[:4])
    assert [a.trace for a in heard.alarms] == ([state.trace] if traced else [None] * len(alarms))
    if not traced:  # what a node says of itself waits for the next frame
        health = None if state.instance == NO_INSTANCE else state.health
        told = None if heard.health is None else (*heard.health[:-1], *heard.health.failed)
        assert told == health or (told and health and (told[:6], told[7:]) == (health[:6], health[7:]))
    lost = _positions((lost.epoch, lost.first, lost.last) for lost in heard.lost)
    assert all(any(e == run[0] and run[1] <= first and last <= run[2] for run in due) for e, first, last in lost)
    end = max([sample[:2] for sample in said] + [(epoch, first) for epoch, first, _ in lost], default=(0, 0))
    most = 17 * 2 * len(due) + sum(map(_most, unsent)) + 24 * len(alarms) + (85 if state.health else 0)
    if not traced and most < 170:
        end = (U32, 0)
    missing = [run for run in due if run[:2] <= end and not any(_overlap(run, one) for one in lost)]
    assert all(any(_overlap(run, one) for one in state.received) for run in missing)


def _understood(board_node: BoardNode, secret: bytes, kid: bytes, counter: int, state: State) -> bytes:
    # What the node said, after the gateway has read all of it.
    plain, sealed = board_node.report(secret, kid, counter, _for_the_board(state, counter))
    contract.validate("uplink", plain)
    header = frame.read_header(sealed)
    assert (header.kid, header.counter) == (kid, counter)
    assert frame.open_uplink(frame.uplink_keys(secret), header) == plain
    before = Origin(state.epoch, state.heard[1]) if state.heard and state.heard[0] == 1 else None
    _is_said(Uplink.from_bytes(plain, catalogue(), before), state)
    return plain


@pytest.mark.slow
@searching(300)
@given(secrets, kids, st.integers(301, frame.COUNTER_HIGHEST), states())
def test_the_gateway_understands_every_report(
    board_node: BoardNode, secret: bytes, kid: bytes, counter: int, state: State
) -> None:
    _understood(board_node, secret, kid, counter, state)


@searching(100)
@given(secrets, kids, st.integers(301, frame.COUNTER_HIGHEST), quiet_wakes())
def test_the_gateway_understands_the_usual_report(
    board_node: BoardNode, secret: bytes, kid: bytes, counter: int, state: State
) -> None:
    plain = _understood(board_node, secret, kid, counter, state)
    values = len(LAYOUTS[state.samples[-1].layout])
    assert plain[0] == 0x80 + 5 + values  # an array of the usual form's length, not the report's five
