"""The fleet's health: who is silent, whose battery ends when, whose clock drifts, who yields data one can use."""

import json
import random
import threading
from pathlib import Path

import pytest

from gateway_chain import Chain
from gateway_rig import MORNING, WIRE, PlayedNode, TurnedClock, sample
from stoep.fleet import summary, watch
from stoep.fleet.battery import remaining
from stoep.fleet.condition import Condition, Use, problems
from stoep.fleet.survey import Wanted, survey
from stoep.ledger import books
from stoep.refine.days import DAY
from stoep.refine.timeline import Anchor, Timeline
from stoep.store.windows import SECONDS
from stoep.wire.channels import catalogue
from stoep.wire.messages import Alarm, Place

BLOCK = 6 * 3600
CLIMATE_FAILING = next(alarm.id for alarm in catalogue().alarms.values() if alarm.name == "climate_failing")
DEAD_SONAR = (*WIRE[:3], None, None, WIRE[5])


# -- batteries ---------------------------------------------------------------------------------------------------------


def discharge(days: float, a_day: float, start: float = 3600.0) -> list[tuple[float, float]]:
    """Points every six hours, cold nights and a few bad readings in them."""
    chance = random.Random(7)
    points = []
    for at in range(int(days * 4)):
        volts = start - a_day * at / 4 - (25 if at % 4 == 0 else 0) + chance.gauss(0, 4)
        points.append((MORNING + at * BLOCK, volts if chance.random() > 0.05 else volts - 400))
    return points


def test_a_dying_battery_is_told_before_it_is_dead_with_how_sure_that_is() -> None:
    """Dublin's bins: the batteries died, the sensors fell silent, and the rounds were never saved."""
    points = discharge(14, 20.0)
    left = remaining(points, 3100.0)
    assert left is not None
    assert left.days is not None
    assert left.soonest is not None
    assert left.latest is not None
    truth = (3600.0 - 20 * 14 - 3100) / 20
    assert left.soonest < left.days < left.latest
    assert left.soonest - 1 <= truth <= left.latest + 1
    assert left.latest - left.soonest < 8
    bin_ = Condition(b"\x01", "bin-1", "bin", 900, heard=MORNING, battery=left, good=96, windows=96)
    assert problems(bin_, MORNING, MORNING, MORNING)[0].startswith("battery empty in about ")
    assert summary.fleet([bin_], {}, MORNING, MORNING)["battery_days"] == {"bin-1": round(left.days)}


def test_a_single_bad_reading_does_not_bend_the_line() -> None:
    straight = [(MORNING + at * BLOCK, 3600.0 - 5 * at) for at in range(40)]
    bent = [*straight[:20], (straight[20][0], 1000.0), *straight[21:]]
    assert remaining(bent, 3100.0) == pytest.approx(remaining(straight, 3100.0), abs=0.01)


@pytest.mark.parametrize("points", [[], discharge(2.5, 20), discharge(14, 20)[::8]])
def test_nothing_is_said_of_a_battery_while_there_is_too_little(points: list[tuple[float, float]]) -> None:
    assert remaining(points, 3100.0) is None


def test_a_battery_that_the_sun_fills_has_no_end() -> None:
    left = remaining([(MORNING + at * BLOCK, 3400.0 + at % 4) for at in range(56)], 3100.0)
    assert left is not None
    assert left.days is None


def test_a_battery_that_is_empty_has_no_days_left() -> None:
    left = remaining([(MORNING + at * BLOCK, 3120.0 - at) for at in range(40)], 3100.0)
    assert left is not None
    assert left.days == 0


# -- silence, in words -------------------------------------------------------------------------------------------------


def test_a_node_is_silent_after_three_of_its_own_intervals() -> None:
    node = Condition(b"\x01", "bin-1", "bin", 3600, heard=MORNING)
    assert not node.silent(None, MORNING + 3 * 3600, MORNING)
    assert node.silent(None, MORNING + 3 * 3600 + 61, MORNING)
    assert not node.silent(MORNING + 3600, MORNING + 3 * 3600 + 61, MORNING)


def test_after_a_restart_of_the_gateway_nobody_is_silent_before_it_could_speak() -> None:
    node = Condition(b"\x01", "bin-1", "bin", 900, heard=MORNING)
    started = MORNING + 2 * DAY
    assert not node.silent(None, started + 2700, started)
    assert node.silent(None, started + 2761, started)


