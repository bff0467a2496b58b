"""`stoep broker-files`: who may do what at the local broker, for mosquitto, out of the registry.

A node's name there is its kid and its password follows from its secret, as its firmware derives it: there is nothing to
hand over. It may only tell `stoep/up/<its kid>` and hear `stoep/down/<its kid>`; the gateway's account the reverse.
"""

import base64
import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stoep import registry, settings
from stoep.errors import PermanentError, SettingsError

_ROUNDS = 101  # mosquitto's own; a password here is 128 random bits, not a word
_SALT = 12
_PASSWORD = 16
_NODES = """\
pattern write stoep/up/%u
pattern read stoep/down/%u
"""
_GATEWAY = """\
user {name}
topic read stoep/up/+
topic write stoep/down/+

"""
_CONF = """\
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/acl
# a node listens for 60 ms; small packets must not wait for each other
set_tcp_nodelay true
"""


def password(secret: bytes) -> str:
    """Of the node with this secret; the firmware's `node/links/account.py` comes to the same."""
    return HKDF(hashes.SHA256(), _PASSWORD, None, b"broker").derive(secret).hex()


def entry(name: str, password_: str) -> str:
    """A line of mosquitto's password file: PBKDF2-HMAC-SHA-512."""
    salt = secrets.token_bytes(_SALT)
    known = hashlib.pbkdf2_hmac("sha512", password_.encode(), salt, _ROUNDS)
    return f"{name}:$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(known).decode()}\n"


def passwords(gateway: tuple[str, str], entries: Iterable[registry.Entry]) -> str:
    """The password file for the gateway's (name, password) and all lampposts: no other node has Wi-Fi."""
    nodes = [entry(node.kid.hex(), password(node.secret)) for node in entries if node.kind == "lamppost"]
    return "".join([entry(*gateway), *nodes])


def write(config: Path, folder: Path) -> None:
    """Writes `passwords` and `acl` into `folder`. Raises SettingsError."""
    chosen = settings.load(config)
    local = chosen.local_broker
    if local is None or local.username is None or local.password_file is None:
        remedy = "the gateway needs an account at its broker: add username and password_file"
        raise SettingsError(config, "local_broker", "names no account", remedy)
    own = settings.password(chosen, local.password_file)
    assert own is not None
    files = chosen.path(chosen.registry.nodes), chosen.path(chosen.registry.secrets)
    known = registry.load(*files, placed=chosen.site.placed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / "passwords", passwords((local.username, own), known.nodes.values()))
        _replace(folder / "acl", _GATEWAY.format(name=local.username) + _NODES)
    except OSError as error:
        raise SettingsError(folder, "", f"cannot be written ({error.strerror})", "name another folder") from error


def _replace(file: Path, text: str) -> None:
    """Whole or not at all, and never readable by others."""
    new = file.with_suffix(".new")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
    new.replace(file)


def register(app: typer.Typer) -> None:
    @app.command("broker-files")
    def command(
        config: Annotated[Path, typer.Option("--config", "-c", help="The gateway's settings, a TOML file.")],
        folder: Annotated[Path, typer.Option("--dir", help="Where the files go; mosquitto must be able to read them.")],
    ) -> None:
        """Write the accounts of the local broker for mosquitto, from the registry."""
        try:
            write(config, folder)
        except PermanentError as error:
            typer.echo(f"stoep broker-files: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        typer.echo(f"wrote {folder}/passwords and {folder}/acl; mosquitto.conf needs:\n")
        typer.echo(_CONF.format(folder=folder.resolve()))
