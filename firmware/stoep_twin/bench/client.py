"""The bench as the technician's tool sees it: ports that come and go, and hands for the buttons.

The tool finds `open_bench` through the entry-point group `stoep.benches`; neither package imports the other.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stoep.errors import PermanentError
from stoep_twin import interpreter, leash
from stoep_twin.bench import image
from stoep_twin.bench.plug import Fault

SPEED = 5.0  # virtual seconds in a real one: nobody waits for more than a moment
CHANNEL = 6
FAULTS = tuple(fault.value for fault in Fault)


class BenchError(PermanentError):
    """There is no bench, or it has collapsed."""


class SimulatedBench:
    """`boards` names the fault of each, "" for none. `close` clears the bench. A pseudo-terminal has no DTR and RTS."""

    has_lines = False

    def __init__(
        self,
        folder: Path,
        kind: str,
        boards: Sequence[str],
        *,
        seed: int = 1,
        speed: float = SPEED,
        start: int | None = None,
    ) -> None:
        interpreter.command()  # says what to install
        folder.mkdir(parents=True, exist_ok=True)
        self.image = image.write(folder / "stand-in.bin")
        self._lock = threading.Lock()
        self._log = (folder / "serve.log").open("ab")
        self._process = subprocess.Popen(
            leash.command([sys.executable, "-P", "-m", "stoep_twin.bench.serve"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        told = self._ask(
            folder=str(folder.resolve()),
            kind=kind,
            boards=list(boards),
            seed=seed,
            speed=speed,
            channel=CHANNEL,
            start=int(time.time()) if start is None else start,
        )
        self.bridge: str = told["bridge"]
        self.clock = Path(told["clock"])

    def _ask(self, **wish: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            try:
                self._process.stdin.write(json.dumps(wish) + "\n")
                self._process.stdin.flush()
                line = self._process.stdout.readline()
            except OSError:
                line = ""
        if not line:
            raise BenchError(f"the simulated bench ended by itself; see {self._log.name}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ports(self) -> list[tuple[str, str]]:
        """(port, what its adapter says of itself) of what is plugged in."""
        return [(port, name) for port, name in self._ask(do="ports")["ports"]]

    def hold_boot(self, port: str) -> None:
        """Into download mode, as DTR and RTS do it on a real board."""
        self._ask(do="hold-boot", port=port)

    def restart(self, port: str) -> None:
        """EN pressed."""
        self._ask(do="reset", port=port)

    def mend(self, port: str) -> None:
        """Whatever is wrong there, it is no more."""
        self._ask(do="mend", port=port)

    def unplug(self, port: str) -> None:
        """Pull the cable."""
        self._ask(do="unplug", port=port)

    def close(self) -> None:
        """Cleared, and nothing is left running."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()


def open_bench(folder: Path, kind: str | None, boards: Sequence[str]) -> SimulatedBench:
    """What `--simulate` asks for; without a `kind` the bench of the last time, its boards as they were left."""
    kept = folder / "bench.json"
    if kind is None:
        if not kept.exists():
            raise BenchError("there are no virtual boards yet: say `stoep node commission --simulate` first")
        last = json.loads(kept.read_text(encoding="utf-8"))
        kind, boards = last["kind"], last["boards"]
    for fault in boards:
        if fault and fault not in FAULTS:
            raise BenchError(f"{fault!r} is nothing that a virtual board can have; there are {', '.join(FAULTS)}")
    bench = SimulatedBench(folder, kind, boards)
    away = [fault if fault == Fault.CHARGE_ONLY.value else "" for fault in boards]  # the rest is found well again
    kept.write_text(json.dumps({"kind": kind, "boards": away}), encoding="utf-8")
    return bench
