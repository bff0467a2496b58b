"""`stoep node`: what a technician does with nodes, on the bench and on the tailgate."""

from collections.abc import Callable
from typing import Annotated, Literal

import typer

from stoep_field.commands import at_board, commission, office, options
from stoep_field.commands.examine import doctor
from stoep_field.commands.telling import told
from stoep_field.commission.names import named
from stoep_field.errors import FieldError
from stoep_field.papers.journal import Journal, Stage

_HELP = """Nodes: commission them, test them, swap and retire them.

What is known of each board that this laptop has had in hand is in the working folder (--folder). Try it without a
board: stoep node commission --simulate --kind bin --name "Grote Markt 3"
"""
_Name = Annotated[str, typer.Argument(help="A node's name, its kid, or what its label's QR code says.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help=_HELP, rich_markup_mode=None)
    commands: dict[str, Callable[..., None]] = {
        "commission": _commission,
        "swap": _swap,
        "list": office.listed,
        "show": office.show,
        "label": office.label_again,
        "retire": office.retire,
        "selftest": at_board.selftest_now,
        "logs": at_board.logs,
        "monitor": at_board.monitor,
        "settings": at_board.change_settings,
        "doctor": doctor,
    }
    for name, command in commands.items():
        group.command(name)(told(command))
    app.add_typer(group, name="node")


def _commission(
    kind: Annotated[Literal["bench", "bin", "lamppost"], typer.Option(help="What the boards shall be.")],
    name: Annotated[
        list[str], typer.Option(help='Such as "Grote Markt 3"; given again: as many boards, side by side.')
    ],
    *,
    at: Annotated[str | None, typer.Option(help="Where it stands: LAT,LON in degrees.")] = None,
    port: options.Ports = None,
    image: options.Image = None,
    channel: options.Channel = None,
    gateway_key: options.GatewayKey = None,
    gateway: options.Ssh = None,
    config: Annotated[str | None, typer.Option(help="The gateway's settings there, or here without --gateway.")] = None,
    bridge: options.BridgePort = None,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Do not wait for a first frame; the record says so.")
    ] = False,
    setting: Annotated[list[str] | None, typer.Option("--set", help="NAME=NUMBER, such as interval=600.")] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the next board to be plugged in.")] = 60.0,
    again: Annotated[bool, typer.Option("--again", help="Flash boards that are done already, too.")] = False,
    simulate: options.Simulate = False,
    faults: options.Faults = "",
    folder: options.Folder = None,
    as_json: options.Json = False,
) -> None:
    """From bare boards to tested nodes that the gateway knows: flash, test, hand over, label.

    Plug the boards in; more may follow while the first are at work. Said again, the same command finishes what was
    interrupted. Each flashing makes a new secret; it goes to the board by USB and to the gateway sealed.
    """
    wish = commission.Wish(
        kind=kind,
        names=[named(one) for one in name],
        folder=options.home(folder, simulate=simulate),
        ports=port,
        at=options.at(at),
        image=image,
        channel=channel,
        gateway_key=gateway_key,
        gateway=gateway,
        config=config,
        bridge=bridge,
        unseen=unseen,
        settings=options.settings(setting or []),
        patience=wait,
        again=again,
        simulate=simulate,
        faults=faults.split(",") if faults else [],
    )
    if at is not None and len(name) > 1:
        raise FieldError("--at is one place, and several names are given", "commission that one by itself")
    commission.commission(wish, as_json=as_json)


def _swap(
    old: _Name,
    *,
    port: options.Ports = None,
    image: options.Image = None,
    channel: options.Channel = None,
    gateway_key: options.GatewayKey = None,
    gateway: options.Ssh = None,
    config: Annotated[str | None, typer.Option(help="The gateway's settings there, or here without --gateway.")] = None,
    bridge: options.BridgePort = None,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Do not wait for a first frame; the record says so.")
    ] = False,
    simulate: options.Simulate = False,
    folder: options.Folder = None,
    as_json: options.Json = False,
) -> None:
    """Give a new board the name, place and settings of an old one, and retire that.

    The new one gets an identity and a secret of its own. What the old one still holds is lost with it: if it works, let
    it report first.
    """
    chosen = options.home(folder, simulate=simulate)
    board = office.find(Journal(chosen), old)
    is_begun = bool(board.replaces) and board.stage is not Stage.DONE
    used = len(list((chosen / "bench" / "boards").glob("board-*"))) - is_begun if simulate else 0
    wish = commission.Wish(
        kind=board.kind,
        names=[named(board.name)._replace(place=board.place)],
        folder=chosen,
        ports=port,
        image=image,
        channel=channel,
        gateway_key=gateway_key,
        gateway=gateway,
        config=config,
        bridge=bridge,
        unseen=unseen,
        simulate=simulate,
        faults=[*["charge-only"] * used, ""],  # training: a new board lies on the bench, the others away from it
        replacing=None if is_begun else board,
    )
    commission.commission(wish, as_json=as_json)
