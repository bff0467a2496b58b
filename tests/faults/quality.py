"""Thirty virtual days of a street whose sensors fail, and how much of it the gateway's flags have found.

    python tests/faults/quality.py [--days 30] [--seeds 112 113] [--kinds stuck drifting …] [--uncalibrated]

A reading is *wrong* when a fault is on its sensor and it deviates by more than the sensor's data sheet allows from what
a sound one would have said when it was taken. An hour of a channel is *faulty* when one of its readings is wrong, and
*flagged* when every wrong reading in it has SUSPECT or FAIL in the last revision of its window that the city got. An
hour is *good* when no fault is on the sensor; one flagged reading in it is a false alarm. What lies between, a fault
that does no harm, is counted beside.

What a sound dust sensor says is 0.9 to 1.4 times what there is, which is no fault. Each was calibrated before, beside a
reference that is one per cent wrong; with `--uncalibrated` none was.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path += [str(Path(__file__).parent), str(Path(__file__).parent.parent / "gateway")]

from quality_plan import DAY, KINDS, STREET, Fault, draw
from quality_street import PARTS, Measured, Street

from gateway_rig import MORNING
from stoep_twin.faults import Kind

WANTED, ALLOWED = 0.95, 0.01
_HOUR = 3600
_SUSPECT, _FAIL = 3, 4


class Score(NamedTuple):
    """Hours of a channel; `harmless`: under a fault, but not wrong."""

    faulty: int
    flagged: int
    good: int
    false: int
    harmless: int
    harmless_flagged: int

    @property
    def share(self) -> float:
        return self.flagged / self.faulty if self.faulty else 1.0

    @property
    def alarms(self) -> float:
        return self.false / self.good if self.good else 0.0

    @property
    def met(self) -> bool:
        return self.faulty > 0 and self.share >= WANTED and self.alarms <= ALLOWED

    def __add__(self, other: object) -> "Score":
        assert isinstance(other, Score)
        return Score(*(one + more for one, more in zip(self, other, strict=True)))


def live(faults: Sequence[Fault], days: float, seed: int, *, calibrated: bool = True) -> Street:
    """A street that has lived through it."""
    began = told = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        street = Street(Path(folder), faults, days, seed, calibrated=calibrated)
        for done in street.run():
            if time.monotonic() - told > 5:
                told = time.monotonic()
                print(f"  day {done:.0f} of {days:g}, {told - began:.0f} s", file=sys.stderr, flush=True)
    return street


def score(street: Street, channels: Collection[str] = (), kinds: Collection[Kind] = KINDS) -> Score:
    """Of these channels (none: all) and the faults of these kinds.

    A good hour belongs to a kind when such a fault is on another sensor of that sort, or was in the day before: that is
    when it could mislead.
    """
    hours: dict[tuple[int, str, int], list[Measured]] = defaultdict(list)
    for measured in street.measured:
        if not channels or measured.channel in channels:
            hours[measured.node, measured.channel, measured.start // _HOUR].append(measured)
    found = Score(0, 0, 0, 0, 0, 0)
    for (_, channel, hour), readings in hours.items():
        faults = {reading.fault for reading in readings if reading.fault}
        if faults.intersection(kinds) or (not faults and (kinds == KINDS or _near(street, channel, hour, kinds))):
            found += _hour(readings, street)
    return found


def _near(street: Street, channel: str, hour: int, kinds: Collection[Kind]) -> bool:
    at = hour * _HOUR - MORNING
    return any(
        fault.kind in kinds and fault.part == PARTS[channel] and fault.begins - _HOUR <= at < fault.ends + DAY
        for fault in street.faults
    )


def _hour(readings: Sequence[Measured], street: Street) -> Score:
    flagged = [_flag(reading, street) in {_SUSPECT, _FAIL} for reading in readings]
    wrong = [said for reading, said in zip(readings, flagged, strict=True) if reading.fault and reading.deviates]
    if wrong:
        return Score(1, all(wrong), 0, 0, 0, 0)
    if any(reading.fault for reading in readings):
        return Score(0, 0, 0, 0, 1, any(flagged))
    return Score(0, 0, 1, any(flagged), 0, 0)


def _flag(reading: Measured, street: Street) -> int:
    return street.said.get((reading.node, reading.start, reading.channel), (0, ""))[0]


def row(name: str, found: Score) -> str:
    return (
        f"{name:<10} {found.faulty:>8} {100 * found.share:>9.1f} % {found.good:>9} {100 * found.alarms:>9.2f} %"
        f" {found.harmless:>9} {100 * found.harmless_flagged / max(1, found.harmless):>7.0f} %"
    )


HEAD = f"{'fault':<10} {'faulty h':>8} {'flagged':>11} {'good h':>9} {'false':>11} {'harmless':>9} {'flagged':>9}"


def by_channel(street: Street) -> list[str]:
    names = sorted({measured.channel for measured in street.measured})
    return [row(f"  {name}", score(street, {name})) for name in names]


def reasons(street: Street) -> list[str]:
    """Why good readings were flagged, and what was wrong and was not: for whoever sets the limits."""
    why: Counter[str] = Counter()
    for measured in street.measured:
        flag, reason = street.said.get((measured.node, measured.start, measured.channel), (0, "no window"))
        if not measured.fault and flag in {_SUSPECT, _FAIL}:
            why[f"false {measured.channel}: {reason}"] += 1
        if measured.fault and measured.deviates and flag not in {_SUSPECT, _FAIL}:
            why[f"missed {measured.fault} {measured.channel}"] += 1
    return [f"    {count} × {what}" for what, count in why.most_common(12)]


def _lived(kinds: Sequence[Kind], days: float, calibrated: bool, seed: int) -> tuple[dict[str, Score], list[str]]:
    street = live(draw(kinds, days, seed), days, seed, calibrated=calibrated)
    scores = {str(kind): score(street, kinds=(kind,)) for kind in kinds} | {"all": score(street)}
    return scores, [*by_channel(street), *reasons(street)]


def campaign(kinds: Sequence[Kind], days: float, seeds: Sequence[int], *, calibrated: bool, verbose: bool) -> bool:
    dust = "dust sensors calibrated" if calibrated else "no sensor calibrated"
    seeded = ", ".join(map(str, seeds))
    print(f"{len(STREET)} nodes, {dust}, {days:g} virtual days, seeds {seeded}\n{HEAD}", flush=True)
    totals = dict.fromkeys([*map(str, kinds), "all"], Score(0, 0, 0, 0, 0, 0))
    with ProcessPoolExecutor(min(len(seeds), os.cpu_count() or 1)) as pool:
        for scores, details in pool.map(partial(_lived, kinds, days, calibrated), seeds):
            totals = {name: total + scores[name] for name, total in totals.items()}
            if verbose:
                print("\n".join(details), flush=True)
    for name, total in totals.items():
        print(row(name, total), flush=True)
    met = all(total.met for total in totals.values())
    print(f"wanted: {100 * WANTED:g} % of the faulty hours, at most {100 * ALLOWED:g} % of the good ones: {met}")
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description="How much of what ails a street's sensors the gateway's flags find.")
    parser.add_argument("--days", type=float, default=30.0, help="virtual days (default: %(default)s)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[112, 113], help="none of them was used to set a limit")
    parser.add_argument("--kinds", type=Kind, nargs="+", default=KINDS, choices=KINDS, help="of faults")
    parser.add_argument("--uncalibrated", action="store_true", help="dust sensors as they came from the works")
    parser.add_argument("--verbose", action="store_true", help="by channel, and why")
    options = parser.parse_args()
    how = {"calibrated": not options.uncalibrated, "verbose": options.verbose}
    return 0 if campaign(options.kinds, options.days, options.seeds, **how) else 1


if __name__ == "__main__":
    sys.exit(main())
