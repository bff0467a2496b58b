"""A street of boards that only measure, and the gateway behind them: what was true, and what the city got."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from quality_board import Board, Firmware
from quality_machine import Hands
from quality_plan import DAY, STREET, Fault

from gateway_chain import Chain
from gateway_rig import MORNING, PlayedNode, TurnedClock
from stoep.refine.calibration.book import Book, Calibration
from stoep.refine.calibration.correction import NILSON, Correction
from stoep.refine.quality.surroundings import surroundings
from stoep.registry.registry import Entry
from stoep.wire.channels import catalogue
from stoep.wire.messages import Sample
from stoep_twin.ailing import Unit
from stoep_twin.faults import Kind
from stoep_twin.world.place import Place
from stoep_twin.world.plan import spots

WINDOW = 900
_LAYOUTS = {"bin": 2, "bench": 3, "lamppost": 5}
_LOST = 0.05  # of the reports
_HERE = (51.05, 3.72)
_DEGREE = 111_320.0
_REFERENCE = 0.01  # by which a reference is wrong beside which a sensor is calibrated
_AFTER = 70.0  # s after a quarter of an hour at which the gateway looks
# By channel: the part it comes from, and what its data sheet allows (see `stoep_twin/ailing.py`).
PARTS = {
    "temperature": "climate",
    "humidity": "climate",
    "pressure": "climate",
    "co2": "co2",
    "pm1_0": "particles",
    "pm2_5": "particles",
    "pm10": "particles",
    "fill_distance": "range",
}
_ACCURACY = {"temperature": 1.0, "humidity": 3.0, "pressure": 1.0, "fill_distance": 10.0}


class Measured(NamedTuple):
    """One reading of a node and channel, in the window from `start`: what it says and what was true, in its unit."""

    node: int
    channel: str
    start: int
    value: float
    truth: float
    fault: Kind | None

    @property
    def deviates(self) -> bool:
        if self.channel == "co2":
            allowed = 50 + 0.025 * self.truth
        elif self.channel.startswith("pm"):
            allowed = max(10.0, 0.1 * self.truth)
        else:
            allowed = _ACCURACY[self.channel]
        return abs(self.value - self.truth) > allowed


def _truths(place: Place, at: float) -> dict[str, float]:
    # That haze is dust to light, and what one sensor makes of it and another not, is no fault.
    climate, dust = place.climate(at), place.dust_unit.says(place.seen_dust(at))
    return {
        "temperature": climate.celsius,
        "humidity": climate.percent,
        "pressure": climate.pascal / 100,
        "co2": place.co2_ppm(at),
        "pm1_0": dust.pm1_0,
        "pm2_5": dust.pm2_5,
        "pm10": dust.pm10,
        "fill_distance": place.distance_mm(at),
    }


def _unit(chance: random.Random) -> Unit:
    """A sound specimen: off by a quarter of what is allowed or so, never by more than half."""

    def off(allowed: float) -> float:
        return max(-allowed / 2, min(allowed / 2, chance.gauss(0, allowed / 4)))

    return Unit(off(1.0), off(3.0), off(100.0), off(60.0))  # of the dust the chip's model is off by itself


class Street:
    """When it has run, `measured` and `said` hold what there is to compare."""

    def __init__(
        self, folder: Path, faults: Sequence[Fault], days: float, seed: int, *, calibrated: bool = True
    ) -> None:
        self.days = days
        self.faults = faults
        self.measured: list[Measured] = []
        self.said: dict[tuple[int, int, str], tuple[int, str]] = {}  # node, start, channel → flag, reason
        self.windows = 0
        self._chance = random.Random(f"{seed}/street")
        self._hands = Hands()
        self._hands.now = MORNING
        self._boards = self._furnish(seed)
        self._active: dict[tuple[int, str], Kind] = {}
        self._waiting: list[list[Sample]] = [[] for _ in STREET]
        self._seqs = [0] * len(STREET)
        self._clock = TurnedClock()
        self._radios = [
            PlayedNode(f"node-{index}", (0xC0FFEE00 + index).to_bytes(4, "big")) for index in range(len(STREET))
        ]
        book = Book(self._calibrated(seed) if calibrated else ())
        self._chain = Chain(folder / "stoep.db", self._clock, self._radios[0], STREET[0], book=book)
        self._join()

    def _furnish(self, seed: int) -> list[Board]:
        places = [Place(seed, index, MORNING, spot) for index, spot in enumerate(spots(STREET, seed), 1)]
        boards = []
        for index, (kind, place) in enumerate(zip(STREET, places, strict=True)):
            own = random.Random(f"{seed}/{index}/parts")
            board = Board(self._hands, kind, place, own.randrange(1 << 30))
            board.wiring.felt.unit = _unit(own)
            boards.append(board)
        return boards

    def _calibrated(self, seed: int) -> Iterator[Calibration]:
        """What somebody found out of each dust sensor beside a reference, before anything ailed."""
        chance = random.Random(f"{seed}/reference")
        dusty = [channel for channel in catalogue().channels.values() if PARTS.get(channel.name) == "particles"]
        for kind, radio, board in zip(STREET, self._radios, self._boards, strict=True):
            unit = board.place.dust_unit
            for channel in dusty if kind == "lamppost" else ():
                gain = Fraction((1 + chance.gauss(0, _REFERENCE)) / unit.gain)
                offset = -gain * Fraction(unit.offset) * 10**channel.decimals
                correction = Correction(1, "beside a reference", gain, offset, NILSON.growth)
                yield Calibration(radio.kid, channel.id, 0, None, correction)

    def _join(self) -> None:
        entries = []
        for kind, radio, board in zip(STREET, self._radios, self._boards, strict=True):
            at = (_HERE[0] + board.place.spot.metres / _DEGREE, _HERE[1])
            entries.append(Entry(radio.kid, radio.name, kind, radio.secret, at=at))
        for entry in entries[1:]:
            self._chain.join(entry)
        self._chain.refiner.know(surroundings(entries, catalogue()))

    def run(self) -> Iterator[float]:
        """Days that are done."""
        phases = [self._chance.uniform(20, 800) for _ in STREET]
        order = sorted(range(len(STREET)), key=phases.__getitem__)
        with Firmware.of(self._hands) as firmware:
            for quarter in range(round(self.days * DAY / WINDOW)):
                start = MORNING + quarter * WINDOW
                for node in order:
                    self._hands.now = max(self._hands.now, start + phases[node])
                    self._turn_faults()
                    self._wake(node, firmware)
                self._hands.now = start + WINDOW + _AFTER - 60
                self._look(start + WINDOW + _AFTER)
                yield quarter * WINDOW / DAY
            self._clock.now += 3 * WINDOW
            for node in range(len(STREET)):
                self._report(node, lost=False)
                self._report(node, lost=False)
            self._look(self._clock.utc() + WINDOW)

    def _turn_faults(self) -> None:
        now = self._hands.now - MORNING
        due = {(fault.node, fault.part): fault.kind for fault in self.faults if fault.begins <= now < fault.ends}
        for (node, part), _ in self._active.items() - due.items():
            self._boards[node].wiring.mend_part(part)
        for (node, part), kind in due.items() - self._active.items():
            self._boards[node].wiring.break_part(part, kind)
        self._active = due

    def _wake(self, node: int, firmware: Firmware) -> None:
        counts = self._boards[node].sample(firmware)
        now = self._hands.now
        layout = catalogue().layouts[_LAYOUTS[STREET[node]]]
        values = tuple(None if channel.id not in counts else counts[channel.id] - channel.offset for channel in layout)
        self._seqs[node] += 1
        self._waiting[node].append(Sample(1, self._seqs[node], _LAYOUTS[STREET[node]], int(now - MORNING), values))
        truths = _truths(self._boards[node].place, now)
        for channel in layout:
            if channel.name in PARTS and channel.id in counts:
                fault = self._active.get((node, PARTS[channel.name]))
                value = channel.value(counts[channel.id])
                start = int(now // WINDOW) * WINDOW
                self.measured.append(Measured(node, channel.name, start, value, truths[channel.name], fault))
        self._clock.now = now - MORNING + 1000.0
        self._report(node, lost=self._chance.random() < _LOST)

    def _report(self, node: int, *, lost: bool) -> None:
        if lost:
            return
        held, self._waiting[node] = self._waiting[node][:4], self._waiting[node][4:]
        back = 1 if self._radios[node].counter else None  # it heard the reply to its report before this one
        self._chain.ask(*held, node=self._radios[node], tick=int(self._clock.utc() - MORNING), back=back)

    def _look(self, utc: float) -> None:
        self._clock.now = utc - MORNING + 1000.0
        self._chain.commit()
        self._chain.turn()
        for window in self._chain.windows():
            self.windows += 1
            self._note(window)

    def _note(self, window: dict[str, Any]) -> None:
        start = int(datetime.fromisoformat(window["start"]).timestamp())
        node = int(window["node"].removeprefix("node-"))
        for channel, told in window["channels"].items():
            self.said[node, start, channel] = told["quality"]["flag"], told["quality"]["reason"]
