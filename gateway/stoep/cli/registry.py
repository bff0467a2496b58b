"""`stoep registry`: who belongs to the site. Each command edits the two files; the running service reads them again."""

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer
from rich.console import Console
from rich.table import Table

from stoep import settings
from stoep.errors import PermanentError, RegistryError, SettingsError
from stoep.registry import atomic, enrol, handover, registry
from stoep.wire.channels import catalogue

_HELP = """Who belongs to the site: nodes come in by hand-over file and go out by name.

Whoever commissions a node seals a hand-over file for this gateway, whose recipient `stoep registry key` prints; `stoep
registry import FILE` takes it in. A running gateway reads the registry again by itself.
"""
_IN_FORCE = "A running gateway acts on it within ten seconds."
_Args = ParamSpec("_Args")
_Config = Annotated[Path, typer.Option("--config", "-c", help="The gateway's settings, a TOML file.")]
_Json = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]
_Ask = Annotated[bool, typer.Option("--passphrase", help="Ask for the passphrase.")]
_From = Annotated[
    Path | None, typer.Option("--passphrase-file", help="The passphrase is this file's first line; mode 0600.")
]


def _told(command: Callable[_Args, None]) -> Callable[_Args, None]:
    """What is wrong is one line and an exit code, no traceback."""

    @wraps(command)
    def told(*args: _Args.args, **kwargs: _Args.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except PermanentError as error:
            typer.echo(f"stoep registry: {error}", err=True)
            raise typer.Exit(error.exit_code) from None

    return told


def _files(config: Path) -> tuple[settings.Settings, enrol.Files]:
    chosen = settings.load(config)
    paths = chosen.path(chosen.registry.nodes), chosen.secret(chosen.registry.secrets)
    return chosen, enrol.Files(*paths, chosen.site.placed)


def _known(config: Path) -> tuple[settings.Settings, registry.Known]:
    chosen, files = _files(config)
    return chosen, registry.load(files.nodes, files.secrets, placed=files.placed)


def _document(entry: registry.Entry, known: registry.Known) -> dict[str, Any]:
    """What may be seen of a node: all but its secrets."""
    names = {setting.id: setting.name for setting in catalogue().settings.values()}
    return {
        "kid": entry.kid.hex(),
        "name": entry.name,
        "kind": entry.kind,
        "at": entry.at,
        "place": entry.place,
        "groups": [g.name for g in known.groups.values() if any(lamp.kid == entry.kid for lamp in g.lamps)],
        "settings": {names[number]: value for number, value in entry.settings.items()},
        "release": entry.release,
        "made_at": None if entry.made_at is None else entry.made_at.isoformat().replace("+00:00", "Z"),
        "rotating": entry.old is not None,
    }


def _where(document: dict[str, Any]) -> str:
    at = document["at"]
    spot = None if at is None else f"{at[0]:.5f}, {at[1]:.5f}"
    return " · ".join(part for part in (document["place"], spot) if part)


def _passphrase(*, ask: bool, file: Path | None, confirm: bool = False) -> str | None:
    if file is not None:
        settings.require_private(file)
        try:
            first = file.read_text(encoding="utf-8").splitlines()[0]
        except (OSError, UnicodeDecodeError, IndexError) as error:
            raise SettingsError(file, "", "holds no passphrase", "write it into the first line") from error
        return first
    if ask:
        return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True))
    return None


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help=_HELP, rich_markup_mode=None)
    for name, command in _COMMANDS.items():
        group.command(name)(_told(command))
    app.add_typer(group, name="registry")


def _list(config: _Config, *, as_json: _Json = False) -> None:
    """List the nodes of the site: name, kind, kid, where they stand, their lamp group."""
    _, known = _known(config)
    documents = [_document(entry, known) for entry in sorted(known.nodes.values(), key=lambda entry: entry.name)]
    if as_json:
        typer.echo(json.dumps(documents, ensure_ascii=False, indent=2))
        return
    table = Table("node", "kind", "kid", "place", "group", "secret")
    for one in documents:
        secret = "two: new and old" if one["rotating"] else "one"
        table.add_row(one["name"], one["kind"], one["kid"], _where(one), ", ".join(one["groups"]), secret)
    Console().print(table)
    typer.echo(f"nodes: {len(documents)}, lamp groups: {len(known.groups)}")
    for kid in enrol.orphans(_files(config)[1], known):
        typer.echo(f"warning: {kid} is no node but has a secret; `stoep registry retire {kid}` deletes it", err=True)


