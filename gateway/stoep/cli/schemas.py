"""`stoep schemas`: the published contract, for whoever writes a consumer."""

import json
from pathlib import Path
from typing import Annotated

import typer

from stoep.uplink import contract


def _texts(*, opened: bool) -> dict[str, str]:
    if not opened:
        return dict(contract.files())
    return {
        name: json.dumps(contract.opened(json.loads(text)), indent=2, ensure_ascii=False) + "\n"
        for name, text in contract.files().items()
    }


def register(app: typer.Typer) -> None:
    @app.command("schemas")
    def command(
        write: Annotated[Path | None, typer.Option("--write", help="A folder for the files.")] = None,
        *,
        opened: Annotated[
            bool, typer.Option("--open", help="For a consumer that goes on when a later release adds something.")
        ] = False,
    ) -> None:
        """Show or write the JSON Schema of every message, and the AsyncAPI document of every topic."""
        if write is None:
            bundle = contract.bundle()
            typer.echo(json.dumps(contract.opened(bundle) if opened else bundle, indent=1, ensure_ascii=False))
            return
        try:
            write.mkdir(parents=True, exist_ok=True)
            for name, text in _texts(opened=opened).items():
                (write / name).write_text(text, encoding="utf-8")
        except OSError as error:
            typer.echo(f"stoep schemas: {write} cannot be written ({error.strerror}); name a folder of yours", err=True)
            raise typer.Exit(2) from None
        typer.echo(f"wrote {len(contract.files())} files into {write}")
