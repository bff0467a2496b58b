"""The serial line under attack, the long form. Prints and writes build/serial-line.json.

python tests/faults/serial_line.py [--seconds N] [--seed N]
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from functools import partial
from pathlib import Path

import serial_cases
from serial_cases import Outcome
from serial_noise import Weather

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "build" / "serial-line.json"
SECONDS = 8.0  # of each kind of noise
AT_ONCE = 3  # rigs; a line of 921,600 baud wants its share of a processor
FLOOD = 100_000
RATES = (1e-5, 1e-4, 1e-3, 1e-2)
ENDS = ("framing", "link")

Make = Callable[[Path, int], Coroutine[None, None, Outcome]]


def weathers() -> dict[str, Weather]:
    """Every kind of noise by name."""
    found = {f"bits flipped at {rate:.0e}": Weather(flips=rate) for rate in RATES}
    found["bytes lost at 1e-03"] = Weather(drops=1e-3)
    found["bytes lost at 1e-02"] = Weather(drops=1e-2)
    found["bytes doubled at 1e-03"] = Weather(doubles=1e-3)
    found["0x03 at 1e-02"] = Weather(ctrl_c=1e-2)
    found["boot text at 2e-04"] = Weather(boot_text=2e-4)
    found["all at once"] = Weather(1e-4, 1e-4, 1e-4, 1e-3, 1e-5)
    return found


def alone() -> list[Make]:
    """Cases that want a processor for themselves."""
    boots = [partial(serial_cases.interrupted_boots, burst, step) for burst, step in ((1, 1.0), (1, 0.1), (3, 0.25))]
    return [*boots, *(partial(serial_cases.drowned, 5.0, kind) for kind in ENDS)]


def together(seconds: float, seed: int) -> list[Make]:
    """Cases that may run side by side."""
    cases: list[Make] = []
    for kind in ENDS:
        for name, weather in weathers().items():
            cases += [partial(serial_cases.noise, name, weather, seconds, kind, both=both) for both in (True, False)]
        floods = serial_cases.floods(seed, FLOOD)
        cases += [partial(serial_cases.flood, name, garbage, kind) for name, garbage in floods.items()]
        cases += [partial(serial_cases.resets, 20, kind), partial(serial_cases.pulled, 12, kind)]
        cases.append(partial(serial_cases.crowded, 2000, kind))
    return cases


async def campaign(seconds: float, seed: int, directory: Path) -> list[Outcome]:
    """Every case once."""
    outcomes: list[Outcome] = []
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, make: Make) -> None:
        async with gate:
            outcome = await make(directory / str(number), seed + number)
            outcomes.append(outcome)
            back = "" if outcome.recovered is None else f" back after {outcome.recovered:.2f} s"
            print(f"{'FAILED' if outcome.failed else 'ok':7}{outcome.name}: {outcome.frames} frames,{back}", flush=True)
            for finding in outcome.findings:
                print(f"       {finding}", flush=True)

    first = alone()
    for number, make in enumerate(first):
        await one(number, make)
    await asyncio.gather(*(one(number, make) for number, make in enumerate(together(seconds, seed), len(first))))
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(description="Everything that can befall a serial line, and what must hold.")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of each kind of noise ({SECONDS:.0f})")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.getLogger("stoep").setLevel(logging.CRITICAL)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="stoep-serial-") as directory:
        outcomes = asyncio.run(campaign(options.seconds, options.seed, Path(directory)))
    failed = [outcome.name for outcome in outcomes if outcome.failed]
    result = {
        "cases": len(outcomes),
        "frames": sum(outcome.frames for outcome in outcomes),
        "false_frames": sum(outcome.false_frames for outcome in outcomes),
        "out_of_step": sum(outcome.out_of_step for outcome in outcomes),
        "stopped": sum(outcome.stopped for outcome in outcomes),
        "slowest_recovery_s": max((outcome.recovered or 0.0 for outcome in outcomes), default=0.0),
        "seconds": round(time.monotonic() - began, 1),
        "failed": failed,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result | {"each": [asdict(outcome) for outcome in outcomes]}, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
