"""The command `stoep`. Each command group is a file; other packages join through the entry-point group below.

A group whose optional packages are not installed must not take the others down with it: its command then says which
extra to install. The service itself starts without typer and what typer needs: a quarter of its memory, for months.
"""

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from stoep import __version__

if TYPE_CHECKING:
    import typer

GROUP = "stoep.commands"
# Where the extra is not called like the command.
_EXTRAS = dict.fromkeys(("generate", "hardware", "node", "bridge", "field-kit"), "field")
_OWN = {  # each has a `register`
    "gateway": "stoep.cli.gateway",
    "check-config": "stoep.cli.check_config",
    "broker-files": "stoep.cli.broker_files",
    "clock-witness": "stoep.cli.clock_witness",
    "registry": "stoep.cli.registry",
    "commands": "stoep.cli.commands",
    "ledger": "stoep.cli.ledger",
    "status": "stoep.cli.status",
    "doctor": "stoep.cli.doctor",
    "setup": "stoep.cli.setup",
    "support-bundle": "stoep.cli.support_bundle",
    "listen": "stoep.cli.listen",
    "schemas": "stoep.cli.schemas",
    "calibrate": "stoep.cli.calibrate",
    "backup": "stoep.cli.backup",  # and restore
}


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


def _register(module: str) -> "Callable[[typer.Typer], None]":
    register: Callable[[typer.Typer], None] = import_module(module).register
    return register


def build(asked: str | None = None) -> "typer.Typer":
    """The app with every command that can be found; with only the one `asked` for: all take a second to load."""
    from importlib.metadata import entry_points

    import typer

    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.callback()
    def root(
        *,
        _: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
    ) -> None:
        """Smart street furniture: gateway, virtual street and tools."""

    found = {point.name: point.load for point in entry_points(group=GROUP)}
    for name, module in _OWN.items():  # run from a checkout that nobody installed
        found.setdefault(name, partial(_register, module))
    for name, load in [(asked, found[asked])] if asked in found else sorted(found.items()):
        try:
            load()(app)
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
