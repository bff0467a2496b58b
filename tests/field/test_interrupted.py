"""The tool is killed at every step of one board: said again, the command does the rest, and no secret serves twice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from field_rig import NOBODY, Table
from stoep_field.board.loader import Loader
from stoep_field.commission.names import Names, named
from stoep_field.commission.one import Plan, commission
from stoep_field.commission.seen import AtBridge
from stoep_field.errors import BoardError
from stoep_field.image.identity import read
from stoep_field.image.image import Image
from stoep_field.image.layout import STOEP
from stoep_field.papers import record
from stoep_field.papers.handing import ByFile
from stoep_field.papers.journal import Board, Stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]
CUTS = (
    ("looking", Stage.NAMED),
    ("flashing", Stage.FLASHING),
    ("half flashed", Stage.FLASHING),
    ("reading back", Stage.FLASHING),
    ("starting", Stage.FLASHED),
    ("testing", Stage.FLASHED),
    ("handing over", Stage.TESTED),
    ("waiting for a frame", Stage.HANDED),
    ("writing its papers", Stage.HANDED),
)


class Killed(BaseException):
    """As a SIGKILL: nobody catches it."""


def test_killed_at_each_step_it_goes_on_and_no_counter_begins_anew_under_an_old_secret(
    table: Callable[..., Table], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = table("")
    flashed: list[bytes | None] = []
    write = Loader.write

    def watched(loader: Loader, image: Image, progress: Callable[[float], None]) -> None:
        identity = read(image.segments[-1].data).identity
        flashed.append(identity.secret if identity else None)
        write(loader, image, progress)

    monkeypatch.setattr(Loader, "write", watched)
    seen = AtBridge(own.bench.bridge)
    kids = set()
    try:
        for cut, stage in CUTS:
            with pytest.raises(Killed):
                once(own, seen, cut)
            known = list(own.journal.all())
            kids |= {board.kid for board in known}
            assert [board.stage for board in known] == ([] if cut == "looking" else [stage]), cut
        board = once(own, seen, "never")
        assert board.stage is Stage.DONE
        # Cut half way, and while it was read back: each time anew. From then on the board is left alone.
        assert once(own, seen, "never") == board
        assert len(flashed) == 3
        with pytest.raises(BoardError, match="this board is bin-1"):
            once(own, seen, "never", name="bin-2")
        anew = once(own, seen, "never", again=True)
    finally:
        seen.close()
    assert kids == {board.kid} == {anew.kid}
    assert anew.fingerprint != board.fingerprint
    assert len(flashed) == len(set(flashed)) == 4
    assert None not in flashed
    held = read((tmp_path / "bench/boards/board-1/flash.bin").read_bytes()[STOEP.address :])
    assert held.epoch > 2  # its lives go on being counted, and what it held stays


def once(own: Table, seen: AtBridge, cut: str, *, name: str = "bin-1", again: bool = False) -> Board:
    def tell(step: str, share: float | None) -> None:
        if step == cut or (cut == "half flashed" and step == "flashing" and share is not None and share > 0.5):
            raise Killed

    plan: Any = Plan(
        kind="bin",
        channel=6,
        base=own.base,
        release="0.1.0",
        names=Names([named(name)], "bin", own.journal),
        journal=own.journal,
        way=ByFile(own.folder / "handover", str(NOBODY.to_public()), None),
        signer=record.key(own.folder),
        seen=seen,
        again=again,
    )
    return commission(own.bench, own.port(1), plan, tell)
