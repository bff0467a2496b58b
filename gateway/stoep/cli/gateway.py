"""`stoep gateway`: the service in the foreground, as systemd and developers run it."""

from pathlib import Path
from typing import Annotated

import typer

from stoep.cli.serve import serve


def register(app: typer.Typer) -> None:
    @app.command("gateway")
    def command(
        config: Annotated[Path, typer.Option("--config", "-c", help="The settings, a TOML file.")],
    ) -> None:
        """Run the gateway's service until SIGTERM or Ctrl-C; SIGHUP reads the settings again."""
        raise typer.Exit(serve(config))
