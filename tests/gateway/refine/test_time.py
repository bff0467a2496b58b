"""Time that can be trusted: clocks that leap by ten years, that are wrong at the start, that drift; nothing is lost,
nothing reordered, and nothing leaves with a date that nobody vouches for."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway_chain import Chain
from gateway_rig import MORNING, City, PlayedNode, PtyBridge, TurnedClock, sample, write_clock
from stoep import settings
from stoep.clock import EPOCH_2000, timestamp
from stoep.refine.refiner import GRACE
from stoep.refine.timeline import PATIENCE
from stoep.service.service import Service
from stoep.steady import LEAP, VOUCHED, SteadyClock
from stoep.store.windows import SECONDS, start_of
from stoep.wire.messages import Alarm, Place

TEN_YEARS = 10 * 365.25 * 86400
BOTH_WAYS = pytest.mark.parametrize("leap", [TEN_YEARS, -TEN_YEARS], ids=["ten years ahead", "ten years back"])
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


class Street(Chain):
    """A node that reports every five minutes, as `seq` and tick go; what reached the city is kept by its key."""

    def __init__(self, file: Path, clock: TurnedClock, node: PlayedNode) -> None:
        super().__init__(file, clock, node, steady=True)
        self.city: dict[str, tuple[int, int]] = {}
        self.order: list[str] = []
        self.seq = 0
        self.began = clock.now  # monotonic, at tick 0

    def live(self, reports: int) -> None:
        for _ in range(reports):
            self.seq += 1
            self.clock.now += 300
            tick = round(self.clock.now - self.began)
            self.ask(sample(self.seq, tick), tick=tick, back=1 if self.node.counter else None, floor=Place(1, 1))
            self.commit()
            self.look()

    def told(self) -> int | None:
        """The UTC in the next reply."""
        return self.ask(tick=round(self.clock.now - self.began), back=1, floor=Place(1, 1)).utc

    def look(self, *, last: bool = False) -> None:
        self.turn(last=last)
        for window in self.windows():
            assert window["revision"] > self.city.get(window["start"], (0, 0))[0]
            self.city[window["start"]] = window["revision"], window["channels"]["temperature"]["count"]
            self.order.append(window["start"])

    def counted(self) -> int:
        self.clock.now += SECONDS + GRACE
        self.look(last=True)
        return sum(count for _, count in self.city.values())


@pytest.fixture
def street(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Street:
    return Street(tmp_path / "stoep.db", clock, node)


def all_within(street: Street, first: str, last: str) -> bool:
    """What is said again, because it stands still at last, is not looked at: when each was said first is."""
    once = list(dict.fromkeys(street.order))
    return all(first <= start <= last for start in once) and once == sorted(once)


# -- leaps -------------------------------------------------------------------------------------------------------------


@BOTH_WAYS
def test_a_leap_during_a_run_reorders_nothing_and_loses_nothing(leap: float, street: Street) -> None:
    """A hand sets the date, or a time server is mad for half an hour."""
    street.live(6)
    street.clock.utc_offset += leap
    street.live(6)
    street.clock.utc_offset -= leap
    street.live(6)
    assert street.counted() == street.seq == 18
    assert all_within(street, "2026-06-01T06:00:00Z", "2026-06-01T07:30:00Z")


@BOTH_WAYS
def test_a_leap_by_hand_that_ntp_takes_back_later_is_never_believed(leap: float, street: Street) -> None:
    street.live(6)
    street.clock.utc_offset += leap
    street.clock.is_trusted = False  # the kernel's word after settimeofday
    street.live(36)
    assert street.told() == int(MORNING + street.clock.now - 1000) - EPOCH_2000
    street.clock.utc_offset -= leap
    street.clock.is_trusted = True
    street.live(6)
    assert street.counted() == street.seq == 48
    assert all_within(street, "2026-06-01T06:00:00Z", "2026-06-01T10:15:00Z")


@BOTH_WAYS
def test_a_restart_of_the_service_during_a_leap_goes_on_with_what_the_boot_knew(leap: float, street: Street) -> None:
    street.live(6)
    street.look(last=True)
    street.clock.utc_offset += leap
    street.crash()
    street.live(6)
    street.clock.utc_offset -= leap
    street.live(3)
    assert street.counted() == street.seq == 15
    assert all_within(street, "2026-06-01T06:00:00Z", "2026-06-01T07:15:00Z")


@BOTH_WAYS
def test_a_pi_that_boots_with_the_wrong_time_dates_nothing_until_ntp_and_then_everything(
    leap: float, street: Street
) -> None:
    """A Pi without an RTC: half of the readings came before it was cut off, half after, NTP speaks last."""
    street.live(6)
    street.look(last=True)
    sent = list(street.order)
    street.began -= street.clock.now - 50.0  # the monotonic clock begins anew; the node's goes on
    street.clock.utc_offset += street.clock.now - 50.0 + leap
    street.clock.now = 50.0
    street.clock.is_trusted = False
    street.crash(boot="boot-2")
    street.live(6)
    assert street.told() is None
    assert street.order == sent, "nothing is published with a date that is not trusted"
    street.clock.utc_offset -= leap
    street.clock.is_trusted = True
    street.live(1)
    assert street.counted() == street.seq == 13
    assert all_within(street, "2026-06-01T06:00:00Z", "2026-06-01T07:15:00Z")


@BOTH_WAYS
def test_a_leap_that_ntp_vouches_for_is_taken_and_the_windows_it_leaves_are_not_left_waiting(
    leap: float, street: Street
) -> None:
    """Then the first time was the wrong one. What was dated by it is out; what follows is in its own order."""
    street.live(6)
    street.clock.utc_offset += leap
    while abs(street.steady.utc() - MORNING) < VOUCHED + 6 * 300 + 300:
        street.live(1)
        assert street.seq < 6 + 14, "an hour, and no longer"
    street.live(6)
    assert street.counted() == street.seq
    before = [start for start in street.order if start.startswith("2026")]
    after = [start for start in street.order if not start.startswith("2026")]
    assert before
    assert after
    assert street.order == sorted(before) + sorted(after)


def test_a_reading_that_waits_for_its_time_does_not_wait_ten_years_after_the_clock_was_set_back(street: Street) -> None:
    street.ask(sample(1, 500), tick=700)  # once, and no more of that node: there will be no anchor
    street.commit()
    street.look()
    street.clock.utc_offset -= TEN_YEARS
    street.look()
    street.clock.now += VOUCHED
    street.look()
    assert street.steady.utc() == street.clock.utc(), "the leap is taken"
    street.clock.now += PATIENCE
    street.look()
    assert sum(count for _, count in street.city.values()) == 1


def test_a_steady_clock_follows_what_ntp_slews_and_tells_of_a_leap() -> None:
    clock = TurnedClock()
    steady = SteadyClock(clock)
    assert steady.trusted()
    for _ in range(100):
        clock.utc_offset += LEAP / 2
        assert steady.offset() == clock.utc_offset
    clock.utc_offset += TEN_YEARS
    assert steady.offset() == clock.utc_offset - TEN_YEARS
    assert "leapt by +315576000 s (to 2036-" in str(steady.problem)
    assert "look at its time server" in str(steady.problem)
    clock.now += VOUCHED
    assert steady.utc() == clock.utc()
    assert steady.problem is None


def test_a_clock_is_untrusted_until_somebody_vouches_for_it_or_this_boot_knew_it() -> None:
    clock = TurnedClock(is_trusted=False)
    assert not SteadyClock(clock).trusted()
    known = SteadyClock(clock, MORNING - 1000)
    clock.utc_offset -= TEN_YEARS
    assert known.trusted()
    assert known.utc() == MORNING


# -- drift, relays -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drift", [-0.05, 0.05])
def test_a_node_whose_clock_is_five_percent_wrong_has_its_readings_in_their_own_windows(
    drift: float, street: Street
) -> None:
    """Ten hours, every fifth report lost, an hour without a gateway: half an hour of error, were it not measured."""
    taken: Counter[str] = Counter()
    waiting = []
    street.clock.now += 100  # so that none is taken at the edge of a window
    for report in range(1, 121):
        street.clock.now += 300
        tick = round((street.clock.now - 1000) * (1 + drift))
        street.seq += 1
        taken[timestamp(start_of(MORNING + street.clock.now - 1000))] += 1
        waiting.append(sample(street.seq, tick))
        if report % 5 == 0 or 40 <= report < 52:
            continue
        for at in range(0, len(waiting), 4):
            street.ask(*waiting[at : at + 4], tick=tick, back=1 if report > 1 else None, floor=Place(1, 1))
        waiting.clear()
        street.commit()
        street.look()
    street.clock.now += 10
    tick = round((street.clock.now - 1000) * (1 + drift))
    street.ask(*waiting, tick=tick, back=1, floor=Place(1, 1))
    street.commit()
    assert street.counted() == street.seq
    assert {start: count for start, (_, count) in street.city.items()} == taken


def test_a_relayed_reading_keeps_the_time_at_which_it_was_taken(street: Street) -> None:
    """Through two bridges, thirty hours late, after a restart of everything between: by its own time, once."""
    street.live(3)
    kept = sample(4, 1100)
    street.seq = 4
    street.clock.now += 30 * 3600
    street.crash()
    tick = round(street.clock.now - street.began)
    street.ask(tick=tick, back=None, floor=Place(1, 1))
    frame = street.node.report(kept, tick=tick, floor=Place(1, 1), back=1)
    for via, late in (("one bridge", 0.0), ("another bridge", 2.5)):
        street.intake.handle(frame, street.clock.monotonic() + late, -70, via)
    street.commit()
    street.clock.now += 30
    street.ask(tick=tick + 30, back=1, floor=Place(1, 1))
    street.commit()
    assert street.counted() == 4
    assert street.city["2026-06-01T06:15:00Z"][1] == 2, "1100 s after six, beside the one of 900 s"


# -- nothing with a date that is not trusted ---------------------------------------------------------------------------


@pytest.mark.slow
def test_while_the_clock_is_not_trusted_no_message_carries_a_date(
    site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, broker_port: int, city: City, tmp_path: Path
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING - TEN_YEARS, speed=1200, trusted=False)
    service = Service(settings.load(site(port=bridge.port, broker=broker_port)))
    stop = threading.Event()
    thread = threading.Thread(target=service.run, args=(stop,))
    thread.start()
    try:
        bridge.filters.get(timeout=5)
        for frame in (
            lambda: node.report(sample(1, 5)),
            lambda: node.report(sample(1, 5)),
            lambda: node.report(sample(2, 400), tick=400, back=1, alarms=(Alarm(1, 1, 1, 9, True, 91),)),
            lambda: node.report(tick=800, back=1),
        ):
            bridge.hear(frame())
            answer = node.open(bridge.sent.get(timeout=3).frame)
            assert getattr(answer, "utc", None) is None
        city.wait(lambda city: city.of("/event") and city.of("/state"))
        city.wait(lambda city: len(city.of("/gateway")) > 1)
        threading.Event().wait(1.0)  # twenty minutes of the street: a window would be due
        said = [(topic, json.dumps(content)) for topic, content, _ in city.messages]
        assert not [message for message in said if DATE.search(message[1])]
        assert not city.of("/window")
        assert [state["clock_trusted"] for state in city.of("/gateway")][-1] is False
    finally:
        stop.set()
        thread.join(10)
