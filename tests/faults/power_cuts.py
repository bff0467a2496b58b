"""Power cuts at every step, on the node. Prints and writes build/power-cuts.json.

    python tests/faults/power_cuts.py [--steps N]
"""

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from stoep import resources
from stoep_twin import interpreter

ROOT = Path(__file__).resolve().parents[2]
CAMPAIGN = Path(__file__).parent / "board" / "power_cuts.py"
BOARD = ROOT / "tests" / "firmware" / "board"  # the NOR device
RESULT = ROOT / "build" / "power-cuts.json"
STEPS = 2300  # samples of each life: about 18,000 states, two minutes
SEEDS = (1, 2)
HEAP = "8M"  # the campaign keeps a whole flash; the node's own heap is measured elsewhere


def node(steps: int, seed: int) -> dict[str, Any]:
    """One life of a node, cut everywhere: states, failures, findings."""
    path = os.pathsep.join([".frozen", str(resources.firmware_dir()), str(BOARD)])
    done = subprocess.run(
        [*interpreter.command(), "-X", f"heapsize={HEAP}", str(CAMPAIGN), str(steps), str(seed)],
        env={**os.environ, "MICROPYPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"the campaign itself failed:\n{done.stdout}{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Cut the power at every write, and look for what was promised.")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"samples in each of {len(SEEDS)} lives ({STEPS})")
    steps = parser.parse_args().steps
    began = time.monotonic()
    print(f"cutting the power of {len(SEEDS)} nodes at every program and erase of {steps} samples each…", flush=True)
    with ThreadPoolExecutor() as pool:
        lives = list(pool.map(lambda seed: node(steps, seed), SEEDS))
    result = {
        "states": sum(life["states"] for life in lives),
        "failures": sum(life["failures"] for life in lives),
        "seconds": round(time.monotonic() - began, 1),
        "findings": [finding for life in lives for finding in life["findings"]],
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    return 1 if result["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
