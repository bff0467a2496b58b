"""One board, from its port to its papers. Whatever ends it, the same command begins with what is not yet done.

Before a flashing the new secret stands in the journal; a flashing that was cut short is done anew with another one, for
nobody knows whether the board has already sent under the first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stoep.registry import atomic
from stoep.registry.registry import read_settings
from stoep.wire import frame
from stoep_field.board import selftest
from stoep_field.board.bench import Bench
from stoep_field.board.console import Console
from stoep_field.board.loader import Loader
from stoep_field.commission.names import Names
from stoep_field.commission.seen import Seen
from stoep_field.errors import BoardError
from stoep_field.folder import Wifi
from stoep_field.image.identity import HEAD, Held, Identity, read
from stoep_field.image.image import Base, of_board
from stoep_field.image.layout import STOEP
from stoep_field.papers import label, record
from stoep_field.papers.handing import Way
from stoep_field.papers.journal import Board, Journal, Stage, renew

Tell = Callable[[str, float | None], None]
"""Hears what is being done, and how much of it."""

_BEFORE_FLASHED = (Stage.NAMED, Stage.FLASHING)


@dataclass(frozen=True)
class Plan:
    """What is the same for all boards of a run; `seen` None: no frame is waited for, and the record says so."""

    kind: str
    channel: int
    base: Base
    release: str
    names: Names
    journal: Journal
    way: Way
    signer: Ed25519PrivateKey
    seen: Seen | None = None
    site: str | None = None
    at: tuple[float, float] | None = None
    settings: Mapping[str, int] = field(default_factory=dict)
    wifi: Wifi | None = None
    again: bool = False  # flash what is done already, too


def commission(bench: Bench, port: str, plan: Plan, tell: Tell) -> Board:
    """Raises FieldError; the journal then says how far it came."""
    tell("looking", None)
    with Loader(bench, port) as loader:
        chip = loader.look()
        held = read(loader.read(STOEP.address, HEAD))
        board = plan.names.give(chip.mac, _kid(held, plan.kind))
        if board.stage is Stage.DONE and not plan.again:
            tell("done already", 1.0)
            bench.restart(port)
            return board
        if _must_flash(board, held, plan):
            _flash(loader, board, held, plan, tell)
    _test(bench, port, board, chip.mac, plan, tell)
    _hand(board, plan, tell)
    _see(bench, port, board, plan, tell)
    _write_papers(board, plan, tell)
    return board


def _kid(held: Held, kind: str) -> str | None:
    who = held.identity
    return who.kid.hex() if who is not None and who.kid is not None and who.kind == kind else None


def _must_flash(board: Board, held: Held, plan: Plan) -> bool:
    """Also when the board does not hold what the journal says it was given."""
    who = held.identity
    is_held = who is not None and who.secret is not None and fingerprint(who.secret) == board.fingerprint
    is_same = (board.firmware, board.micropython) == (plan.base.firmware, plan.base.micropython)
    return board.stage in _BEFORE_FLASHED or board.stage is Stage.DONE or not is_held or not is_same


def fingerprint(secret: bytes) -> str:
    return frame.fingerprint(secret).hex()


def _flash(loader: Loader, board: Board, held: Held, plan: Plan, tell: Tell) -> None:
    renew(board)
    board.fingerprint = fingerprint(bytes.fromhex(board.secret))
    board.firmware, board.micropython, board.release = plan.base.firmware, plan.base.micropython, plan.release
    board.at, board.settings = plan.at or board.at, {**board.settings, **plan.settings}
    plan.journal.keep(board)
    who = Identity(plan.kind, plan.channel, bytes.fromhex(board.kid), bytes.fromhex(board.secret), plan.wifi)
    is_own = held.identity is not None and held.identity.kid == who.kid
    settings = read_settings(plan.journal.folder, "settings", board.settings)
    image = of_board(plan.base, who, held.epoch if is_own else 0, settings, keeps_ring=is_own)
    tell("flashing", 0.0)
    loader.write(image, lambda share: tell("flashing", share))
    tell("reading back", None)
    loader.verify(image)
    board.stage = Stage.FLASHED
    plan.journal.keep(board)


def _test(bench: Bench, port: str, board: Board, mac: bytes, plan: Plan, tell: Tell) -> None:
    tell("starting", None)
    bench.restart(port)
    with Console(bench, port) as console:
        console.visit()
        tell("testing", None)
        said = console.run(selftest.SCRIPT)
    result = selftest.judge(plan.kind, board.kid, mac, said.out, said.failure)
    board.tested = {
        "passed": result.passed,
        "at": result.at,
        "note": result.note(),
        "checks": [check._asdict() for check in result.checks],
    }
    plan.journal.keep(board)
    if not result.passed:
        first = result.failed()[0]
        raise BoardError(f"{first.about} {first.words}", first.remedy or "say the same command again")
    if board.stage is Stage.FLASHED:
        board.stage = Stage.TESTED
        plan.journal.keep(board)


def _hand(board: Board, plan: Plan, tell: Tell) -> None:
    if board.stage is Stage.HANDED:
        return
    tell("handing over", None)
    board.handed = plan.way.hand(board)
    board.stage = Stage.HANDED
    plan.journal.keep(board)


def _see(bench: Bench, port: str, board: Board, plan: Plan, tell: Tell) -> None:
    if plan.seen is not None:
        tell("waiting for a frame", None)
        plan.seen.expect(board)
    bench.restart(port)
    board.tested["frame"] = plan.seen.wait(board) if plan.seen is not None else "not waited for"


def _write_papers(board: Board, plan: Plan, tell: Tell) -> None:
    tell("writing its papers", None)
    label.write(board, plan.journal.folder / "labels")
    folder = plan.journal.folder / "records"
    atomic.make_folder(folder)
    atomic.replace(record_of(folder, board), record.sign(_record(board, plan), plan.signer), 0o644)
    board.secret = ""  # the gateway has it, and the board
    board.stage = Stage.DONE
    plan.journal.keep(board)


def record_of(folder: Path, board: Board) -> Path:
    return folder / f"{board.name}-{board.kid}.json"


def _record(board: Board, plan: Plan) -> dict[str, Any]:
    return {
        "node": board.name,
        "kid": board.kid,
        "kind": board.kind,
        "mac": board.mac,
        "place": board.place,
        "site": plan.site,
        "release": board.release,
        "firmware_sha256": board.firmware,
        "micropython": plan.base.version,
        "micropython_sha256": board.micropython,
        "flashed": board.made_at,
        "test": board.tested,
    }