def test_a_node_that_was_never_heard_is_told_with_what_to_do_and_is_of_no_use() -> None:
    node = Condition(b"\x01", "bin-1", "bin", 900)
    assert problems(node, None, MORNING + DAY, MORNING) == [
        "never heard: is it commissioned for this site, and powered?"
    ]
    assert node.use is Use.POOR


def test_problems_are_words_the_gravest_first() -> None:
    alarms = ("battery_low", "range_failing", "safe_mode")
    node = Condition(b"\x01", "bin-1", "bin", 900, heard=MORNING, ppm=-60_000, alarms=alarms, good=10, windows=90)
    assert problems(node, None, MORNING + DAY, MORNING) == [
        "silent",
        "battery low",
        "in safe mode",
        "range cannot be read",
        "its clock is 6 % too slow",
        "only 11 % of the last day's windows are usable",
    ]


def test_drift_is_measured_over_an_hour_or_more_and_has_a_sign() -> None:
    timeline = Timeline()
    timeline.add(1, Anchor(0, 1, 0))
    assert timeline.drift(lambda _boot, at: at / 1e6) is None
    timeline.add(1, Anchor(2100, 1, 2_000_000_000))
    assert timeline.drift(lambda _boot, at: at / 1e6) is None
    timeline.add(1, Anchor(10_500, 1, 10_000_000_000))
    assert timeline.drift(lambda _boot, at: at / 1e6) == 50_000


# -- the survey of a store ---------------------------------------------------------------------------------------------


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    return Chain(tmp_path / "stoep.db", clock, node)


def lives(chain: Chain, first: int, last: int, values: tuple[int | None, ...] = WIRE) -> None:
    """Quarters of an hour in which the node takes a sample and reports it."""
    for seq in range(first, last + 1):
        chain.clock.now = 1000.0 + seq * SECONDS + 30
        moved = (value if value is None else value + seq % 2 for value in values[:4])  # else it would be stuck
        lively = (*moved, *values[4:])
        chain.ask(sample(seq, seq * SECONDS, values=lively), tick=seq * SECONDS + 30, back=1, floor=Place(1, seq))
        chain.commit()
        chain.turn()


def look(chain: Chain, nodes: dict[bytes, Wanted] | None = None) -> dict[bytes, Condition]:
    chain.turn(last=True)
    wanted = nodes or {chain.node.kid: Wanted("bin-1", "bin", SECONDS)}
    with books.opened(chain.database.file) as read:
        return survey(read, wanted, catalogue(), chain.clock.utc())


def test_a_node_whose_windows_are_whole_is_usable(chain: Chain) -> None:
    lives(chain, 1, 40)
    (condition,) = look(chain).values()
    assert condition.use is Use.USABLE
    assert condition.good >= 0.95 * condition.windows > 30
    assert condition.pace == pytest.approx(SECONDS, rel=0.02)


def test_a_fleet_that_reports_but_yields_nothing_usable_is_seen(chain: Chain) -> None:
    """San Diego: of 3,000 street lights about a dozen gave usable pedestrian data, and nobody saw it for years.

    This bin reports on time, day by day, without the one reading it is there for; another was never heard.
    """
    lives(chain, 1, 40, DEAD_SONAR)
    conditions = look(
        chain, {chain.node.kid: Wanted("bin-1", "bin", SECONDS), b"\xc0\xff\xee\x02": Wanted("bin-2", "bin", SECONDS)}
    )
    condition = conditions[chain.node.kid]
    assert (condition.good, condition.use) == (0, Use.POOR)
    now = chain.clock.utc()
    fleet = summary.fleet(conditions.values(), {chain.node.kid: now}, now, now)
    assert (fleet["nodes"], fleet["usable"], fleet["of"], fleet["share"]) == (2, 0, 2, 0.0)
    assert problems(condition, now, now, now) == ["only 0 % of the last day's windows are usable"]


def test_a_node_of_this_hour_is_too_young_to_be_judged(chain: Chain) -> None:
    lives(chain, 1, 2)
    (condition,) = look(chain).values()
    assert condition.use is Use.NEW
    assert summary.fleet([condition], {}, MORNING, MORNING)["share"] is None


