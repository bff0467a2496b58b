"""`stoep check-config`: whether the service would start with these settings, and all that keeps it from that."""

from pathlib import Path
from typing import Annotated

import typer

from stoep.errors import SettingsError
from stoep.resources import example_settings
from stoep.service.check import check

_WRONG = SettingsError.exit_code


def register(app: typer.Typer) -> None:
    @app.command("check-config")
    def command(
        *,
        config: Annotated[Path | None, typer.Option("--config", "-c", help="The settings, a TOML file.")] = None,
        example: Annotated[bool, typer.Option("--example", help="Show a gateway.toml to begin with instead.")] = False,
    ) -> None:
        """Look through gateway.toml and all the files it names; ends with 2 if anything is wrong."""
        if example:
            typer.echo(example_settings().read_text(encoding="utf-8"), nl=False)
            return
        if config is None:
            raise typer.BadParameter("name the file, or ask for an --example", param_hint="--config")
        report = check(config)
        for warning in report.warnings:
            typer.echo(f"warning: {warning}", err=True)
        for error in report.errors:
            typer.echo(f"error: {error}", err=True)
        if report.errors:
            raise typer.Exit(_WRONG)
        typer.echo(f"{config} is right: {report.nodes} nodes, {report.groups} lamp groups")
