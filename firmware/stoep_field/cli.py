"""`stoep generate` and `stoep hardware`, for whoever changes the catalogue or a drawing."""

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


def register_hardware(app: typer.Typer) -> None:
    @app.command("hardware")
    def command(
        check: Annotated[bool, typer.Option("--check", help="Write nothing, fail when a file is stale.")] = False,
        root: Annotated[Path, typer.Option(help="The checkout to work in.")] = generate.CHECKOUT,
    ) -> None:
        """Make pin tables, bills of materials, wiring diagrams, power budgets and guides from the hardware drawings.

        A drawing that breaks a rule is refused, with the pin or part, and the way out. Only pictures need Graphviz and
        the extra `drawings`; --check needs neither.
        """
        from stoep_field.hardware import build

        raise typer.Exit(build.run(root, check=check))
