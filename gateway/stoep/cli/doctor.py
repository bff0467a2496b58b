"""`stoep doctor`: what is wrong with this gateway and the machine it runs on, each with its remedy.

The exit status is 0 when nothing is, 1 when something is, 2 when the settings are.
"""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stoep.doctor.examine import examine
from stoep.doctor.finding import Finding, Level
from stoep.doctor.machine import Machine
from stoep.doctor.showing import show
from stoep.errors import SettingsError

_CONFIG = Path("/etc/stoep/gateway.toml")


def register(app: typer.Typer) -> None:
    @app.command("doctor")
    def command(
        *,
        config: Annotated[Path, typer.Option("--config", "-c", help="The gateway's settings.")] = _CONFIG,
        as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each finding.")] = False,
    ) -> None:
        """Look for what is wrong: settings, serial port, I2C, disk, clock, power, the city's broker.

        Best asked as root, for some things may be seen by nobody else. Nothing is changed.
        """
        console = Console(highlight=False)
        found = []
        for finding in examine(config, Machine()):
            found.append(finding)
            if as_json:
                typer.echo(json.dumps(finding._asdict() | {"level": finding.level.name.lower()}))
            else:
                show(console, finding)
        raise typer.Exit(_status(found))


def _status(found: list[Finding]) -> int:
    wrong = [finding for finding in found if finding.level is Level.TROUBLE]
    if any(finding.about == "settings" for finding in wrong):
        return SettingsError.exit_code
    return 1 if wrong else 0
