"""A backup is whole, sealed, and taken beside the running service; what is put back never speaks twice or too well."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest
from typer.testing import CliRunner

from backups import OWN, put_back, taken
from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock, sample
from stoep.cli import build
from stoep.errors import StoreError
from stoep.store import backup, gap
from stoep.store.windows import SECONDS
from stoep.wire.messages import Alarm, Place

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def chain(tmp_path: Path, clock: TurnedClock, node: PlayedNode) -> Chain:
    return Chain(tmp_path / "stoep.db", clock, node)


def report(chain: Chain, *samples: Any, tick: int, back: int | None = 1, **more: Any) -> None:
    chain.clock.now = 1000.0 + tick
    chain.ask(*samples, tick=tick, back=back, **more)
    chain.commit()
    chain.turn()


def highest(windows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What a city keeps that follows the rule in gateway/README.md."""
    best: dict[str, dict[str, Any]] = {}
    for window in windows:
        before = best.get(window["start"])
        if before is None or rank(window) > rank(before):
            best[window["start"]] = window
    return best


def rank(window: dict[str, Any]) -> tuple[bool, int, int]:
    return not window["partial"], window["generation"], window["revision"]


def test_a_backup_taken_while_the_store_is_open_comes_back_whole(chain: Chain, tmp_path: Path) -> None:
    report(chain, sample(1, 5), tick=5, back=None)
    report(chain, alarms=(Alarm(1, 1, 1, 20, True, 91),), tick=40)
    file = taken(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"SQLite format" not in file.read_bytes()
    put_back(chain, file, tmp_path)
    assert chain.ask(tick=50).durable == Place(1, 1)
    assert len(chain.outbox) == 1
    assert sorted(found.name.split("-")[0] for found in tmp_path.glob("stoep.db*")) == [
        *("stoep.db", "stoep.db", "stoep.db", "stoep.db.lock", "stoep.db.replaced")
    ], "no copy in clear text is left"


def test_a_restored_store_says_no_key_twice_at_the_highest_revision(chain: Chain, tmp_path: Path) -> None:
    """Yesterday's database put back: the windows of the time since were published, now others come under their keys."""
    report(chain, sample(1, 5), tick=5, back=None)
    report(chain, tick=40)
    report(chain, tick=SECONDS + 100)
    city = chain.windows()
    file = taken(tmp_path)
    report(chain, sample(2, 6), sample(3, SECONDS + 110), tick=SECONDS + 130)
    report(chain, tick=2 * SECONDS + 100)
    city += chain.windows()
    whole = highest(city)
    assert [window["channels"]["humidity"]["count"] for window in whole.values()] == [2, 1]
    put_back(chain, file, tmp_path)
    report(chain, sample(4, 7), sample(5, SECONDS + 115), tick=2 * SECONDS + 200, floor=Place(1, 4))
    report(chain, tick=2 * SECONDS + 230, floor=Place(1, 6))
    after = chain.windows()
    assert [window["partial"] for window in after] == [True, True]
    keys = [(window["start"], window["generation"], window["revision"]) for window in city + after]
    assert len(set(keys)) == len(keys)
    assert highest(city + after) == whole, "a partial window never replaces a complete one"
    assert chain.row("SELECT cause, first, last FROM ledger") == (0, 2, 3), "what the backup does not know is a hole"


def test_windows_that_begin_after_a_restore_are_whole_again(chain: Chain, tmp_path: Path) -> None:
    report(chain, sample(1, 5), tick=5, back=None)
    file = taken(tmp_path)
    put_back(chain, file, tmp_path)
    report(chain, tick=100)
    report(chain, sample(2, SECONDS + 10), tick=SECONDS + 20)
    report(chain, tick=2 * SECONDS + 100)
    assert [window["partial"] for window in chain.windows()] == [True, False]


def test_the_same_backup_put_back_twice_begins_two_generations(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the card with the first is gone, and nobody remembers it."""
    file = taken(tmp_path)
    seen = [chain.native._generation]
    for minute in range(2):
        monkeypatch.setattr(gap.time, "time", lambda minute=minute: 2e9 + 60 * minute)
        put_back(chain, file, tmp_path)
        seen.append(chain.native._generation)
        (tmp_path / "stoep.db").unlink()
    assert seen == sorted(set(seen))


def test_a_backup_for_a_public_key_opens_with_its_identity_only(chain: Chain, tmp_path: Path) -> None:
    other = pyrage.x25519.Identity.generate()
    file = taken(tmp_path)
    chain.database.close()
    for identity, wrong in ((str(other), "made for another key"), (None, "--identity FILE"), ("no key", "AGE-SECRET")):
        with pytest.raises(StoreError, match=wrong):
            backup.restore(file, tmp_path / "stoep.db", passphrase=str, identity=identity)
    assert backup.restore(file, tmp_path / "stoep.db", passphrase=str, identity=str(OWN)) is not None


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def turned(content: bytes) -> bytes:
    return content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]


@pytest.mark.parametrize("spoil", [cut, turned, lambda content: b"x" * len(content), lambda _: b""])
def test_a_damaged_backup_is_refused_and_the_store_stays(
    spoil: Callable[[bytes], bytes], chain: Chain, tmp_path: Path
) -> None:
    report(chain, sample(1, 5), tick=5, back=None)
    file = taken(tmp_path)
    file.write_bytes(spoil(file.read_bytes()))
    chain.database.close()
    with pytest.raises(StoreError, match=r"damaged|is no backup"):
        backup.restore(file, tmp_path / "stoep.db", passphrase=str, identity=str(OWN))
    chain._open(b"\x01\x02\x03\x05")
    assert chain.ask(tick=50).durable == Place(1, 1)


@pytest.mark.usefixtures("chain")
def test_restoring_is_refused_while_the_service_runs(tmp_path: Path) -> None:
    file = taken(tmp_path)
    with pytest.raises(StoreError, match="another gateway works with"):
        backup.restore(file, tmp_path / "stoep.db", passphrase=str, identity=str(OWN))


@pytest.mark.slow
def test_the_commands_take_their_passphrase_from_a_private_file(
    site: Callable[..., Path], chain: Chain, tmp_path: Path
) -> None:
    report(chain, sample(1, 5), tick=5, back=None)
    config, secret, to = str(site()), tmp_path / "passphrase", tmp_path / "kept"
    secret.write_text(PASSPHRASE + "\n")
    run, app = CliRunner(), build()
    secret.chmod(0o644)
    open_to_all = run.invoke(app, ["backup", "-c", config, "--to", str(to), "--passphrase-file", str(secret)])
    assert (open_to_all.exit_code, to.exists()) == (2, False)
    assert "chmod 600" in open_to_all.output
    secret.chmod(0o600)
    done = run.invoke(app, ["backup", "-c", config, "--to", str(to), "--passphrase-file", str(secret)])
    assert done.exit_code == 0, done.output
    refused = run.invoke(app, ["restore", "-c", config, "--from", str(to), "--passphrase-file", str(secret)])
    assert refused.exit_code == 1
    assert "stop it first" in refused.output
    chain.database.close()
    wrong = run.invoke(app, ["restore", "-c", config, "--from", str(to)], input="something else\n")
    assert wrong.exit_code == 1
    assert "does not open with this passphrase" in wrong.output
    assert run.invoke(app, ["restore", "-c", config, "--from", str(to)], input=PASSPHRASE + "\n").exit_code == 0
