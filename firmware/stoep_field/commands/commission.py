"""`stoep node commission` and `swap`: what one command needs to know before it takes boards in hand."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pyrage
import typer

from stoep.registry.registry import read_settings
from stoep.resources import firmware_dir
from stoep_field import folder as folders
from stoep_field.board.bench import Bench, simulated
from stoep_field.commands import telling
from stoep_field.commands.options import GATEWAY_CONFIG, usb
from stoep_field.commission.many import Outcome, Run, settled
from stoep_field.commission.names import Named, Names
from stoep_field.commission.one import Plan
from stoep_field.commission.seen import AtBridge, AtGateway, Seen
from stoep_field.errors import FieldError
from stoep_field.image import image as images
from stoep_field.image.code import release
from stoep_field.papers import record
from stoep_field.papers.handing import ByCommand, ByFile, Way
from stoep_field.papers.journal import Board, Journal

_IMPORT = f"    sudo stoep registry import FILE -c {GATEWAY_CONFIG}"
_NO_IMAGE = "give it with --image; the file is from micropython.org, a field kit, or `mpflash download`"


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line; None: what `field.toml` says."""

    kind: str
    names: Sequence[Named]
    folder: Path  # with `simulate`, training's
    ports: list[str] | None = None
    at: tuple[float, float] | None = None
    image: Path | None = None
    channel: int | None = None
    gateway_key: str | None = None
    gateway: str | None = None
    config: str | None = None
    bridge: str | None = None
    unseen: bool = False
    settings: dict[str, int] | None = None
    patience: float = 60.0
    again: bool = False
    simulate: bool = False
    faults: Sequence[str] = ()
    replacing: Board | None = None


def commission(wish: Wish, *, as_json: bool) -> None:
    """Raises FieldError, typer.Exit(1) unless all boards passed."""
    with ExitStack() as stack:
        journal = Journal(wish.folder)
        bench, wish = _bench(wish, stack)
        plan = _plan(wish, journal, stack)
        with telling.Bars(quiet=as_json) as bars:
            outcomes = Run(bench, plan, len(wish.names), wish.patience, bars).run()
    _tell(outcomes, journal, wish, as_json=as_json)
    raise typer.Exit(0 if settled(outcomes) else 1)


def _bench(wish: Wish, stack: ExitStack) -> tuple[Bench, Wish]:
    if not wish.simulate:
        return usb(wish.ports, (wish.bridge,)), wish
    faults = [*wish.faults, *[""] * (len(wish.names) - len(wish.faults))]
    bench = simulated(wish.folder / "bench", wish.kind, faults)
    stack.callback(bench.close)
    patience = min(wish.patience, 5.0)
    key = wish.gateway_key or str(pyrage.x25519.Identity.generate().to_public())  # nobody will open these hand-overs
    return bench, replace(wish, image=bench.image, bridge=bench.bridge, channel=6, gateway_key=key, patience=patience)


def _plan(wish: Wish, journal: Journal, stack: ExitStack) -> Plan:
    site = folders.site(wish.folder)
    image = wish.image or (wish.folder / site.image if site.image else None)
    if image is None:
        raise FieldError("which MicroPython goes onto the boards is not said", _NO_IMAGE)
    channel = wish.channel or site.channel
    if channel is None:
        raise FieldError("the site's radio channel is not said", "give it with --channel, the bridge's: `stoep status`")
    settings = {**site.settings, **(wish.settings or {})}
    read_settings(wish.folder / folders.SETTINGS, "settings", settings)
    wifi = _wifi(wish, settings)
    way = _way(wish, site)
    names = Names(wish.names, wish.kind, journal, wish.replacing)
    signer = record.key(journal.folder)
    base = images.base(image, firmware_dir())
    return Plan(
        kind=wish.kind,
        channel=channel,
        base=base,
        release=release(firmware_dir()),
        names=names,
        journal=journal,
        way=way,
        signer=signer,
        seen=_seen(wish, way, channel, stack),
        site=site.site,
        at=wish.at,
        settings=settings,
        wifi=wifi,
        again=wish.again,
    )


