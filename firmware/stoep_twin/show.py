"""What one sees while a street runs: a live table in a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stoep_twin.auditor import Channel
from stoep_twin.street import Street
from stoep_twin.summary import quantile
from stoep_twin.world import weather

_PLAIN_EVERY_S = 5.0
_BAR = 8
_COLUMNS = (
    ("temperature", "temp"),
    ("humidity", "humid"),
    ("pressure", "pressure"),
    ("fill_level", "full"),
    ("battery_voltage", "battery"),
    ("solar_voltage", "solar"),
)


def reading(name: str, counts: int, channels: dict[str, Channel]) -> str:
    """A reading for people."""
    channel = channels[name]
    return f"{counts / 10**channel.decimals:.{channel.decimals}f} {channel.unit}"


class Show:
    """Draws snapshots; `snap` is cheap and runs in the event loop, `draw` takes its time in a thread."""

    def __init__(self, street: Street, channels: dict[str, Channel]) -> None:
        self._street = street
        self._channels = channels
        self._console = Console()
        self._live = self._console.is_terminal
        self._display: Live | None = None
        self._said = 0.0
        street.on_first_window = self._first_window

    def __enter__(self) -> Self:
        if self._live:
            self._display = Live(console=self._console, auto_refresh=False, transient=False)
            self._display.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the terminal back."""
        display, self._display = self._display, None
        if display is not None:
            display.__exit__(None, None, None)

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._display is not None:
            self._display.console.print(text, highlight=False, markup=False)
        else:
            print(text, flush=True)

    def _first_window(self, node: str, message: Any) -> None:
        words = ", ".join(
            f"{name} {said.get('mean')} {said.get('unit')}" for name, said in list(message["channels"].items())[:3]
        )
        seconds = self._street.first_window
        self.say(
            f"the city has its first window {seconds:.1f} s after the first boot: {node} {message['start']}: {words}"
        )

    def snap(self, phase: str) -> dict[str, Any]:
        """Everything shown, as plain values."""
        street = self._street
        figures = street.air.figures
        return {
            "phase": phase,
            "seconds": time.monotonic() - street.first_boot,
            "utc": datetime.fromtimestamp(street.clock.utc_us() / 1e6, UTC),
            "weather": weather.of(street.options.seed).words(street.clock.utc_us() / 1e6),
            "nodes": [
                (
                    node.entry.name,
                    node.board.state.value,
                    dict(node.counts),
                    node.samples,
                    node.held,
                    street.auditor.windows(node.entry.name),
                    node.wiring.lamp and node.wiring.lamp.light(street.clock.utc_us() / 1e6),
                )
                for node in street.nodes.values()
            ],
            "taken": street.auditor.readings_taken,
            "delivered": street.auditor.readings_delivered,
            "logged": street.counted("samples_logged"),
            "acknowledged": street.counted("samples_acknowledged"),
            "outbox": street.outbox or 0,
            "gateway": street.status.get("status", "not yet"),
            "sent": figures.sent,
            "lost": figures.lost,
            "reply": quantile(figures.reply_ms[-50:], 0.5),
            "findings": len(street.findings),
        }

    def draw(self, snap: dict[str, Any]) -> None:
        """Bring a snapshot to the screen."""
        if self._display is not None:
            self._display.update(self._table(snap), refresh=True)
            return
        now = time.monotonic()
        if now - self._said >= _PLAIN_EVERY_S:
            self._said = now
            print(self._plain(snap), flush=True)

    @staticmethod
    def _air(snap: dict[str, Any]) -> str:
        share = 100 * snap["lost"] / snap["sent"] if snap["sent"] else 0
        reply = "" if snap["reply"] is None else f", reply {snap['reply']:.0f} ms"
        return f"{snap['sent']} frames, {share:.0f} % lost{reply}"

    def _plain(self, snap: dict[str, Any]) -> str:
        awake = sum(state == "awake" for _, state, *_ in snap["nodes"])
        held = sum(held or 0 for *_, held, _, _ in snap["nodes"])
        lights = " ".join(_percent(light) for *_, light in snap["nodes"] if light is not None)
        return (
            f"{snap['seconds']:5.0f} s  {snap['utc']:%d %b %H:%M:%S}  {snap['phase']}: "
            f"{len(snap['nodes'])} nodes, {awake} awake · readings {snap['taken']} taken, {snap['delivered']} delivered"
            f" · samples {snap['logged']} logged, {snap['acknowledged']} acknowledged, {held} held"
            f" · gateway {snap['gateway']}, outbox {snap['outbox']} · air {self._air(snap)}"
            + (f" · light {lights}" if lights else "")
        )

    def _table(self, snap: dict[str, Any]) -> Group:
        table = Table(title=f"stoep twin · {snap['phase']} · {snap['utc']:%d %b %Y %H:%M:%S} UTC", expand=False)
        table.add_column("node")
        table.add_column("board", min_width=6)
        for _, title in _COLUMNS:
            table.add_column(title, justify="right")
        for title in ("samples", "held", "windows"):
            table.add_column(title, justify="right")
        lamps = any(light is not None for *_, light in snap["nodes"])
        if lamps:
            table.add_column("light", justify="right")
        for name, state, counts, samples, held, windows, light in snap["nodes"][:40]:
            values = [reading(key, counts[key], self._channels) if key in counts else "–" for key, _ in _COLUMNS]
            style = {"awake": "bold green", "stuck": "bold red"}.get(state, "")
            table.add_row(
                name,
                Text(state, style),
                *values,
                str(samples),
                "–" if held is None else str(held),
                str(windows),
                *([_bar(light)] if lamps else []),
            )
        lines = Text(
            f"gateway {snap['gateway']} · {snap['logged']} samples logged, {snap['acknowledged']} acknowledged · "
            f"outbox {snap['outbox']}\ncity    {snap['delivered']} of {snap['taken']} readings delivered\n"
            f"air     {self._air(snap)}\nweather {snap['weather']}\n"
            f"{snap['seconds']:.0f} s since the first boot; Ctrl-C ends the run"
        )
        if snap["findings"]:
            lines.append(f"\n{snap['findings']} findings", "bold red")
        return Group(table, lines)


def _percent(light: float) -> str:
    return f"{100 * light:.0f} %"


def _bar(light: float | None) -> Text:
    """Of the light itself, not of what an eye makes of it."""
    if light is None:
        return Text("")
    bar = "█" * round(_BAR * light)
    return Text(f"{bar:<{_BAR}} {_percent(light):>5}", "yellow")


def progress(text: str) -> None:
    """What happens before there is anything to show."""
    print(text, file=sys.stderr, flush=True)
