"""What is done at a board that is plugged in: test it, read what it keeps, listen, change its settings."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Annotated, Any

import serial
import typer

from stoep_field import folder as folders
from stoep_field.board import selftest, trouble
from stoep_field.board.bench import Bench
from stoep_field.board.console import BAUD, Console
from stoep_field.commands import telling
from stoep_field.commands.options import Folder, Json, Port, Simulate, plugged, settings
from stoep_field.errors import BoardError, FieldError
from stoep_field.papers.journal import Board, Journal

_WHO = """import machine
print("mac", machine.unique_id().hex())
"""
_LOGS = """from node import crash, flash, identity
from node.life import Life
who, life = identity.load(flash.partition()), Life(flash.partition())
print("node=%s %s" % (who and who.kind, who and who.kid and who.kid.hex()))
print("epoch=%d\\nreserved=%d" % (life.epoch, life.reserved))
print("lost=%s" % life.lost())
print("crash=%s" % crash.last())
"""
_SETTINGS = """from node import flash, settings
from node.life import Life
if {changes!r}: settings.store(**{changes!r})
print("settings", settings.kept(Life(flash.partition())))
"""


@contextlib.contextmanager
def _visit(bench: Bench, port: str) -> Iterator[Console]:
    """Started anew and let in; afterwards its own life begins again."""
    bench.restart(port)
    try:
        with Console(bench, port) as console:
            console.visit()
            yield console
    finally:
        bench.restart(port)


def _mac(console: Console) -> bytes:
    said = console.run(_WHO).out.split()
    if len(said) < 2:  # noqa: PLR2004 -- "mac" and what it is
        raise BoardError(f"the board at {console.port} does not say its MAC", "commission it again")
    return bytes.fromhex(said[1])


def selftest_now(
    *, port: Port = None, folder: Folder = None, simulate: Simulate = False, as_json: Json = False
) -> None:
    """Test the board that is plugged in: each sensor, battery, radio. Its counters stay as they are."""
    with plugged(port, folder or folders.default(), simulate=simulate) as (bench, where, home):
        with _visit(bench, where) as console:
            mac = _mac(console)
            said = console.run(selftest.SCRIPT)
        board = Journal(home).of(mac)
    kind, kid = _who(said.out, board)
    result = selftest.judge(kind, kid, mac, said.out, said.failure)
    if as_json:
        telling.as_json(
            {
                "port": where,
                "mac": mac.hex(),
                "passed": result.passed,
                "checks": [one._asdict() for one in result.checks],
            }
        )
    else:
        for check in result.checks:
            typer.echo(f"{'ok' if check.passed else '!!'}  {check.about:<12} {check.words}")
            if check.remedy:
                typer.echo(f"      → {check.remedy}")
    raise typer.Exit(0 if result.passed else 1)


def _who(said: str, board: Board | None) -> tuple[str, str | None]:
    """As the journal knows it; of a board that it does not know, as it says itself."""
    if board is not None:
        return board.kind, board.kid
    words = dict(
        part.split("=", 1)
        for line in said.splitlines()
        if line.startswith("identity ")
        for part in line.split()
        if "=" in part
    )
    return words.get("kind", "bridge"), None if words.get("kid", "-") == "-" else words["kid"]


def logs(*, port: Port = None, folder: Folder = None, simulate: Simulate = False, as_json: Json = False) -> None:
    """What the board keeps of its life: last crash, epoch, losses, and what it says as it starts."""
    with (
        plugged(port, folder or folders.default(), simulate=simulate) as (bench, where, _),
        _visit(bench, where) as console,
    ):
        said = console.run(_LOGS)
        boot = console.log
    if said.failure:
        raise BoardError(f"the board at {where} has no logs: {said.failure.strip().splitlines()[-1]}", "commission it")
    if as_json:
        facts = dict(line.split("=", 1) for line in said.out.splitlines() if "=" in line)
        telling.as_json({"port": where, **{key: value.strip() for key, value in facts.items()}, "boot": boot})
        return
    typer.echo(said.out.replace("\r", "").strip())
    typer.echo(boot.replace("\r", "").strip())


def monitor(
    *,
    port: Port = None,
    seconds: Annotated[float | None, typer.Option("--for", help="End by itself after so many seconds.")] = None,
    folder: Folder = None,
    simulate: Simulate = False,
    as_json: Json = False,
) -> None:
    """Show what the board says, line by line, until Ctrl-C. The board is not disturbed."""
    with plugged(port, folder or folders.default(), simulate=simulate) as (_, where, _):
        _show(where, seconds, as_json=as_json)


def _show(where: str, seconds: float | None, *, as_json: bool) -> None:
    until = time.monotonic() + seconds if seconds is not None else None
    try:
        with serial.Serial(where, BAUD, timeout=0.2, exclusive=True) as opened:
            rest = b""
            while until is None or time.monotonic() < until:
                *lines, rest = (rest + opened.read(256)).split(b"\n")
                for line in lines:
                    words = line.decode(errors="replace").rstrip("\r")
                    telling.as_json({"port": where, "line": words}) if as_json else typer.echo(words)
    except OSError as error:
        raise trouble.port(where, error) from error


def change_settings(
    changes: Annotated[
        list[str] | None, typer.Argument(help="NAME=NUMBER, such as interval=600; none: only show.")
    ] = None,
    *,
    port: Port = None,
    folder: Folder = None,
    simulate: Simulate = False,
    as_json: Json = False,
) -> None:
    """Show or change the settings of the board that is plugged in.

    A node in service takes them from its gateway, too, and what that says last holds (`[node.settings]` in nodes.toml).
    """
    wanted = settings(changes or [])
    with plugged(port, folder or folders.default(), simulate=simulate) as (bench, where, home):
        with _visit(bench, where) as console:
            mac = _mac(console)
            said = console.run(_SETTINGS.format(changes=wanted))
        journal = Journal(home)
    if said.failure:
        raise FieldError(said.failure.strip().splitlines()[-1], "`stoep node settings --help`")
    if (board := journal.of(mac)) is not None and wanted:
        board.settings = {**board.settings, **wanted}
        journal.keep(board)
    _show_settings(said.out, where, as_json=as_json)


def _show_settings(said: str, where: str, *, as_json: bool) -> None:
    from stoep.wire.channels import catalogue

    names = {setting.id: setting.name for setting in catalogue().settings.values()}
    kept: dict[str, Any] = {}
    for part in said.partition("{")[2].partition("}")[0].split(","):
        key, _, value = part.partition(":")
        if value:
            kept[names.get(int(key), key)] = int(value)
    if as_json:
        telling.as_json({"port": where, "settings": kept})
    else:
        typer.echo(json.dumps(kept) if kept else "all as the firmware has them")
