"""`stoep generate`, for whoever changes the catalogue or a drawing."""

from pathlib import Path
from typing import Annotated

import typer

from stoep_field import generate


def register(app: typer.Typer) -> None:
    @app.command("generate")
    def command(
        check: Annotated[bool, typer.Option("--check", help="Write nothing, fail when a file is stale.")] = False,
        root: Annotated[Path, typer.Option(help="The checkout to work in.")] = generate.CHECKOUT,
    ) -> None:
        """Generate the firmware's tables from the channel catalogue and the hardware drawings."""
        raise typer.Exit(generate.run(root, check=check))
