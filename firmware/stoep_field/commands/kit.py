"""`stoep field-kit`: everything for a laptop that will have no internet."""

from pathlib import Path
from typing import Annotated

import typer

from stoep_field import kit
from stoep_field.commands import options, telling

_HELP = (
    "A folder with all that commissioning needs: programs, MicroPython, the site, guides. Made online, used offline."
)


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help=_HELP, rich_markup_mode=None)
    group.command("build")(telling.told(_build))
    group.command("check")(telling.told(_check))
    app.add_typer(group, name="field-kit")


def _build(
    folder: Annotated[Path, typer.Argument(help="The folder to make; it must be empty or not there.")],
    image: Annotated[Path, typer.Option(help="MicroPython's image, ESP32_GENERIC-….bin, 1.28 or later.")],
    *,
    site: Annotated[str | None, typer.Option(help="The site's name.")] = None,
    channel: options.Channel = None,
    gateway_key: options.GatewayKey = None,
    wheel: Annotated[Path | None, typer.Option(help="The stoep wheel [default: made from this checkout].")] = None,
    training: Annotated[bool, typer.Option(help="With the virtual boards, to try it.")] = True,
    as_json: options.Json = False,
) -> None:
    """Gather wheels for this kind of machine, the image, the guides and the site into one folder with checksums.

    The image comes from micropython.org or by `mpflash download --board ESP32_GENERIC`. Wheels are those of this
    laptop's Python and processor: make the kit on a machine like the one that will use it.
    """
    made = kit.build(
        folder,
        image,
        site=site,
        channel=channel,
        gateway_key=gateway_key,
        wheel=wheel,
        training=training,
        tell=_say(as_json),
    )
    if as_json:
        telling.as_json({"folder": str(folder), "files": made})
    else:
        typer.echo(f"{folder}: {made} files. On the laptop: sh {folder.name}/install")


def _check(folder: Annotated[Path, typer.Argument(help="A field kit.")], *, as_json: options.Json = False) -> None:
    """Compare every file of a kit with its checksum."""
    count = kit.check(folder)
    telling.as_json({"folder": str(folder), "files": count}) if as_json else typer.echo(
        f"{folder}: {count} files, all whole"
    )


def _say(quiet: bool) -> kit.Tell:
    return (lambda _: None) if quiet else (lambda words: typer.echo(words, err=True))