def _wifi(wish: Wish, settings: Mapping[str, int]) -> folders.Wifi | None:
    known = folders.wifi(wish.folder) if wish.kind == "lamppost" else None
    if known is None and settings.get("link"):
        where = wish.folder / folders.WIFI
        raise FieldError("the setting link=1 needs an account", f"write {where}: network, key, host; lampposts only")
    if wish.bridge is not None and settings.get("link"):
        remedy = "say --gateway USER@HOST or --unseen, or have the gateway set link=1 later"
        raise FieldError("a bridge hears nothing of a lamppost on Wi-Fi", remedy)
    return known


def _way(wish: Wish, site: folders.Site) -> Way:
    gateway, key = wish.gateway or site.gateway, wish.gateway_key or site.gateway_key
    if wish.gateway_key is None and (gateway or wish.config):
        before = ["ssh", "-o", "BatchMode=yes", gateway] if gateway else []
        return ByCommand(before, wish.config or GATEWAY_CONFIG, site.site)
    if key is None:
        remedy = "give --gateway-key (`stoep registry key` on the gateway prints it) or --gateway USER@HOST"
        raise FieldError("for which gateway is not said", remedy)
    return ByFile(wish.folder / "handover", key, site.site)


def _seen(wish: Wish, way: Way, channel: int, stack: ExitStack) -> Seen | None:
    seen: Seen
    if wish.bridge is not None:
        at_bridge = AtBridge(wish.bridge)
        stack.callback(at_bridge.close)
        if at_bridge.channel != channel:
            words = f"the bridge at {wish.bridge} listens on radio channel {at_bridge.channel}, the nodes get {channel}"
            raise FieldError(words, "one of the two is not the site's: correct --channel, or take the site's bridge")
        return at_bridge
    if isinstance(way, ByCommand):
        seen = AtGateway(way)
        return seen
    if wish.unseen:
        return None
    remedy = "give a bridge on this laptop (--bridge PORT) or the gateway (--gateway USER@HOST), or say --unseen"
    raise FieldError("nobody is there to hear a node's first frame", remedy)


def _tell(outcomes: Sequence[Outcome], journal: Journal, wish: Wish, *, as_json: bool) -> None:
    for outcome in outcomes:
        if as_json:
            telling.as_json(_document(outcome, journal))
        elif outcome.board is not None:
            board = outcome.board
            typer.echo(
                f"ok  {board.name} ({board.kid}): {board.tested.get('frame')}; {journal.folder}/labels/{board.name}.pdf"
            )
        else:
            assert outcome.error is not None
            where = outcome.port.rsplit("/", 1)[-1] + ": " if outcome.port else ""
            typer.echo(f"!!  {where}{outcome.error.words}\n      → {outcome.error.remedy}")
    if as_json:
        return
    if wish.simulate:
        typer.echo(f"For training: all of it lies in {journal.folder}; nothing of it belongs on a gateway")
        return
    carried = [
        outcome.board for outcome in outcomes if outcome.board is not None and outcome.board.handed.endswith(".age")
    ]
    if carried:
        typer.echo(f"Carry {journal.folder}/handover/ to the gateway; there, for each file:\n{_IMPORT}")
    for board in carried:
        if board.replaces:
            typer.echo(f"Before {board.handed}:\n    sudo stoep registry retire {board.replaces} -c {GATEWAY_CONFIG}")


def _document(outcome: Outcome, journal: Journal) -> dict[str, object]:
    document: dict[str, object] = {"port": outcome.port, "passed": outcome.passed}
    if outcome.board is not None:
        document |= seen_of(outcome.board, journal)
    if outcome.error is not None:
        document |= {"problem": outcome.error.words, "remedy": outcome.error.remedy}
    return document


def seen_of(board: Board, journal: Journal) -> dict[str, object]:
    """What may be seen of a board: all but its secret."""
    document = json.loads(json.dumps({name: getattr(board, name) for name in board.__struct_fields__}))
    del document["secret"]
    document["label"] = str(journal.folder / "labels" / f"{board.name}.pdf")
    found: dict[str, object] = document
    return found
