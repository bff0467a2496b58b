"""What several commands ask for, in the same words."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from stoep.errors import SettingsError
from stoep.registry.registry import read_settings
from stoep_field import folder as folders
from stoep_field.board.bench import Bench, UsbBench, simulated
from stoep_field.errors import FieldError

Folder = Annotated[
    Path | None, typer.Option(help="The working folder: journal, labels, records [default: ~/stoep-field].")
]
Json = Annotated[bool, typer.Option("--json", help="For programs: a line of JSON for each board.")]
Ports = Annotated[
    list[str] | None, typer.Option("--port", help="A serial port, or auto: any adapter of a board; may be given again.")
]
Port = Annotated[str | None, typer.Option("--port", help="A serial port; none: the only one there is.")]
Image = Annotated[Path | None, typer.Option(help="MicroPython's image, ESP32_GENERIC-….bin, 1.28 or later.")]
Channel = Annotated[int | None, typer.Option(min=1, max=13, help="The site's radio channel.")]
GatewayKey = Annotated[
    str | None,
    typer.Option(help="Seal the hand-over files for this gateway: age1…, as `stoep registry key` prints it."),
]
Ssh = Annotated[str | None, typer.Option("--gateway", help="Hand over by SSH at once: USER@HOST of the gateway.")]
Config = Annotated[str, typer.Option(help="The gateway's settings there, or here without --gateway.")]
BridgePort = Annotated[str | None, typer.Option("--bridge", help="A bridge on this laptop that hears the first frame.")]
Simulate = Annotated[bool, typer.Option("--simulate", help="For training: virtual boards, real tools.")]
Trained = Annotated[bool, typer.Option("--simulate", help="Of the training boards.")]
Faults = Annotated[
    str,
    typer.Option(
        help="With --simulate: what is wrong with each board, such as ',charge-only,sensor'; empty: none. Also "
        "wrong-chip, pulled, brown-out, strapped."
    ),
]
_AUTO = "auto"
_POLE = 90  # degrees
GATEWAY_CONFIG = "/etc/stoep/gateway.toml"


def at(said: str | None) -> tuple[float, float] | None:
    """LAT,LON in degrees. Raises FieldError."""
    if said is None:
        return None
    try:
        latitude, longitude = map(float, said.split(","))
    except ValueError:
        latitude = longitude = 1000.0
    if abs(latitude) > _POLE or abs(longitude) > 2 * _POLE:
        raise FieldError(f"--at {said} is no place", "write degrees north and east, such as 50.8467,4.3525")
    return latitude, longitude


def settings(said: list[str]) -> dict[str, int]:
    """`name=number` each. Raises FieldError."""
    found: dict[str, int] = {}
    for one in said:
        name, _, value = one.partition("=")
        try:
            found[name] = int(value)
            read_settings(Path(folders.SETTINGS), "settings", {name: found[name]})
        except ValueError:
            raise FieldError(f"{one!r} is no setting", "write NAME=NUMBER, such as interval=600") from None
        except SettingsError as error:
            raise FieldError(f"{one!r} {error.problem}", error.remedy) from None
    return found


def usb(ports: list[str] | None, others: tuple[str | None, ...] = ()) -> UsbBench:
    """The laptop's own ports."""
    named = [port for port in ports or () if port != _AUTO]
    return UsbBench(named, [other for other in others if other])


TRAINING = "training"  # below the working folder: its boards, journal and papers are not those of the street


def home(folder: Path | None, *, simulate: bool) -> Path:
    """The working folder that is meant."""
    chosen = folder or folders.default()
    return chosen / TRAINING if simulate else chosen


@contextlib.contextmanager
def plugged(port: str | None, folder: Path, *, simulate: bool) -> Iterator[tuple[Bench, str, Path]]:
    """The board that is meant: (bench, port, working folder). Raises FieldError."""
    if not simulate:
        bench = usb([port] if port else None)
        yield bench, the_port(bench, port), folder
        return
    folder /= TRAINING
    virtual = simulated(folder / "bench")
    try:
        yield virtual, the_port(virtual, port and str((folder / "bench" / "ports").resolve() / port)), folder
    finally:
        virtual.close()


def the_port(bench: Bench, named: str | None) -> str:
    """The one that is meant. Raises FieldError."""
    found = [port for port, _ in bench.ports()]
    if named is not None and named in found:
        return named
    if named is not None:
        raise FieldError(f"{named} is not there", "plug the board in; `stoep node doctor` says what is seen")
    if len(found) != 1:
        words = "no board is plugged in" if not found else f"several boards are plugged in: {', '.join(found)}"
        raise FieldError(
            words, "plug it in, with a cable that has data lines" if not found else "say which with --port"
        )
    return found[0]
