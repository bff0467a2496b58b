"""`stoep backup` and `stoep restore`: the store in one encrypted file, and back. No secret on a command line."""

from pathlib import Path
from typing import Annotated

import typer

from stoep import settings
from stoep.errors import PermanentError, SettingsError
from stoep.store import backup

Config = Annotated[Path, typer.Option("--config", "-c", help="The gateway's settings, a TOML file.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="Its first line is the passphrase; mode 0600. Else it is asked."),
]


def _line(file: Path, what: str) -> str:
    """The first line that says something, of a file only its owner may read."""
    settings.require_private(file)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(file, "", f"holds no {what}", "write it into the first line") from error
    for line in lines:
        if line.strip() and not line.startswith("#"):  # age-keygen's comments
            return line.strip()
    raise SettingsError(file, "", f"holds no {what}", "write it into the first line")


def _asked(file: Path | None, *, twice: bool) -> backup.Secret:
    if file is None:
        return lambda: str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=twice))
    return lambda: _line(file, "passphrase")


def _fail(command: str, error: PermanentError) -> typer.Exit:
    typer.echo(f"stoep {command}: {error}", err=True)
    return typer.Exit(error.exit_code)


def register(app: typer.Typer) -> None:
    @app.command("backup")
    def _backup(
        config: Config,
        to: Annotated[Path, typer.Option("--to", help="The file to write.")],
        passphrase_file: PassphraseFile = None,
        recipient: Annotated[str | None, typer.Option("--recipient", help="A public key of age, age1…")] = None,
    ) -> None:
        """Copy the store, encrypted, while the gateway runs. Registry and settings are not in it."""
        try:
            chosen = settings.load(config)
            store = chosen.path(chosen.store.path)
            size = backup.take(store, to, passphrase=_asked(passphrase_file, twice=True), recipient=recipient)
        except PermanentError as error:
            raise _fail("backup", error) from None
        typer.echo(f"wrote {to}, {size} bytes")

    @app.command("restore")
    def _restore(
        config: Config,
        source: Annotated[Path, typer.Option("--from", help="A file that `stoep backup` wrote.")],
        passphrase_file: PassphraseFile = None,
        identity: Annotated[
            Path | None, typer.Option("--identity", help="For a backup made for a public key: its file of age-keygen.")
        ] = None,
    ) -> None:
        """Put a backup in the store's place; the gateway must be stopped."""
        try:
            chosen = settings.load(config)
            store = chosen.path(chosen.store.path)
            key = None if identity is None else _line(identity, "identity")
            replaced = backup.restore(source, store, passphrase=_asked(passphrase_file, twice=False), identity=key)
        except PermanentError as error:
            raise _fail("restore", error) from None
        typer.echo(f"{store} is the backup now; windows counted before this moment are partial from here on")
        if replaced is not None:
            typer.echo(f"the store that was there is {replaced}; delete it when all is well")
