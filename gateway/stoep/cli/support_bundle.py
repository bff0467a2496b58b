"""`stoep support-bundle`: everything that helps somebody far away to help, and nothing that opens a door.

No file is copied: each member is written anew from what may be told. Whatever is secret here is known by name, so that
at last every member is searched for it once more.
"""

import io
import json
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from stoep import __version__, settings
from stoep.cli import ledger
from stoep.clock import SystemClock
from stoep.errors import PermanentError, StoepError
from stoep.ledger import books
from stoep.ledger.receipts import date
from stoep.service.service import make_clock
from stoep.status.ask import ask
from stoep.store.facts import store_facts

_UNIT = "stoep-gateway.service"
_LINES = 3000
_LOG_BYTES = 4_000_000
_LOG_SECONDS = 15.0
_DAYS = 14
_PRIVATE = re.compile(r"user|password|secret|token|credential|(^|_)key|client_id", re.IGNORECASE)
_ACCOUNT = re.compile(r"user|client_id", re.IGNORECASE)  # redacted where it is set; elsewhere it may be any word
_NAMED_FILE = re.compile(r"file$|^secrets$", re.IGNORECASE)
_SHORTEST = 6  # a secret shorter than this is not looked for: it would be found everywhere
_REMOVED = "[removed]"


def redacted(thing: Any) -> Any:
    """Settings or registry without names of accounts, passwords, secrets, keys."""
    if isinstance(thing, dict):
        return {
            key: _REMOVED if _PRIVATE.search(key) and value is not None else redacted(value)
            for key, value in thing.items()
        }
    return [redacted(one) for one in thing] if isinstance(thing, list | tuple) else thing


def known_secrets(chosen: settings.Settings) -> set[str]:
    """What must be nowhere: every value of secrets.toml, and every line of the files that settings call private."""
    found: set[str] = set()
    with suppress(OSError, StoepError):
        found |= _texts(settings.read_toml(chosen.path(chosen.registry.secrets)))
    for key, value in _flat(msgspec.to_builtins(chosen, enc_hook=str)):
        if not isinstance(value, str) or not _PRIVATE.search(key) or _ACCOUNT.search(key):
            continue
        if _NAMED_FILE.search(key):
            with suppress(OSError, UnicodeDecodeError):
                found |= {line.strip() for line in chosen.path(value).read_text(encoding="utf-8").splitlines()}
        else:
            found.add(value)
    return {secret for secret in found if len(secret) >= _SHORTEST}


def _flat(thing: Any, key: str = "") -> Iterable[tuple[str, Any]]:
    if isinstance(thing, dict):
        for name, value in thing.items():
            yield from _flat(value, name)
    elif isinstance(thing, list | tuple):
        for value in thing:
            yield from _flat(value, key)
    else:
        yield key, thing


def _texts(thing: Any) -> set[str]:
    return {value for _, value in _flat(thing) if isinstance(value, str)}


def _versions() -> dict[str, Any]:
    packages = {}
    for line in requires("stoep") or ():
        name = re.split(r"[^A-Za-z0-9_.-]", line, maxsplit=1)[0]
        with suppress(PackageNotFoundError):
            packages[name] = version(name)
    return {
        "stoep": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "sqlite": sqlite3.sqlite_version,
        "packages": packages,
    }


def _store(file: Path) -> dict[str, Any]:
    with closing(books.connect(file)) as sql:
        tables = [name for (name,) in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        (schema,) = sql.execute("PRAGMA user_version").fetchone()
        counts = {name: sql.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}  # noqa: S608
    return {**store_facts(file), "schema": schema, "rows": counts}


def _machine(chosen: settings.Settings) -> dict[str, Any]:
    clock = SystemClock()
    disk = shutil.disk_usage(chosen.path(chosen.store.path).parent)
    return {
        "utc": time.time(),
        "clock_set_by_ntp": clock.trusted(),
        "since_boot": clock.monotonic(),
        "load": os.getloadavg(),
        "disk": {"total": disk.total, "used": disk.used, "free": disk.free},
    }


def _registry(chosen: settings.Settings) -> Any:
    return redacted(settings.read_toml(chosen.path(chosen.registry.nodes)))


def _ledger(chosen: settings.Settings) -> dict[str, Any]:
    found = ledger.receipts(chosen, make_clock(chosen).utc())
    return {date(day): found[day] for day in sorted(found)[-_DAYS:]}


def _log(_chosen: settings.Settings) -> str:
    command = ["journalctl", "--unit", _UNIT, "--lines", str(_LINES), "--no-pager", "--output", "short-iso"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_LOG_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"journalctl did not answer: {error}\n"
    return (done.stdout + done.stderr)[-_LOG_BYTES:].decode(errors="replace")


_MEMBERS: dict[str, Callable[[settings.Settings], Any]] = {
    "settings.json": lambda chosen: redacted(msgspec.to_builtins(chosen, enc_hook=str)),
    "registry.json": _registry,
    "status.json": lambda chosen: ask(chosen.path(chosen.store.path)),
    "ledger.json": _ledger,
    "store.json": lambda chosen: _store(chosen.path(chosen.store.path)),
    "machine.json": _machine,
    "log.txt": _log,
}


def members(config: Path) -> dict[str, str]:
    """The bundle's files by name. What cannot be had is replaced by why."""
    found: dict[str, str] = {"versions.json": _text(_versions())}
    try:
        chosen = settings.load(config)
    except PermanentError as error:
        return {**found, "settings.json": _text({"problem": str(error)})}
    for name, make in _MEMBERS.items():
        try:
            found[name] = _text(make(chosen))
        except (StoepError, OSError, sqlite3.Error) as error:
            found[name] = _text({"problem": str(error)})
    secrets = known_secrets(chosen)
    return {name: _scrubbed(text, secrets) for name, text in found.items()}


def _text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _scrubbed(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = re.sub(re.escape(secret), _REMOVED, text, flags=re.IGNORECASE)
    return text


def write(config: Path, to: Path) -> list[str]:
    """Writes the bundle, readable by its owner only; the names in it. Raises OSError."""
    found = members(config)
    descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as opened, tarfile.open(fileobj=opened, mode="w:gz") as bundle:
        for name, text in found.items():
            data = text.encode()
            member = tarfile.TarInfo(f"stoep-support/{name}")
            member.size, member.mode, member.mtime = len(data), 0o600, int(time.time())
            bundle.addfile(member, io.BytesIO(data))
    return list(found)


def register(app: typer.Typer) -> None:
    @app.command("support-bundle")
    def command(
        config: Annotated[Path, typer.Option("--config", "-c", help="The gateway's settings, a TOML file.")],
        to: Annotated[Path, typer.Option("--to", help="The file to write, a .tar.gz; it must not be there yet.")],
    ) -> None:
        """Gather what helps to help, without secrets: versions, settings, status, ledger, store, log."""
        try:
            names = write(config, to)
        except OSError as error:
            typer.echo(f"stoep support-bundle: {to} cannot be written ({error.strerror}); name another file", err=True)
            raise typer.Exit(1) from None
        typer.echo(f"wrote {to}: {', '.join(names)}")
        typer.echo("It names your nodes and your broker's address. Look into it before you send it.")
