"""Replay, forgery and the nonce, the long form. Prints and writes build/attack.json; about three minutes.

python tests/faults/attack.py [--restarts N] [--seed N] [--only chain|replies|street|restarts]
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "gateway"))  # the played node, and the stations without threads

import asyncio  # noqa: E402

import attack_chain  # noqa: E402
import attack_replies  # noqa: E402
import attack_restarts  # noqa: E402
import attack_street  # noqa: E402

RESULT = ROOT / "build" / "attack.json"
RESTARTS, UPLINKS = 110, 500
_STRANGERS = 20_000


class Report:
    """The figures of everything together."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {
            "frames_sent": 0,
            "accepted": 0,
            "unaccounted": 0,
            "grown": {},
            "nonces_reused": 0,
            "uplinks": 0,
            "restarts": 0,
            "seconds": 0.0,
        }
        self.findings: list[str] = []
        self.acts: dict[str, Any] = {}

    @property
    def good(self) -> bool:
        """Nothing accepted, nothing vanished, nothing grown, nothing used twice."""
        bad = ("accepted", "unaccounted", "grown", "nonces_reused")
        return not self.findings and not any(self.figures[name] for name in bad)

    def add(self, sent: int, accepted: int, unaccounted: int = 0, grown: dict[str, Any] | None = None) -> None:
        """What one of the attacks came to."""
        self.figures["frames_sent"] += sent
        self.figures["accepted"] += accepted
        self.figures["unaccounted"] += unaccounted
        self.figures["grown"] |= grown or {}

    def as_json(self) -> str:
        """For the file, and for whoever looks on."""
        return json.dumps({**self.figures, "acts": self.acts, "findings": self.findings}, indent=1)


def chain(report: Report, directory: Path, _seed: int, _restarts: int) -> None:
    """Thousands of frames into the gateway's stations."""
    for name, act in attack_chain.campaign(directory, _STRANGERS).items():
        report.add(act.sent, act.taken["samples_received"] + act.taken["replies"], act.unaccounted, act.grown)
        report.acts[f"chain: {name}"] = {"sent": act.sent, **act.verdicts}
        if not act.harmless:
            report.findings.append(f"chain: {name}: {act}")


def replies(report: Report, directory: Path, _seed: int, _restarts: int) -> None:
    """False replies into a node."""
    found = attack_replies.play(directory, 40)
    grown = {"a node's memory": found["changed"]} if found["changed"] else {}
    report.add(found["played"], found["accepted"], grown=grown)
    report.acts["replies to a node"] = found


def street(report: Report, directory: Path, seed: int, _restarts: int) -> None:
    """A recorded hour, in the air."""
    found = asyncio.run(attack_street.AttackedStreet(directory, seed).attacked())
    report.add(found.sent, found.accepted, found.unaccounted, found.grown)
    report.acts |= {f"street: {name}": act for name, act in found.acts.items()}
    report.findings += found.problems


def restarts(report: Report, directory: Path, seed: int, count: int) -> None:
    """Every kind of restart, and the book of nonces over it."""
    found = attack_restarts.campaign(directory, seed, count, UPLINKS if count >= RESTARTS else 0)
    report.figures["nonces_reused"] += len(found.reused)
    report.figures["restarts"] += found.restarts
    report.figures["uplinks"] += found.uplinks
    report.acts["restarts"] = dict(found.acts)
    report.findings += found.problems + [f"used twice: {header}" for header in found.reused[:10]]


_PARTS: dict[str, Callable[[Report, Path, int, int], None]] = {
    "chain": chain,
    "replies": replies,
    "street": street,
    "restarts": restarts,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Say again, forge, flood, restart; and look for what was believed.")
    parser.add_argument("--restarts", type=int, default=RESTARTS, help=f"of nodes and gateway ({RESTARTS})")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=_PARTS)
    parser.add_argument("--result", type=Path, default=RESULT, help=f"where the figures go ({RESULT.name} in build/)")
    chosen = parser.parse_args()
    report, began = Report(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="stoep-attack-") as directory:
        for name, part in _PARTS.items():
            if chosen.only in (None, name):
                print(f"{name}: {(part.__doc__ or '').strip()}", flush=True)
                (Path(directory) / name).mkdir()
                part(report, Path(directory) / name, chosen.seed, chosen.restarts)
    report.figures["seconds"] = round(time.monotonic() - began, 1)
    chosen.result.parent.mkdir(exist_ok=True)
    chosen.result.write_text(report.as_json() + "\n")
    print(report.as_json())
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
