"""What a run has shown, as JSON for machines and as a few lines for people."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stoep_twin import judge
from stoep_twin.budget import in_words
from stoep_twin.judge import Verdict


@dataclass
class Summary:
    """One run. Everything up to `wall_seconds` is defined in the documentation of `stoep twin`."""

    readings_taken: int = 0
    readings_delivered: int = 0
    lost: int = 0
    duplicates: int = 0
    redelivered: int = 0
    values_wrong: int = 0
    frames_sent: int = 0
    frames_lost_in_air: int = 0
    reply_ms_p50: float | None = None
    reply_ms_p99: float | None = None
    wall_seconds: float = 0.0
    windows: int = 0
    seed: int = 0
    speed: float = 0.0
    loss: float = 0.0
    bins: int = 0
    benches: int = 0
    lampposts: int = 0
    kills: int = 0
    stuck_boards: int = 0
    faults: int = 0  # watchdog resets, crashes, flash misuse, a gateway that died by itself
    readings_untrue: int = 0  # not what the world was, within the sensors' accuracy
    nonces_reused: int = 0
    alarms_while_away: int = 0  # raised while the gateway was away
    alarms_after_backlog: int = 0  # nodes whose windows of that time came before such an alarm
    alarms_missing: int = 0
    channels: dict[str, list[str]] = field(default_factory=dict)  # what the city has, by kind
    budgets: dict[str, dict[str, float]] = field(default_factory=dict)  # by kind: energy and wear, see budget.py
    lamps: Verdict | None = None  # of a scenario with lamps: its figures stand beside all others
    lamps_missed: list[str] = field(default_factory=list)  # bounds, in words
    findings: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether the run may end with exit status 0."""
        return not (
            self.lost
            or self.duplicates
            or self.values_wrong
            or self.stuck_boards
            or self.faults
            or self.readings_untrue
            or self.nonces_reused
            or self.alarms_after_backlog
            or self.alarms_missing
            or self.lamps_missed
        )

    def write(self, path: Path) -> None:
        """As JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        said = asdict(self)
        said |= said.pop("lamps") or {}
        path.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n")

    def lines(self) -> list[str]:
        """For people."""
        share = 100 * self.frames_lost_in_air / self.frames_sent if self.frames_sent else 0.0
        reply = (
            "no reply" if self.reply_ms_p50 is None else f"reply {self.reply_ms_p50} ms, 99 % {self.reply_ms_p99} ms"
        )
        lines = [
            f"readings   {self.readings_taken} taken, {self.readings_delivered} delivered in {self.windows} windows",
            (
                f"audit      {self.lost} lost, {self.duplicates} duplicated, {self.values_wrong} windows wrong, "
                f"{self.readings_untrue} untrue, {self.redelivered} redelivered"
            ),
            f"air        {self.frames_sent} frames, {share:.0f} % lost, {reply}",
            f"boards     {self.stuck_boards} stuck, {self.faults} faults, gateway killed {self.kills} times",
        ]
        lines += [f"upkeep     {kind}: {in_words(figures)}" for kind, figures in self.budgets.items()]
        lines += [f"lamps      {text}" for text in (judge.in_words(self.lamps) if self.lamps else [])]
        lines += [f"seen       {text}" for text in (self.lamps.words if self.lamps else [])]
        lines += [f"missed     {text}" for text in self.lamps_missed]
        lines += [f"found      {finding}" for finding in self.findings]
        lines.append(f"{'good' if self.good else 'BAD'}       after {self.wall_seconds:.0f} s")
        return lines


def quantile(values: list[float], share: float) -> float | None:
    """The value below which `share` of all lie, to 0.1."""
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
