"""`stoep ledger`: what became of every sample of a day, from the store; the gateway may run or not."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from stoep import settings
from stoep.errors import PermanentError
from stoep.fleet.survey import wanted
from stoep.ledger import books
from stoep.ledger import days as days_of
from stoep.ledger.receipts import cause_word, content
from stoep.ledger.receipts import date as date_of
from stoep.refine.days import DAY
from stoep.registry import registry
from stoep.service.service import make_clock
from stoep.wire.channels import catalogue

_COLUMNS = ("expected", "delivered", "kept", "owed", "late", "duplicate")


def receipts(chosen: settings.Settings, now: float) -> dict[int, dict[str, Any]]:
    """By day what its receipt says now. Raises PermanentError."""
    files = chosen.path(chosen.registry.nodes), chosen.path(chosen.registry.secrets)
    entries = registry.load(*files, placed=chosen.site.placed).nodes.values()
    intervals = {kid: node.interval for kid, node in wanted(entries).items()}
    with books.opened(chosen.path(chosen.store.path)) as read:
        found = days_of.ledger(read, intervals, now)
    return {day: content(lines, lambda cause: cause_word(catalogue().causes, cause)) for day, lines in found.items()}


def _lost(account: dict[str, Any]) -> str:
    return ", ".join(f"{count} {cause}" for cause, count in account["lost"].items()) or "0"


def _table(title: str, rows: list[tuple[str, dict[str, Any]]]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    table.add_column("lost")
    for name, account in rows:
        table.add_row(name, *(str(account[column]) for column in _COLUMNS), _lost(account))
    return table


def _number(text: str) -> int:
    try:
        parsed = date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no day; write it as 2026-06-01", param_hint="--day") from None
    return int(datetime(parsed.year, parsed.month, parsed.day, tzinfo=UTC).timestamp() // DAY)


def register(app: typer.Typer) -> None:
    @app.command("ledger")
    def command(
        config: Annotated[Path, typer.Option("--config", "-c", help="The gateway's settings, a TOML file.")],
        day: Annotated[str | None, typer.Option(help="A UTC day, 2026-06-01: each node. Else all days.")] = None,
        *,
        as_json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
    ) -> None:
        """Show what became of every sample: expected = delivered + kept + owed + lost."""
        wished = None if day is None else _number(day)
        try:
            chosen = settings.load(config)
            found = receipts(chosen, make_clock(chosen).utc())
        except PermanentError as error:
            typer.echo(f"stoep ledger: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        if wished is not None:
            found = {number: said for number, said in found.items() if number == wished}
        if as_json:
            typer.echo(json.dumps({date_of(number): said for number, said in found.items()}, indent=2))
            return
        if not found:
            typer.echo("stoep ledger: there is nothing of it in the store")
        elif wished is None:
            totals = [(date_of(number), said["total"]) for number, said in found.items()]
            Console().print(_table("samples by day", totals))
        else:
            nodes = [(node["node"], node) for node in found[wished]["nodes"]]
            Console().print(_table(f"samples of {day}", [*nodes, ("all", found[wished]["total"])]))
