"""`stoep broker-files`: the local broker's accounts and access list, for mosquitto. What is in them: `accounts.py`."""

from pathlib import Path
from typing import Annotated

import typer

from stoep import settings
from stoep.errors import PermanentError, SettingsError
from stoep.registry import accounts, registry

_CONF = """\
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/acl
# a node listens for 60 ms; small packets must not wait for each other
set_tcp_nodelay true
"""


def write(config: Path, folder: Path) -> None:
    """Writes `passwords` and `acl` into `folder`. Raises SettingsError."""
    chosen = settings.load(config)
    gateway = settings.broker_account(chosen)
    if gateway is None:
        remedy = "the gateway needs an account at its broker: add username and password_file"
        raise SettingsError(config, "local_broker", "names no account", remedy)
    files = chosen.path(chosen.registry.nodes), chosen.secret(chosen.registry.secrets)
    known = registry.load(*files, placed=chosen.site.placed)
    try:
        accounts.write(folder, gateway, known.nodes.values())
    except OSError as error:
        raise SettingsError(folder, "", f"cannot be written ({error.strerror})", "name another folder") from error


def register(app: typer.Typer) -> None:
    @app.command("broker-files")
    def command(
        config: Annotated[Path, typer.Option("--config", "-c", help="The gateway's settings, a TOML file.")],
        folder: Annotated[Path, typer.Option("--dir", help="Where the files go; mosquitto must be able to read them.")],
    ) -> None:
        """Write the accounts of the local broker for mosquitto, from the registry.

        With [local_broker] accounts = "FOLDER" a running gateway keeps them as the registry is.
        """
        try:
            write(config, folder)
        except PermanentError as error:
            typer.echo(f"stoep broker-files: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        typer.echo(f"wrote {folder}/passwords and {folder}/acl; mosquitto.conf needs:\n")
        typer.echo(_CONF.format(folder=folder.resolve()))