def test_a_node_that_fell_silent_hours_ago_is_not_usable_any_more(chain: Chain) -> None:
    lives(chain, 1, 40)
    chain.clock.now += 12 * 3600
    (condition,) = look(chain).values()
    assert condition.use is Use.POOR


def test_a_failing_sensor_is_named_until_it_is_well_and_a_cold_boot_forgets_it(chain: Chain) -> None:
    lives(chain, 1, 3)
    chain.ask(alarms=(Alarm(1, 1, CLIMATE_FAILING, 2000, True, 3),), tick=3 * SECONDS + 40, floor=Place(1, 4))
    (condition,) = look(chain).values()
    assert condition.failing == ("climate",)
    assert problems(condition, chain.clock.utc(), chain.clock.utc(), MORNING) == ["climate cannot be read"]
    chain.ask(alarms=(Alarm(1, 2, CLIMATE_FAILING, 2900, False, 3),), tick=3 * SECONDS + 50, floor=Place(1, 4))
    assert next(iter(look(chain).values())).failing == ()
    chain.ask(alarms=(Alarm(1, 3, CLIMATE_FAILING, 2950, True, 3),), tick=3 * SECONDS + 60, floor=Place(1, 4))
    assert next(iter(look(chain).values())).failing == ("climate",)
    chain.ask(sample(1, 5, epoch=2), epoch=2, tick=9)
    chain.commit()
    assert next(iter(look(chain).values())).failing == ()


def test_what_waits_here_and_there_is_counted(chain: Chain) -> None:
    lives(chain, 1, 3)
    chain.ask(sample(7, 4 * SECONDS), tick=4 * SECONDS + 30, back=1, floor=Place(1, 4))
    chain.commit()
    (condition,) = look(chain).values()
    assert (condition.here, condition.there) == (4, 3)


def test_a_battery_gets_a_point_each_six_hours_and_they_outlive_a_kill(chain: Chain) -> None:
    watching = chain.watch()
    for day in range(4):
        volts = 100 - 20 * day  # on top of 3,700 mV
        for quarter in range(0, 96, 24):
            first = day * 96 + quarter + 1
            lives(chain, first, first + 2, (*WIRE[:5], volts))
            watching.turn()
        chain.crash()
        watching = chain.watch()
    watching.turn()
    assert chain.row("SELECT count(*), max(counts), min(counts) FROM battery") == (16, 3800, 3740)
    (condition,) = watching.conditions.values()
    assert condition.volts == 3.74
    assert condition.battery is not None
    assert condition.battery.days == pytest.approx((3740 - 3100) / 20, rel=0.1)
    assert chain.row("SELECT count(*) FROM receipt") == (3,)


@pytest.mark.parametrize(("look", "rests"), [(0.001, 5.0), (0.05, 20.0), (1.0, 400.0), (10.0, 900.0)])
def test_a_survey_rests_four_hundred_times_as_long_as_a_look_took(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, look: float, rests: float
) -> None:
    """But 5 s at least, and a quarter of an hour at most."""
    now = 0.0
    began: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            nonlocal now
            now += timeout or 0.0
            return len(began) == 2 or now > 2000

    def turn() -> None:
        nonlocal now
        began.append(now)
        now += look

    watching = chain.watch()
    monkeypatch.setattr(watch, "real", lambda: now)
    monkeypatch.setattr(watching, "turn", turn)
    watching.run(Stop())
    first, second = began
    assert rests - 0.01 <= second - first - look <= rests + 0.51  # it looks up each half second


def test_samples_that_came_again_are_in_the_tally_of_the_day(chain: Chain) -> None:
    lives(chain, 1, 2)
    for _ in range(3):
        chain.ask(sample(1, SECONDS), sample(2, 2 * SECONDS), tick=2 * SECONDS + 60, floor=Place(1, 1))
    assert chain.intake.take_duplicates() == {chain.identity.id: 6}
    assert chain.intake.take_duplicates() == {}


def test_a_nodes_health_is_a_document_without_anything_it_measured() -> None:
    node = Condition(b"\x01", "bin-1", "bin", 900, heard=MORNING, volts=3.7, good=90, windows=96)
    assert json.loads(json.dumps(summary.node(node, silent=False))) == {
        "silent": False,
        "failing": [],
        "battery_left": None,
        "clock_ppm": None,
        "usable": {"verdict": "usable", "windows": 90, "expected": 96},
    }
