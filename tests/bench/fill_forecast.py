"""How well the gateway foresees when a bin is full, and knows when it was emptied: weeks of bins with market days.

    python tests/bench/fill_forecast.py [--bins N] [--days N] [--seeds 11,12,13]

Each quarter of an hour a window is told as the gateway would tell it; each hour its forecast is held against when the
bin would have reached 90 % had nobody emptied it since. The gateway's constants were chosen on seeds 1 to 4; none
of these is among the defaults. An emptying counts from ten points of waste on. Those during which the finder was
covered, stuck or silent are counted apart, too. Prints, and writes build/fill-forecast.json. Ends with 1 unless the
80 % interval holds the truth in 75 to 85 % of cases, 98 % of the emptyings that could be seen are found, and at most
1 % of those found are none.
"""

import argparse
import json
import os
import sys
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.append(str(ROOT / "tests" / "bench"))

from fill_town import HOUR, MONDAY, QUARTER, Case, Told, told  # noqa: E402

RESULT = ROOT / "build" / "fill-forecast.json"
SEEDS = "11,12,13"
HORIZONS = (6, 12, 24, 48, 96, 720)  # hours
AGES = (2, 7, 14, 21, 36)  # days of history
WASTE = 10.0  # points: with less in it, nobody can tell that a bin was emptied
COVERED, FOUND, FALSE = (75.0, 85.0), 98.0, 1.0
_LATEST = 36 * HOUR  # after a round, when the finder was covered until then


@dataclass
class Sums:
    forecasts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    silent: Counter[str] = field(default_factory=Counter)  # no forecast: why
    emptyings: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    windows: int = 0

    def take(self, seed: int, one: Told) -> None:
        self.seconds += one.seconds
        self.windows += one.timed
        for case in one.cases:
            self._forecast(seed, case)
        self._emptied(one)

    def _forecast(self, seed: int, case: Case) -> None:
        span = case.said.full_in
        if span is None:
            self.silent[(case.said.reason or "").split(":")[0].rstrip("0123456789 hoursag")] += 1
        elif span.hours == 0:
            self.forecasts["full now"]["is so" if case.level >= 85 else "is not"] += 1
        else:
            truth = float("inf") if case.truth is None else case.truth
            came = "sooner" if truth < span.soonest else "later" if truth > span.latest else "within"
            horizon = next(hours for hours in HORIZONS if span.hours <= hours)
            age = next(days for days in AGES if case.learned_days <= days)
            for name in ("all", f"seed {seed}", f"in up to {horizon:3} h", f"of up to {age:2} days"):
                self.forecasts[name][came] += 1

    def _emptied(self, one: Told) -> None:
        found = list(one.emptied)
        next_ones = [*(after.at for after in one.rounds[1:]), float("inf")]
        for this, after in zip(one.rounds, next_ones, strict=True):
            until = min(this.at + _LATEST, after)
            mine = [at for at in found if this.at - QUARTER <= at <= until]
            kind = "small" if this.before - this.after < WASTE else "hidden" if this.hidden else "seen"
            self.emptyings[f"{kind} {'found' if mine else 'missed'}"] += 1
            if mine:
                found.remove(mine[0])
        self.emptyings["false"] += len(found)


def percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def judged(sums: Sums) -> tuple[dict[str, float], list[str]]:
    """The figures that count, and which of them are not as they should be."""
    emptied = sums.emptyings
    seen = emptied["seen found"], emptied["seen found"] + emptied["seen missed"]
    all_found = sum(number for kind, number in emptied.items() if kind.endswith("found"))
    hidden = emptied["hidden found"], emptied["hidden found"] + emptied["hidden missed"]
    figures = {
        "covered": percent(sums.forecasts["all"]["within"], sums.forecasts["all"].total()),
        "found": percent(*seen),
        "found_with_hidden": percent(seen[0] + hidden[0], seen[1] + hidden[1]),
        "false": percent(emptied["false"], all_found + emptied["false"]),
        "ms_a_window": 1000 * sums.seconds / sums.windows,
    }
    wrong = []
    if not COVERED[0] <= figures["covered"] <= COVERED[1]:
        wrong.append(f"the interval holds the truth in {figures['covered']:.1f} %, not in {COVERED[0]} to {COVERED[1]}")
    if figures["found"] < FOUND:
        wrong.append(f"{figures['found']:.1f} % of the emptyings were found, not {FOUND}")
    if figures["false"] > FALSE:
        wrong.append(f"{figures['false']:.1f} % of those found are none, more than {FALSE}")
    return figures, wrong


def show(sums: Sums, figures: dict[str, float]) -> None:
    print(f"forecasts: the 80 % interval holds the truth in {figures['covered']:.1f} %")
    for name, cases in sorted(sums.forecasts.items()):
        shares = ", ".join(f"{what} {percent(n, cases.total()):.1f} %" for what, n in sorted(cases.items()))
        print(f"  {name:18} {cases.total():7} cases: {shares}")
    for reason, number in sums.silent.most_common():
        print(f"  no forecast        {number:7} cases: {reason}")
    print(
        f"emptyings: {figures['found']:.1f} % found of those that could be seen, "
        f"{figures['found_with_hidden']:.1f} % of all; {figures['false']:.2f} % of what was found is none"
    )
    print(f"  {dict(sorted(sums.emptyings.items()))}")
    print(f"cost: {figures['ms_a_window']:.1f} ms of the processor a window")


def main() -> int:
    parser = argparse.ArgumentParser(description="How well the gateway foresees when a bin is full.")
    parser.add_argument("--bins", type=int, default=20, help="of each seed (20)")
    parser.add_argument("--days", type=int, default=30, help="virtual days (30)")
    parser.add_argument("--seeds", default=SEEDS, help=f"streets, by comma ({SEEDS}); 1 to 4 were tuned on")
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    jobs = list(product(seeds, range(options.bins)))
    print(f"{len(jobs)} bins over {options.days} days from {MONDAY:.0f} on, two at a time", flush=True)
    sums = Sums()
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        results = pool.map(told, *zip(*jobs, strict=True), [options.days] * len(jobs))
        for number, ((seed, _), one) in enumerate(zip(jobs, results, strict=True), 1):
            sums.take(seed, one)
            if number % 10 == 0:
                print(f"  {number} bins done", flush=True)
    figures, wrong = judged(sums)
    show(sums, figures)
    RESULT.parent.mkdir(exist_ok=True)
    cases = {name: dict(counts) for name, counts in sums.forecasts.items()}
    RESULT.write_text(json.dumps({**figures, "cases": cases, "emptyings": sums.emptyings}, indent=1) + "\n")
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
