"""Power cuts at every step: on the node, under the gateway, under edits of its registry. Writes build/power-cuts.json.

python tests/faults/power_cuts.py [--steps N] [--states N] [--edits N]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoep import resources
from stoep_twin import interpreter

if TYPE_CHECKING:
    from cut_pool import Found

ROOT = Path(__file__).resolve().parents[2]
CAMPAIGN = Path(__file__).parent / "board" / "power_cuts.py"
BOARD = ROOT / "tests" / "firmware" / "board"  # the NOR device
RESULT = ROOT / "build" / "power-cuts.json"
STEPS = 2300  # samples of each life: about 18,000 states, two minutes
SEEDS = (1, 2)
HEAP = "8M"  # the campaign keeps a whole flash; the node's own heap is measured elsewhere
STATES = 10_000  # of the gateway's store: each is half a second of a processor, three quarters of an hour on two
EDITS = 1500  # states of the registry: about a minute
COMMANDS = 30  # that edit it, beside one of each sort


def say(line: str) -> None:
    print(line, flush=True)


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


def nodes(steps: int) -> list[dict[str, Any]]:
    say(f"cutting the power of {len(SEEDS)} nodes at every program and erase of {steps} samples each…")
    lives = []
    with ThreadPoolExecutor() as pool:
        for life in as_completed([pool.submit(node, steps, seed) for seed in SEEDS]):
            lives.append(life.result())
            say(f"  a node's life: {lives[-1]['states']} states, {lives[-1]['failures']} failures")
    return lives


def gateway(states: int) -> "Found":
    """The gateway's store, cut at its writes and syncs."""
    sys.path.append(str(ROOT / "tests" / "gateway"))  # the nodes, bridge and broker that keep it busy
    import gateway_power_cuts

    say("recording what the gateway writes while a street keeps it busy…")
    recording = gateway_power_cuts.record(say=say)
    say(f"cutting its power in {states} ways…")
    return gateway_power_cuts.cut(recording, states, say=say)


def registry(states: int) -> "Found":
    """The registry's files, cut at the writes, syncs and renames of the commands that edit them."""
    sys.path.append(str(ROOT / "tests" / "gateway"))
    import registry_power_cuts
    import registry_record

    say("recording what `stoep registry` and `stoep broker-files` write…")
    recording = registry_record.record(more=COMMANDS)
    say(f"  {len(recording.steps)} commands, {len(recording.parts)} events")
    say(f"cutting the power in {states} ways, and giving the command again…")
    return registry_power_cuts.cut(recording, states, say=say)


def main() -> int:
    parser = argparse.ArgumentParser(description="Cut the power at every write, and look for what was promised.")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"samples in each of {len(SEEDS)} lives ({STEPS})")
    parser.add_argument("--states", type=int, default=STATES, help=f"states of the gateway's store ({STATES})")
    parser.add_argument("--edits", type=int, default=EDITS, help=f"states of the gateway's registry ({EDITS})")
    arguments = parser.parse_args()
    if shutil.which("strace") is None:
        print("power-cuts needs strace, to record what the gateway writes: apt-get install strace", file=sys.stderr)
        return 2
    began = time.monotonic()
    lives = nodes(arguments.steps)
    store = gateway(arguments.states)
    edits = registry(arguments.edits)
    result = {
        "states": sum(life["states"] for life in lives),
        "failures": sum(life["failures"] for life in lives),
        "findings": [finding for life in lives for finding in life["findings"]],
        "gateway_states": store.states,
        "gateway_failures": store.failures,
        "gateway_findings": store.findings,
        "registry_states": edits.states,
        "registry_failures": edits.failures,
        "registry_findings": edits.findings,
        "seconds": round(time.monotonic() - began, 1),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    say(json.dumps(result, indent=1))
    return 1 if result["failures"] or result["gateway_failures"] or result["registry_failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
