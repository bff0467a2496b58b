"""`stoep setup`: five questions, each answer tried, and the gateway runs.

Every answer can be given as an option; with all of them nobody is asked. The exit status is 0 when the settings are
written and, where systemd is, the service runs.
"""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from stoep import settings
from stoep.cli.status import render
from stoep.errors import PermanentError
from stoep.setup import writing
from stoep.setup.questions import Given, Questions
from stoep.status.ask import NotRunningError, ask

_CONFIG = Path("/etc/stoep/gateway.toml")
_SETTLE_SECONDS = 20.0


def register(app: typer.Typer) -> None:
    @app.command("setup")
    def command(
        *,
        config: Annotated[Path, typer.Option("--config", "-c", help="The settings to write.")] = _CONFIG,
        site: Annotated[str | None, typer.Option(help="What the site is called; part of every topic.")] = None,
        position: Annotated[str | None, typer.Option(help='"LAT, LON" in degrees; "" for no lamps.')] = None,
        timezone: Annotated[str | None, typer.Option(help="IANA's name, such as Europe/Brussels.")] = None,
        city: Annotated[str | None, typer.Option("--broker", help="HOST, or mqtts://HOST:PORT.")] = None,
        ca: Annotated[Path | None, typer.Option(help="Certificate of the broker's authority.")] = None,
        username: Annotated[str | None, typer.Option(help='At the city\'s broker; "" for none.')] = None,
        password_file: Annotated[Path | None, typer.Option(help="Its first line; a terminal is asked else.")] = None,
        cert: Annotated[Path | None, typer.Option(help="Our certificate, beside or in place of a password.")] = None,
        key: Annotated[Path | None, typer.Option(help="Its private key.")] = None,
        bridge: Annotated[str | None, typer.Option(help='Its port, or "auto".')] = None,
        untried: Annotated[bool, typer.Option("--untried", help="Write it although broker or bridge fail.")] = False,
        start: Annotated[bool, typer.Option(help="Start the service.")] = True,
    ) -> None:
        """Set this gateway up: site, position, the city's broker, credentials, bridge.

        Asks what no option says, tries each answer, writes the settings, starts the service and shows what it sees.
        Run again, it offers what is there already.
        """
        given = Given(site, position, timezone, city, ca, username, password_file, cert, key, bridge, untried)
        try:
            answers = Questions(given, config).all()
            for file in writing.write(config, answers):
                typer.echo(f"written: {file}")
        except (PermanentError, OSError) as error:
            typer.echo(f"stoep setup: {error}", err=True)
            raise typer.Exit(getattr(error, "exit_code", 1)) from None
        _start(config, wanted=start)


def _start(config: Path, *, wanted: bool) -> None:
    if not wanted or not writing.can_start():
        typer.echo(f"to start it: systemctl enable --now {writing.UNIT}, or: stoep gateway --config {config}")
        return
    problem = writing.start()
    if problem is not None:
        typer.echo(f"the service does not start: {problem}; say: journalctl -u {writing.UNIT}", err=True)
        raise typer.Exit(1)
    typer.echo("the service runs; what it sees:")
    store = settings.load(config).path(settings.load(config).store.path)
    until = time.monotonic() + _SETTLE_SECONDS
    said: dict[str, Any] | None = None
    while time.monotonic() < until and not (said or {}).get("uplink", {}).get("connected"):
        time.sleep(1.0)
        try:
            said = ask(store)
        except NotRunningError:
            continue
    if said is not None:
        Console().print(render(said))