def _show(
    name: Annotated[str, typer.Argument(help="A node's name or kid.")], config: _Config, *, as_json: _Json = False
) -> None:
    """Show all that is known of one node, but for its secret."""
    _, known = _known(config)
    document = _document(enrol.find(known, name), known)
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    rotating = "two: the new one, and the old one until the node uses the new" if document["rotating"] else "one"
    rows = {**document, "at": _where({**document, "place": None}), "groups": ", ".join(document["groups"])}
    rows["settings"] = ", ".join(f"{key} = {value}" for key, value in document["settings"].items()) or "as commissioned"
    rows |= {"secret": rotating}
    del rows["rotating"]
    table = Table(show_header=False, box=None)
    for key, value in rows.items():
        table.add_row(key.replace("_", " "), str(value or "-"))
    Console().print(table)


def _key(config: _Config) -> None:
    """Print the recipient for whom hand-over files to this gateway are sealed; make its key if there is none."""
    chosen, _ = _files(config)
    typer.echo(handover.load_key(chosen.path(chosen.registry.key)).to_public())


def _import(
    file: Annotated[Path, typer.Argument(help="The hand-over file.")],
    config: _Config,
    *,
    ask: _Ask = False,
    passphrase_file: _From = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
) -> None:
    """Take nodes in from a hand-over file, all of them or none.

    The file is opened with this gateway's key (see `stoep registry key`) or with a passphrase. A node that is known
    already gets a second, newer secret; the old one lives until the node uses the new. The same file again changes
    nothing.
    """
    chosen, files = _files(config)
    passphrase = _passphrase(ask=ask, file=passphrase_file)
    if passphrase is None:
        handed = handover.open_with_key(file, chosen.path(chosen.registry.key))
    else:
        handed = handover.open_with_passphrase(file, passphrase)
    with enrol.editing(files) as draft:
        changes = draft.put(handed)
        if not dry_run:
            draft.write()
    for change in changes:
        typer.echo(f"{change.what} {change.name}: {change.outcome.value}")
    for node in handed.nodes:
        if node.test is not None and not node.test.passed:
            why = node.test.note or "no reason given"
            typer.echo(f"warning: {node.name} did not pass its self-test: {why}", err=True)
    typer.echo("Nothing was written (--dry-run)." if dry_run else _IN_FORCE)


def _export(
    file: Annotated[Path, typer.Argument(help="The hand-over file to make; must not be there yet.")],
    config: _Config,
    names: Annotated[list[str] | None, typer.Argument(help="Nodes by name or kid; none: all of them.")] = None,
    *,
    to: Annotated[list[str] | None, typer.Option("--to", help="A recipient, age1…; may be given again.")] = None,
    ask: _Ask = False,
    passphrase_file: _From = None,
) -> None:
    """Write nodes with their secrets into an encrypted hand-over file, for another gateway or to keep safe.

    It is sealed for whom --to names (`stoep registry key` on the other gateway says it), or with a passphrase.
    """
    chosen, known = _known(config)
    passphrase = _passphrase(ask=ask, file=passphrase_file, confirm=True)
    if bool(to) == (passphrase is not None):
        raise RegistryError("for whom? say either --to age1…, or --passphrase, or --passphrase-file FILE")
    handed = enrol.hand_over(known, names or [], chosen.site.name)
    if file.exists():
        raise SettingsError(file, "", "is there already", "name another file")
    try:
        sealed = handover.seal_for_all_who_know(handed, passphrase) if passphrase else handover.seal(handed, to or [])
        atomic.replace(file, sealed)
    except ValueError as error:
        raise RegistryError(f"--to {error}") from None
    except OSError as error:
        raise SettingsError(file, "", f"cannot be written ({error.strerror})", "name another place") from error
    typer.echo(f"{file}: sealed; nodes: {len(handed.nodes)}, lamp groups: {len(handed.groups)}")


def _retire(
    name: Annotated[str, typer.Argument(help="A node's name or kid.")],
    config: _Config,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Believe a node no more: it leaves the registry and its lamp group, and its secret is deleted.

    What it has told stays. To come back it is commissioned again.
    """
    _, files = _files(config)
    with enrol.editing(files) as draft:
        gone = draft.retire(name)
        if not yes:
            typer.confirm(f"Retire {gone.name} ({gone.kid}) and delete its secret?", abort=True, err=True)
        draft.write()
    typer.echo(f"{gone.name} ({gone.kid}) is retired. {_IN_FORCE}")
    for group in gone.leaving:
        typer.echo(f"The lamps of {group} take a new key with their next report.")
    for group in gone.ended:
        typer.echo(f"One lamp is no group: {group} is gone, too.")


_COMMANDS: dict[str, Callable[..., None]] = {
    "list": _list,
    "show": _show,
    "key": _key,
    "import": _import,
    "export": _export,
    "retire": _retire,
}
