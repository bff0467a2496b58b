"""How long a node waits for its reply, in whole streets: node, air, bridge, line of 921,600 baud, gateway, and back.

    python tests/bench/reply.py [--seconds N] [--runs N]

Prints and writes build/bench.json. It measures and judges nothing: on a busy machine the figures are the machine's.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "build" / "bench.json"
STREETS = ((3, 240), (10, 480))  # bins, speed
SECONDS = 40
RUNS = 3


def street(bins: int, speed: int, seconds: int, seed: int) -> dict[str, Any]:
    """One run's figures, from its summary."""
    with tempfile.TemporaryDirectory(prefix="stoep-bench-") as folder:
        summary = Path(folder) / "summary.json"
        options = ["--bins", bins, "--speed", speed, "--for", seconds, "--seed", seed, "--loss", 0]
        command = [sys.executable, "-P", "-m", "stoep", "twin", *options, "--dir", Path(folder) / "street"]
        done = subprocess.run(
            [*map(str, command), "--summary", str(summary)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"error: the street of {bins} bins ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        said = json.loads(summary.read_text())
    return {
        "bins": bins,
        "speed": speed,
        "seed": seed,
        "frames": said["frames_sent"],
        "reply_ms_p50": said["reply_ms_p50"],
        "reply_ms_p99": said["reply_ms_p99"],
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="How long a node waits for its reply.")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"real seconds a run ({SECONDS})")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"of each street ({RUNS})")
    options = parser.parse_args()
    runs = len(STREETS) * options.runs
    print(f"{runs} streets, {options.seconds} s and a little each, on {os.cpu_count()} processors", flush=True)
    rows = []
    for bins, speed in STREETS:
        for seed in range(1, options.runs + 1):
            row = street(bins, speed, options.seconds, seed)
            rows.append(row)
            print(
                f"  {bins:2} bins at {speed} times: reply p50 {row['reply_ms_p50']:.1f} ms, "
                f"p99 {row['reply_ms_p99']:.1f} ms ({row['frames']} frames, load {row['load']})",
                flush=True,
            )
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
