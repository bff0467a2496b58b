"""A window's quality follows from what was taken, and is said again when what comes later makes it another."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock, sample
from stoep.refine.quality.surroundings import Surroundings, surroundings
from stoep.registry.registry import Entry
from stoep.wire.channels import catalogue
from stoep.wire.checks import Override
from stoep.wire.messages import Place

SECONDS = 900
PHASE = 300  # s into each quarter of an hour at which a sample is taken


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path / "stoep.db", TurnedClock(), PlayedNode())


class Town:
    """Some bins of one gateway, whose temperatures (in 0.01 °C, by quarter of an hour) a test says."""

    def __init__(self, chain: Chain, bins: int) -> None:
        self.chain = chain
        self.radios = [chain.node, *(PlayedNode(f"bin-{n}", bytes((0xC0, 0xFF, 0xEE, n))) for n in range(2, bins + 1))]
        at_once = {1: Override(off=("apart_hours",))}  # a night is long in a test
        entries = [Entry(radio.kid, radio.name, "bin", radio.secret, quality=at_once) for radio in self.radios]
        for entry in entries[1:]:
            chain.join(entry)
        chain.refiner.know(surroundings(entries, catalogue()))
        self.said: dict[tuple[str, int], dict[str, Any]] = {}
        self.again = 0

    def report(self, bin_: int, quarters: Sequence[int], temperatures: Sequence[int], tick: int) -> None:
        radio = self.radios[bin_]
        self.chain.clock.now = 1000.0 + tick
        samples = [
            sample(
                quarter + 1, quarter * SECONDS + PHASE, values=(temperatures[quarter], 5000 + quarter, quarter, *rest)
            )
            for quarter in quarters
            for rest in ((800 - 5 * quarter, 40, 100),)
        ]
        self.chain.ask(*samples, node=radio, tick=tick, back=1 if radio.counter else None, floor=Place(1, 1))
        self.chain.commit()
        self.chain.turn()
        for window in self.chain.windows():
            key = window["node"], (int(window["start"][11:13]) - 6) * 4 + int(window["start"][14:16]) // 15
            self.again += key in self.said
            self.said[key] = window["channels"]["temperature"]

    def reason(self, bin_: int, quarter: int) -> str:
        reason: str = self.said[self.radios[bin_].name, quarter]["quality"]["reason"]
        return reason


def live(town: Town, days: Sequence[Sequence[int]], order: Sequence[tuple[int, int]]) -> None:
    """Samples arrive in this order of (bin, quarter); at first each bin is heard twice, so that its time is known."""
    for bin_ in range(len(town.radios)):
        for tick in (1, 31):
            town.report(bin_, [], days[bin_], tick)
    for at, (bin_, quarter) in enumerate(order):
        town.report(bin_, [quarter], days[bin_], max(quarter, *(q for _, q in order[: at + 1])) * SECONDS + PHASE + at)
    end = max(quarter for _, quarter in order) * SECONDS
    for bin_ in range(len(town.radios)):
        town.report(bin_, [], days[bin_], end + 2 * SECONDS + bin_)


def test_a_spike_is_known_when_the_next_reading_comes_and_its_window_is_said_again(chain: Chain) -> None:
    town = Town(chain, 1)
    day = [1400, 1410, 2000, 1420, 1430, 1440]
    live(town, [day], [(0, quarter) for quarter in range(3)])
    assert (town.again, town.said["bin-1", 2]["quality"]["flag"]) == (0, 1)
    town.report(0, [3, 4], day, 6 * SECONDS)
    town.report(0, [], day, 6 * SECONDS + 30)
    assert (town.again, town.said["bin-1", 2]["quality"]["flag"]) == (1, 3)
    assert [town.reason(0, quarter) for quarter in (1, 3)] == ["in range"] * 2


def test_the_order_of_arrival_changes_nothing_of_what_the_city_has_in_the_end(tmp_path: Path) -> None:
    days = [[1400 + 10 * quarter + bin_ for quarter in range(11)] for bin_ in range(5)]
    days[1][6] += 900  # a spike
    days[2][1:10] = [1430] * 9  # stuck
    days[3] = [value + 300 for value in days[3]]  # all wrong
    everything = [(bin_, quarter) for quarter in range(11) for bin_ in range(5)]
    ends = []
    for seed in range(2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        town = Town(Chain(folder / "stoep.db", TurnedClock(), PlayedNode()), 5)
        late = random.Random(seed).sample(everything, 12 if seed else 0)
        live(town, days, [one for one in everything if one not in late] + late)
        ends.append({key: said["quality"] for key, said in town.said.items()})
    assert len(ends[0]) == 55
    assert {quality["flag"] for quality in ends[0].values()} == {1, 3}
    assert ends[0] == ends[1]


def test_a_late_neighbour_reopens_only_windows_of_which_it_changes_something(chain: Chain) -> None:
    town = Town(chain, 4)
    days = [[1400 + 10 * quarter + bin_ for quarter in range(6)] for bin_ in range(4)]
    days[3] = [value + 300 for value in days[3]]
    early = [(bin_, quarter) for quarter in range(6) for bin_ in (0, 1, 3)]
    live(town, days, early)
    assert {said["quality"]["reason"] for said in town.said.values()} == {"in range"}, "too few to say anything"
    town.report(2, [3], days[2], 8 * SECONDS)
    town.report(2, [], days[2], 8 * SECONDS + 60)
    assert [town.reason(3, quarter) for quarter in range(6)] == [
        *["in range"] * 3,
        *["far above its neighbours"] * 3,  # for the rest of the hour it is the newest that is known
    ]
    assert town.again == 3, "those who agree have not been said again"


def test_a_restart_says_of_the_last_window_what_was_said(chain: Chain) -> None:
    town = Town(chain, 1)
    live(town, [[1400, 1410, 9500, 1420]], [(0, quarter) for quarter in range(4)])
    before = chain.refiner.published
    chain.crash()
    known = {kid: said._replace(fill=before[kid].fill) for kid, said in chain.refiner.published.items()}
    assert known == before, "a bin's forecast comes with its next window"


def test_a_sensor_that_gave_nothing_is_missing_and_no_zero(chain: Chain) -> None:
    chain.refiner.know(Surroundings(kinds={chain.node.kid: "bin"}))
    for seq in range(1, 4):
        chain.clock.now = 1000.0 + seq * SECONDS
        values = (None if seq == 2 else 1800 + seq, 5512, -12, 800 - seq, 40, 100)
        chain.ask(sample(seq, seq * SECONDS - 30, values=values), tick=seq * SECONDS, back=1 if seq > 1 else None)
        chain.commit()
        chain.turn()
    chain.clock.now += SECONDS
    chain.ask(tick=4 * SECONDS, back=1)
    chain.commit()
    chain.turn()
    said = [window["channels"]["temperature"] for window in chain.windows()]
    missing = next(one for one in said if one["quality"]["flag"] == 9)
    assert missing["quality"]["reason"] == "the sensor could not be read"
    assert [missing[what] for what in ("count", "min", "mean", "max", "last")] == [0, *[None] * 4]
