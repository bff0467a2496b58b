"""`stoep node doctor`: what is wrong on this laptop, and with the boards plugged into it."""

import typer
from rich.console import Console

from stoep.doctor.finding import Level
from stoep.doctor.showing import show
from stoep_field import folder as folders
from stoep_field.commands import telling
from stoep_field.commands.options import Folder, Json, Ports, usb
from stoep_field.doctor import examine


def doctor(*, port: Ports = None, folder: Folder = None, as_json: Json = False) -> None:
    """Look for what is wrong: programs, serial ports, cables, chips, what the boards say as they start.

    Each board is started anew for it; nothing on it is changed.
    """
    console = Console(highlight=False)
    troubles = 0
    for finding in examine(usb(port), folder or folders.default()):
        troubles += finding.level is Level.TROUBLE
        if as_json:
            telling.as_json(finding._asdict() | {"level": finding.level.name.lower()})
        else:
            show(console, finding)
    raise typer.Exit(1 if troubles else 0)
