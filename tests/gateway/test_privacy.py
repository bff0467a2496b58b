"""What a lamp does at a moment tells who passes: whatever a lamppost says, the city gets sums of quarter hours."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from gateway_chain import Chain
from gateway_rig import MORNING, PlayedNode, TurnedClock
from published import validate
from stoep.refine.timeline import Moment
from stoep.store.verdict import Flag, Reason
from stoep.store.windows import SECONDS, Reading, Summary, TimeQuality, Total
from stoep.uplink.dialects.native import Native
from stoep.wire.channels import catalogue
from stoep.wire.messages import Alarm, Health, Place, Sample

SYNCED = TimeQuality.SYNCED
LIT = next(number for number, channels in catalogue().layouts.items() if len(channels) == 10)
AIR = (1853, 5512, -133, 3, 7, 12, 55)
MOVES = (0, 1, 0, 0)
USED, FIXED = (10_111, 90_787, 70_573, 30_011), (20_219, 20_323, 20_411, 20_507)  # mWh; no two alike
DRAWN = 61_357  # mW
ENERGY = ("lamp_energy", "lamp_energy_fixed")


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    """Of a city that wants all there is."""
    return Chain(tmp_path / "stoep.db", clock, node, "lamppost", forward=("window", "event", "state", "sample"))


def publish(chain: Chain) -> list[tuple[str, dict[str, Any]]]:
    """All that goes out of a quarter of an hour in which a lamp told its energy every minute, and a fault."""
    samples = [
        Sample(1, number, LIT, 5 + 60 * number, (*AIR, moves, used, fixed))
        for number, (moves, used, fixed) in enumerate(zip(MOVES, USED, FIXED, strict=True), 1)
    ]
    stuck = next(kind.id for kind in catalogue().alarms.values() if kind.name == "lamp_stuck_on")
    health = Health(4, 0, 0, 5, 0, 9000, 3, 0x11E4711E, 0x04D44C65, 0, 0, (0,) * 8)
    for tick, said in (
        (10, {"health": health}),
        (250, {"back": 1}),
        (SECONDS + 100, {"back": 1, "alarms": (Alarm(1, 1, stuck, 251, True, DRAWN),)}),
    ):
        chain.clock.now = 1000.0 + tick
        taken = samples if tick == 250 else []
        chain.ask(*taken, tick=tick, floor=Place(1, 1), **said)
        chain.commit()
        chain.turn()
    messages = chain.outbox.next(1000, ())
    kid = chain.node.kid
    window, heard = chain.refiner.published[kid], chain.intake.heard()[kid]
    topic, state = chain.native.state(chain.identity, window, heard, chain.clock.utc())
    counters = {**chain.counters.snapshot(), "outbox": 0}
    more = {"time": None, "instance": "01020304", "clock_trusted": True, "bridges": [], "uplink": {"connected": True}}
    gateway = chain.native.gateway({**more, "nodes": 1, "counters": counters})
    said_last = [(topic, state), (chain.native.gateway_topic, gateway)]
    return [(topic, json.loads(payload)) for topic, payload in [*((m.topic, m.payload) for m in messages), *said_last]]


def numbers(thing: Any) -> set[float]:
    """Every number in a document."""
    if isinstance(thing, dict):
        return {number for value in thing.values() for number in numbers(value)}
    if isinstance(thing, list):
        return {number for value in thing for number in numbers(value)}
    return {float(thing)} if isinstance(thing, int | float) else set()


def test_energy_leaves_as_the_sum_of_a_window_and_as_nothing_else(chain: Chain) -> None:
    windows = [document for topic, document in publish(chain) if topic.endswith("/window")]
    assert len(windows) == 1
    for name, readings in zip(ENERGY, (USED, FIXED), strict=True):
        channel = windows[0]["channels"][name]
        assert channel.keys() == {"unit", "count", "expected", "sum", "rejected", "quality", "time_quality"}
        assert (channel["unit"], channel["count"], channel["sum"]) == ("Wh", 4, sum(readings) / 1000)
    assert windows[0]["seconds"] == 900


def test_no_momentary_level_is_in_anything_that_is_published_or_logged(
    chain: Chain, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    published = publish(chain)
    assert {topic.rsplit("/", 1)[1] for topic, _ in published} == {"window", "event", "state", "gateway", "sample"}
    momentary = {*USED, *FIXED, DRAWN}
    every_scale = {float(one) for one in momentary} | {one / 1000 for one in momentary}
    for topic, document in published:
        assert not numbers(document) & every_scale, topic
    texts = [json.dumps(document) for _, document in published] + caplog.messages
    for text in texts:
        assert not [one for one in momentary if str(one) in text]


def test_single_readings_are_those_that_tell_of_nobody(chain: Chain) -> None:
    samples = [document for topic, document in publish(chain) if topic.endswith("/sample")]
    assert len(samples) == 4
    told = {channel.name for channel in catalogue().layouts[LIT] if channel.leaves == "reading"}
    assert {"temperature", "pm2_5"} < told
    for document in samples:
        assert document["channels"].keys() == told


@pytest.mark.parametrize("layout", catalogue().layouts)
def test_no_layout_lets_motion_lid_or_lamp_out_as_a_single_reading(layout: int, chain: Chain) -> None:
    channels = catalogue().layouts[layout]
    sample = Sample(1, 1, layout, 5, tuple(range(1001, 1001 + len(channels))))
    message = chain.native.sample(chain.identity, sample, chain.refiner._readings(sample), Moment(MORNING, SYNCED))
    assert message is not None
    document = json.loads(message[2])
    assert document["channels"].keys() == {channel.name for channel in channels if channel.leaves == "reading"}
    assert not {"motion_count", "lid_count", "lamp_power", *ENERGY} & document["channels"].keys()


def test_a_sample_of_nothing_but_motion_is_no_message(chain: Chain) -> None:
    motion = next(channel for channel in catalogue().channels.values() if channel.name == "motion_count")
    sample = Sample(1, 1, LIT, 5, ())
    readings = [Reading(motion, 3, Flag.GOOD)]
    assert chain.native.sample(chain.identity, sample, readings, Moment(MORNING, SYNCED)) is None


def test_a_lamps_fault_is_told_without_what_it_draws(chain: Chain) -> None:
    (event,) = [document for topic, document in publish(chain) if topic.endswith("/event")]
    assert (event["alarm"], event["raised"], event["value"]) == ("lamp_stuck_on", True, None)


def test_motion_is_nowhere_but_in_windows(chain: Chain) -> None:
    for topic, document in publish(chain):
        document.pop("last_window", None)
        without_failures = json.dumps(document).replace('"motion": 0', "")
        assert topic.endswith("/window") or "motion" not in without_failures


def test_a_state_names_the_light_by_its_version_only(chain: Chain) -> None:
    (state,) = [document for topic, document in publish(chain) if topic.endswith("/state")]
    assert state["health"]["node"]["light"] == "11e4711e"
    assert state["health"]["node"].pop("failed_readings")["lamp"] == 0
    assert "lamp" not in json.dumps(state["health"])


@pytest.mark.parametrize(("smallest", "said"), [(0, 1), (1, 1), (2, None), (10, None)])
def test_a_small_count_is_not_told_and_cannot_be_found_out(chain: Chain, smallest: int, said: int | None) -> None:
    """One person passed: who knows the street would know who."""
    chain.native = Native("grote-markt", 1, catalogue(), smallest=smallest)
    chain.refiner._compose = chain.native
    published = publish(chain)
    (window,) = [document for topic, document in published if topic.endswith("/window")]
    moves = window["channels"]["motion_count"]
    assert moves["sum"] == said
    assert moves.get("suppressed") == (None if said else f"fewer than {smallest}")
    assert (moves["count"], moves["unit"]) == (4, "1")
    (state,) = [document for topic, document in published if topic.endswith("/state")]
    assert state["last_window"]["channels"]["motion_count"] == moves
    assert window["channels"]["lamp_energy"]["sum"] == sum(USED) / 1000  # no count of people


def test_nobody_is_fewer_than_some(chain: Chain) -> None:
    """A zero beside "fewer than five" would tell that it was somebody."""
    counts = next(channel for channel in catalogue().channels.values() if channel.name == "motion_count")
    summary = Summary(chain.node.kid, 0, 1, False, {counts.id: Total(4, 0)})
    _, _, payload = Native("grote-markt", 1, catalogue(), smallest=5).window(chain.identity, summary)
    moves = json.loads(payload)["channels"]["motion_count"]
    assert (moves["sum"], moves["suppressed"]) == (None, "fewer than 5")


def test_movements_that_failed_are_not_too_few_to_be_told(chain: Chain) -> None:
    """They are no number at all; and a schema that knew only of what is too few would be broken."""
    counts = next(channel for channel in catalogue().channels.values() if channel.name == "motion_count")
    total = Total(flag=Flag.FAIL, reason=Reason.OUT_OF_RANGE, rejected=1)
    summary = Summary(chain.node.kid, 0, 1, False, {counts.id: total})
    _, topic, payload = Native("grote-markt", 1, catalogue(), smallest=5).window(chain.identity, summary)
    validate(topic, payload)
    moves = json.loads(payload)["channels"]["motion_count"]
    assert (moves["sum"], moves["count"], "suppressed" in moves) == (None, 0, False)
