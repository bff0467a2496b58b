"""`stoep bridge commission`: a bare board becomes the bridge on the gateway's USB port. It gets no keys."""

import time
from pathlib import Path
from typing import Annotated

import typer

from stoep.links.listening import hello
from stoep.links.port import PortError
from stoep.resources import firmware_dir
from stoep_field import folder as folders
from stoep_field.board.bench import Bench, simulated
from stoep_field.board.loader import Loader
from stoep_field.commands import telling
from stoep_field.commands.options import TRAINING, Channel, Folder, Image, Json, Port, the_port, usb
from stoep_field.errors import BoardError, FieldError
from stoep_field.image import image as images
from stoep_field.image.identity import BRIDGE, Identity

_HELP = "The bridge: the board on the gateway's USB port that passes frames between radio and gateway."
_BOOTS_S = 10.0


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help=_HELP, rich_markup_mode=None)
    group.callback()(lambda: None)  # a group, although it has one command
    group.command("commission")(telling.told(_commission))
    app.add_typer(group, name="bridge")


def _commission(
    *,
    channel: Channel = None,
    port: Port = None,
    image: Image = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="For training: a virtual board, real tools.")] = False,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Flash a board as a bridge, and wait for its hello.

    A spare one drops in: a bridge has no identity of its own.
    """
    home = folder or folders.default()
    site = folders.site(home)
    tuned = channel or site.channel
    if tuned is None:
        raise FieldError("the site's radio channel is not said", "give it with --channel: 1 to 13, the same for all")
    if simulate:
        bench = simulated(home / TRAINING / "bridge", BRIDGE, [""])
        try:
            found = _make(bench, the_port(bench, None), bench.image, tuned, as_json=as_json)
        finally:
            bench.close()
    else:
        chosen = image or (home / site.image if site.image else None)
        if chosen is None:
            raise FieldError("which MicroPython goes onto the board is not said", "give it with --image")
        usb_bench = usb([port] if port else None)
        found = _make(usb_bench, the_port(usb_bench, port), chosen, tuned, as_json=as_json)
    if as_json:
        telling.as_json(found)
    else:
        typer.echo(f"ok  bridge {found['mac']}, radio channel {found['channel']}; plug it into the gateway")


def _make(bench: Bench, port: str, image: Path, channel: int, *, as_json: bool) -> dict[str, object]:
    base = images.base(image, firmware_dir())
    whole = images.of_board(base, Identity(BRIDGE, channel), 0, {}, keeps_ring=False)
    with telling.Bars(quiet=as_json) as bars:
        bars(port, "looking", None)
        with Loader(bench, port) as loader:
            chip = loader.look()
            loader.write(whole, lambda share: bars(port, "flashing", share))
            bars(port, "reading back", None)
            loader.verify(whole)
        bars(port, "starting", None)
        bench.restart(port)
        until = time.monotonic() + _BOOTS_S
        said = None
        while said is None and time.monotonic() < until:
            try:
                said = hello(port, until - time.monotonic())
            except PortError as error:
                raise BoardError(str(error), "plug it in again, and say the command once more") from error
        bars(port, "done" if said else "silent", 1.0)
    if said is None:
        raise BoardError(
            f"the board at {port} is flashed but says no hello", "press EN; if it stays silent, flash it again"
        )
    return {"port": port, "mac": chip.mac.hex(":"), "channel": said.channel, "release": said.release}
