"""The command `stoep`. Each command group is a file; other packages join through the entry-point group below.

A group whose optional packages are not installed must not take the others down with it: its command then says which
extra to install. The service itself starts without typer and what typer needs: a quarter of its memory, for months.
"""

import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from stoep import __version__

if TYPE_CHECKING:
    import typer

GROUP = "stoep.commands"
# Where the extra is not called like the command.
_EXTRAS = dict.fromkeys(("generate", "hardware", "node", "bridge", "field-kit"), "field")
_OWN = [
    EntryPoint("gateway", "stoep.cli.gateway:register", GROUP),
    EntryPoint("check-config", "stoep.cli.check_config:register", GROUP),
    EntryPoint("broker-files", "stoep.cli.broker_files:register", GROUP),
    EntryPoint("clock-witness", "stoep.cli.clock_witness:register", GROUP),
    EntryPoint("registry", "stoep.cli.registry:register", GROUP),
    EntryPoint("commands", "stoep.cli.commands:register", GROUP),
    EntryPoint("ledger", "stoep.cli.ledger:register", GROUP),
    EntryPoint("status", "stoep.cli.status:register", GROUP),
    EntryPoint("doctor", "stoep.cli.doctor:register", GROUP),
    EntryPoint("setup", "stoep.cli.setup:register", GROUP),
    EntryPoint("support-bundle", "stoep.cli.support_bundle:register", GROUP),
    EntryPoint("listen", "stoep.cli.listen:register", GROUP),
    EntryPoint("schemas", "stoep.cli.schemas:register", GROUP),
    EntryPoint("calibrate", "stoep.cli.calibrate:register", GROUP),
    EntryPoint("backup", "stoep.cli.backup:register", GROUP),  # and restore
]


def _stub(app: "typer.Typer", name: str, missing: str) -> None:
    import typer

    extra = _EXTRAS.get(name, name)

    @app.command(name, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
    def command() -> None:
        typer.echo(f"stoep {name} needs {missing}; say: pip install 'stoep[{extra}]'", err=True)
        raise typer.Exit(2)

    command.__doc__ = f"(not installed: pip install 'stoep[{extra}]')"


def _version(wanted: bool) -> None:
    if wanted:
        import typer

        typer.echo(f"stoep {__version__}")
        raise typer.Exit


def build(asked: str | None = None) -> "typer.Typer":
    """The app with every command that can be found; with only the one `asked` for: all take a second to load."""
    import typer

    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.callback()
    def root(
        *,
        _: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
    ) -> None:
        """Smart street furniture: gateway, virtual street and tools."""

    found = {point.name: point for point in entry_points(group=GROUP)}
    for own in _OWN:
        found.setdefault(own.name, own)  # run from a checkout that nobody installed
    for name, point in [(asked, found[asked])] if asked in found else sorted(found.items()):
        try:
            point.load()(app)
        except ImportError as error:
            _stub(app, name, error.name or str(error))
    return app


def main() -> None:
    match sys.argv[1:]:
        case ["gateway", "--config" | "-c", config]:
            from stoep.cli.serve import serve

            sys.exit(serve(Path(config)))
        case ["clock-witness"]:
            from stoep.cli.clock_witness import run

            run()
        case _:
            sys.exit(build(next(iter(sys.argv[1:]), None))())
