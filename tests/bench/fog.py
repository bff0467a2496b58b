"""How wrong a lamppost's dust sensor is in fog: raw, calibrated beside a reference, and with the general correction.

    python tests/bench/fog.py [--streets N] [--days N]

Each street has another climate, other air and another sensor. Its real driver reads in the real interpreter beside a
reference that is one per cent wrong at random; `stoep calibrate` fits; then come days of fog without the reference.
Prints and writes build/fog.json; ends with 1 where what is left of the error is more than a third.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "twin"))

import foggy  # noqa: E402

RESULT = ROOT / "build" / "fog.json"
MOST = 1 / 3
STREETS = 6
DAYS = 14


def main() -> int:
    parser = argparse.ArgumentParser(description="What calibration leaves of a dust sensor's error in fog.")
    parser.add_argument("--streets", type=int, default=STREETS, help=f"seeds 1 to N ({STREETS})")
    parser.add_argument("--days", type=int, default=DAYS, help=f"beside the reference ({DAYS})")
    options = parser.parse_args()
    print(f"{options.streets} streets, {options.days} days beside a reference, then days of fog; µg/m³ of PM2.5, RMS")
    rows = []
    for seed in range(1, options.streets + 1):
        with tempfile.TemporaryDirectory(prefix="stoep-fog-") as folder:
            trial = foggy.trial(Path(folder), seed, options.days)
        error = trial.fog
        rows.append({"seed": seed, "fog_days": trial.days, **error._asdict(), "ratio": round(error.ratio, 3)})
        print(
            f"  street {seed}: {error.count} readings on {trial.days} days of fog: raw {error.raw:.2f}, "
            f"calibrated {error.fitted:.2f} ({error.ratio:.2f} of it), "
            f"general correction alone {error.general:.2f} ({error.general / error.raw:.2f})",
            flush=True,
        )
    worst = max(row["ratio"] for row in rows)
    general = statistics.median(row["general"] / row["raw"] for row in rows)
    print(f"calibrated: {worst:.2f} of the raw error at worst; the general correction: {general:.2f} in the middle")
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=2))
    return 0 if worst <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
