"""`stoep commands`: what the city wanted of the nodes, and what came of it. It reads beside a gateway that runs."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stoep import settings
from stoep.errors import PermanentError, StoreError
from stoep.store import commands
from stoep.store.command import Command

_WAIT = 5.0  # seconds for a gateway that writes


def read(store: Path, node: str | None, limit: int) -> list[Command]:
    """The last commands to a node (None: to all), the newest first; raises StoreError."""
    if not store.is_file():
        raise StoreError(f"there is no store {store}; start the gateway once, or name its settings")
    try:
        with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAIT)) as sql:
            return commands.newest(sql, node, limit)
    except sqlite3.Error as error:
        remedy = "run this as the gateway's user, and with the gateway's release"
        raise StoreError(f"the store {store} cannot be read ({error}); {remedy}") from error


def _time(utc: int | None) -> str | None:
    return None if utc is None else datetime.fromtimestamp(utc, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def document(command: Command) -> dict[str, Any]:
    """A command as JSON; times are UTC, null while the gateway's clock was not trusted."""
    return {
        "node": command.node,
        "kid": None if command.kid is None else command.kid.hex(),
        "id": command.id,
        "by": command.sender,
        "received": _time(command.received),
        "expires": _time(command.expires),
        "content": command.content,
        "settings": None if command.version is None else f"{command.version:08x}",
        "result": command.result,
        "steps": [{"time": _time(step.at), "result": step.result, "reason": step.why} for step in command.steps],
    }


def _wanted(command: Command) -> str:
    try:
        said = msgspec.json.decode(command.content)["settings"]
        return ", ".join(f"{name} = {'null' if value is None else value}" for name, value in said.items())
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return command.content


def _cells(command: Command) -> Iterator[str]:
    yield _time(command.received) or "(clock not trusted)"
    yield command.node
    yield command.id or "-"
    yield command.sender or "-"
    yield _wanted(command)
    yield _time(command.expires) or "-"
    for step in reversed(command.steps):
        if step.result is command.result:
            yield f"{step.result}: {step.why}" if step.why else step.result
            return


def table(found: list[Command]) -> Table:
    """For a terminal."""
    shown = Table("received", "node", "id", "by", "wanted", "valid until", "result")
    for command in found:
        shown.add_row(*(_plain(cell) for cell in _cells(command)))
    return shown


def _plain(text: str) -> Text:
    """Whatever somebody put into a command, the terminal only shows it."""
    return Text("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text))


def register(app: typer.Typer) -> None:
    @app.command("commands")
    def command(
        config: Annotated[Path, typer.Option("--config", "-c", help="The gateway's settings, a TOML file.")],
        node: Annotated[str | None, typer.Option(help="Only those to this node.")] = None,
        limit: Annotated[int, typer.Option(min=1, help="So many, the newest first.")] = 50,
        json: Annotated[bool, typer.Option("--json", help="As JSON, with every step.")] = False,
    ) -> None:
        """List the city's commands and what came of them."""
        try:
            chosen = settings.load(config)
            found = read(chosen.path(chosen.store.path), node, limit)
        except PermanentError as error:
            typer.echo(f"stoep commands: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        if json:
            typer.echo(msgspec.json.format(msgspec.json.encode([document(one) for one in found])).decode())
        elif found:
            Console().print(table(found))
        else:
            typer.echo("no commands yet")
