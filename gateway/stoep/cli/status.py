"""`stoep status`: how the running gateway and its nodes are, as a technician in the street needs it.

The exit status is 0 when somebody answers, 1 when nobody does.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from stoep import settings
from stoep.errors import PermanentError
from stoep.status.ask import ask

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_TIGHT = 500_000_000  # bytes free below which the store's room is a problem
_STALE = 20.0  # seconds without progress after which a stage is named
_PERCENT = 100


def age(seconds: float) -> str:
    """As one says it: "40 s", "12 min", "3 h", "5 days"."""
    if seconds < 2 * _MINUTE:
        return f"{max(0, seconds):.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds / _DAY:.0f} days"


def _size(count: float) -> str:
    return f"{count / 1e6:.0f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"  # noqa: PLR2004 -- where MB end


def _battery(row: Mapping[str, Any]) -> str:
    if row["volts"] is None:
        return ""
    left = row["battery_left"]
    if left is None:
        return f"{row['volts']:.2f} V"
    if left["days"] is None:
        return f"{row['volts']:.2f} V, years" if left["soonest"] is None else f"{row['volts']:.2f} V, holds"
    latest = "…" if left["latest"] is None else str(left["latest"])
    return f"{row['volts']:.2f} V, {left['days']} days ({left['soonest']}-{latest})"


def _facts(said: Mapping[str, Any]) -> list[tuple[str, bool, str]]:
    """(of what, whether it is well, in words)"""
    store, city = said["store"], said.get("uplink", {})
    facts = [("gateway", True, f"stoep {said['version']}, runs for {age(said['time'] - said['started'])}")]
    stages = [f"{stage} stands still for {age(since)}" for stage, since in said["stages"].items() if since > _STALE]
    if stages:
        facts.append(("", False, ", ".join(stages)))
    for bridge in said.get("bridges", ()):
        words = f"{bridge['port']}: {bridge.get('problem') or bridge['state']}"
        facts.append(("bridge", bridge["alive"], words))
    if "local_broker" in said:
        local = said["local_broker"]
        facts.append(("Wi-Fi", local["alive"], f"{local['broker']}: {local.get('problem') or local['state']}"))
    waiting = said["counters"].get("outbox", 0)
    words = "connected" if city.get("connected") else city.get("problem") or "not connected yet"
    facts.append(("city", bool(city.get("connected")), f"{words}, {waiting} messages wait"))
    clock = "set by NTP" if said["clock_trusted"] else "not trusted yet: nothing is published until NTP has set it"
    facts.append(("clock", said["clock_trusted"], clock))
    free = store["free"]
    room = "" if free is None else f", {_size(free)} free"
    facts.append(("store", free is None or free > _TIGHT, f"{store['path']}, {_size(store['bytes'])}{room}"))
    if "registry_problem" in said:
        facts.append(("registry", False, said["registry_problem"]))
    if (fleet := said.get("fleet")) is not None:
        share = "too young to say" if fleet["share"] is None else f"{fleet['share'] * _PERCENT:.0f} % yield usable data"
        well = not fleet["silent"] and fleet["usable"] == fleet["of"]
        facts.append(("fleet", well, f"nodes {fleet['nodes']}, silent {len(fleet['silent'])}, {share}"))
    return facts


def _nodes(said: Mapping[str, Any]) -> Table:
    table = Table()
    for column in ("node", "kind", "last heard", "here", "there", "battery", "problem"):
        table.add_column(column, justify="right" if column in {"last heard", "here", "there"} else "left")
    rows: Sequence[Mapping[str, Any]] = sorted(said["table"], key=lambda row: (not row["problems"], row["node"]))
    for row in rows:
        heard = "never" if row["last_heard"] is None else age(said["time"] - row["last_heard"])
        table.add_row(
            row["node"],
            row["kind"],
            heard,
            str(row["waiting_here"]),
            str(row["waiting_there"]),
            _battery(row),
            Text("; ".join(row["problems"]), style="red"),
        )
    return table


def render(said: Mapping[str, Any]) -> RenderableType:
    facts = Table.grid(padding=(0, 1))
    for what, well, words in _facts(said):
        facts.add_row(what, Text("ok" if well else "!!", style="green" if well else "bold red"), Text(words))
    if not said["table"]:
        return Group(facts, Text("nodes    no survey yet; the first takes a few seconds, and a clock that is trusted"))
    last = Text("here: samples that the city has not confirmed; there: samples that the node still owes")
    return Group(facts, _nodes(said), last)


def register(app: typer.Typer) -> None:
    @app.command("status")
    def command(
        config: Annotated[Path, typer.Option("--config", "-c", help="The gateway's settings, a TOML file.")],
        *,
        as_json: Annotated[bool, typer.Option("--json", help="All of it, for a program.")] = False,
    ) -> None:
        """Show how the running gateway and its nodes are."""
        try:
            chosen = settings.load(config)
            said = ask(chosen.path(chosen.store.path))
        except PermanentError as error:
            typer.echo(f"stoep status: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        if as_json:
            typer.echo(json.dumps(said, indent=2))
        else:
            Console().print(render(said))
