"""A technician's table for tests: virtual boards, a working folder, and the run that commissions them."""

from collections.abc import Sequence
from pathlib import Path

import pyrage

from stoep.registry.registry import Known, load
from stoep_field.commission.many import Outcome, Run
from stoep_field.commission.names import Names, named
from stoep_field.commission.one import Plan
from stoep_field.commission.seen import AtBridge, Seen
from stoep_field.image.image import Base
from stoep_field.papers import record
from stoep_field.papers.handing import ByFile, Way
from stoep_field.papers.journal import Board, Journal
from stoep_twin.bench.client import CHANNEL, SimulatedBench

BARE, CABLE, CHIP, PULLED, SENSOR = "", "charge-only", "wrong-chip", "pulled", "sensor"
NOBODY: pyrage.x25519.Identity = pyrage.x25519.Identity.generate()
_PATIENCE_S = 2.0


class Table:
    """One bench and one laptop."""

    def __init__(self, bench: SimulatedBench, folder: Path, base: Base) -> None:
        self.bench, self.folder, self.base = bench, folder, base
        self.journal = Journal(folder)
        self.steps: list[tuple[str, str]] = []  # (port's name, what was done there)

    def port(self, number: int) -> str:
        """Of the board, counted from 1, whether it is plugged in or not."""
        return str(self.bench.clock.parent / "ports" / f"board-{number}")

    def commission(
        self,
        names: Sequence[str],
        *,
        way: Way | None = None,
        seen: Seen | None = None,
        replacing: Board | None = None,
        again: bool = False,
    ) -> list[Outcome]:
        """What `stoep node commission` does with the boards on the bench."""
        heard = seen or AtBridge(self.bench.bridge)
        wanted = [named(name) for name in names]
        if replacing is not None:
            wanted = [wanted[0]._replace(place=replacing.place)]
        try:
            plan = Plan(
                kind="bin",
                channel=CHANNEL,
                base=self.base,
                release="0.1.0",
                names=Names(wanted, "bin", self.journal, replacing),
                journal=self.journal,
                way=way or ByFile(self.folder / "handover", str(NOBODY.to_public()), "test"),
                signer=record.key(self.folder),
                seen=heard,
                site="test",
                again=again,
            )
            return Run(self.bench, plan, len(names), _PATIENCE_S, self._told).run()
        finally:
            heard.close()

    def _told(self, port: str, step: str, _share: float | None) -> None:
        self.steps.append((Path(port).name, step))

    def board(self, name: str) -> Board:
        found = self.journal.named(name)
        assert found is not None
        return found


def registry(folder: Path) -> Known:
    """What the gateway in `folder` knows."""
    return load(folder / "nodes.toml", folder / "secrets.toml")
