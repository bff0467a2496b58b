"""What is done with the journal alone, without a board: list, show, label, retire."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from stoep_field import folder as folders
from stoep_field.commands import telling
from stoep_field.commands.commission import seen_of
from stoep_field.commands.options import GATEWAY_CONFIG, TRAINING, Folder, Json, Ssh, Trained, home
from stoep_field.commission.one import record_of
from stoep_field.errors import FolderError
from stoep_field.papers import label, record
from stoep_field.papers.handing import ByCommand
from stoep_field.papers.journal import Board, Journal, Stage

_Name = Annotated[str, typer.Argument(help="A node's name, its kid, or what its label's QR code says.")]


def find(journal: Journal, said: str) -> Board:
    """Raises FolderError."""
    wanted = label.read(said)[0] if said.startswith("stoep:") else said
    board = journal.named(wanted)
    if board is None:
        raise FolderError(f"{said} is not in the journal of {journal.folder}", "`stoep node list` says what is")
    return board


def listed(*, folder: Folder = None, simulate: Trained = False, as_json: Json = False) -> None:
    """List the boards this laptop has had in hand, and how far each came."""
    journal = Journal(home(folder, simulate=simulate))
    boards = sorted(journal.all(), key=lambda board: (board.stage is Stage.RETIRED, board.name))
    if as_json:
        for board in boards:
            telling.as_json(seen_of(board, journal))
        return
    table = Table("node", "kind", "kid", "stage", "flashed", "tested")
    for board in boards:
        passed = board.tested.get("passed")
        tested = "-" if passed is None else "passed" if passed else "failed"
        table.add_row(board.name, board.kind, board.kid, board.stage.value, f"{board.flashings} ×", tested)
    Console().print(table)
    if not boards and (journal.folder / TRAINING).is_dir():
        typer.echo("none; those of the training: --simulate")


def show(name: _Name, *, folder: Folder = None, simulate: Trained = False, as_json: Json = False) -> None:
    """Show all that is known of one node, but for its secret; its test record's signature is checked."""
    journal = Journal(home(folder, simulate=simulate))
    board = find(journal, name)
    document = seen_of(board, journal)
    file = record_of(journal.folder / "records", board)
    if file.exists():
        document["record"], document["signed_by"] = str(file), record.check(file)[1]
    if as_json:
        telling.as_json(document)
        return
    tested = board.tested
    document["tested"] = (
        f"{'passed' if tested['passed'] else 'failed'} at {tested['at']}: {tested['note']}" if tested else ""
    )
    typer.echo(telling.shown(document))


def label_again(name: _Name, *, folder: Folder = None, simulate: Trained = False, as_json: Json = False) -> None:
    """Write a node's label again: PDF and PNG, 70 mm by 35 mm."""
    journal = Journal(home(folder, simulate=simulate))
    board = find(journal, name)
    files = label.write(board, journal.folder / "labels")
    if as_json:
        telling.as_json({"kid": board.kid, "files": list(map(str, files)), "says": label.text(board)})
        return
    for file in files:
        typer.echo(str(file))


def retire(
    name: _Name,
    *,
    gateway: Ssh = None,
    config: Annotated[str | None, typer.Option(help="The gateway's settings there, or here without --gateway.")] = None,
    folder: Folder = None,
    simulate: Trained = False,
    as_json: Json = False,
) -> None:
    """Take a node out of service: its board may become another one, its gateway believes it no more.

    With --gateway or --config the gateway is told at once; else the last line says what to say there.
    """
    journal = Journal(home(folder, simulate=simulate))
    board = find(journal, name)
    known = gateway or folders.site(journal.folder).gateway
    if known or config:
        before = ["ssh", "-o", "BatchMode=yes", known] if known else []
        ByCommand(before, config or GATEWAY_CONFIG, None).retire(board.kid)
    board.stage, board.secret = Stage.RETIRED, ""
    journal.keep(board)
    if as_json:
        telling.as_json(seen_of(board, journal))
        return
    typer.echo(f"{board.name} ({board.kid}) is retired.")
    if not (known or config or simulate):
        there = f"sudo stoep registry retire {board.kid} -c {GATEWAY_CONFIG}"
        typer.echo(f"The gateway believes it until you say there: {there}")
