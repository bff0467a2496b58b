"""Stores that older releases left behind, made by their own code, opened by this one. `databases/NNNN.db` has schema N.

In each: a window delivered, one in the outbox with an event, a declared loss, a sample that is in the log only.
"""

import shutil
from pathlib import Path

import pytest

from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock, sample
from stoep.store.migrate import newest
from stoep.store.windows import SECONDS
from stoep.wire.messages import Alarm, Place

DATABASES = Path(__file__).parent / "databases"
RELEASED = sorted(int(file.stem) for file in DATABASES.glob("*.db"))
NEVER = {3, 4, 5, 6}  # no gateway had them but while they were written
SECRET = bytes(range(32))


@pytest.mark.parametrize("version", RELEASED)
def test_a_store_of_an_older_release_goes_on_where_it_was(version: int, tmp_path: Path, clock: TurnedClock) -> None:
    shutil.copy(DATABASES / f"{version:04}.db", tmp_path / "stoep.db")
    clock.now = 1000.0 + 2020
    chain = Chain(tmp_path / "stoep.db", clock, PlayedNode(secret=SECRET, counter=100))
    assert chain.row("PRAGMA user_version") == (newest(),)
    assert chain.row("PRAGMA integrity_check") == ("ok",)
    assert chain.row("SELECT cause, epoch, first, last FROM ledger") == (1, 1, 5, 7)
    answer = chain.ask(tick=2020, floor=Place(1, 10))
    assert answer.durable == Place(1, 9)
    assert chain.ask(alarms=(Alarm(1, 1, 1, 1060, True, 91),), tick=2021, floor=Place(1, 10)).alarms == [(1, 1)]
    assert len(chain.outbox) == 2
    clock.now += 30
    chain.ask(sample(10, 950), tick=2050, back=1, floor=Place(1, 10))
    chain.commit()
    clock.now += 2 * SECONDS
    chain.turn()
    windows = {window["start"]: window for window in chain.windows()}
    assert windows["2026-06-01T06:15:00Z"]["revision"] == 2, "published before, reopened by the late one"
    assert windows["2026-06-01T06:15:00Z"]["channels"]["humidity"]["count"] == 3
    assert windows["2026-06-01T06:30:00Z"]["channels"]["humidity"]["count"] == 1, "the sample of the log"
    assert not any(window["partial"] for window in windows.values())


def test_there_is_a_store_of_every_schema_that_a_gateway_had_before_this_one() -> None:
    assert sorted(set(range(1, newest())) - NEVER) == RELEASED
