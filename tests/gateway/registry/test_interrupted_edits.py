"""The registry is two files: what holds while one of them is new and the other old, and how it goes on from there."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from gateway_rig import MORNING, PlayedNode, PtyBridge, write_clock
from gateway_service import serving
from registry_rig import GROUP, NEW, Cabinet, one
from stoep.registry import atomic, registry

POSTS = [one(kid=f"1a3b000{n}", name=f"post-{n}", kind="lamppost", secret=f"{n}e" * 32) for n in (1, 2)]
LANE = {"name": "lane", "secret": GROUP, "lamps": [{"node": f"post-{n}", "metres": 25 * n} for n in (1, 2)]}


@pytest.fixture
def cabinet(site: Callable[..., Path]) -> Cabinet:
    found = Cabinet(site())
    found.take_in(*POSTS, groups=[LANE])
    return found


@pytest.fixture
def cut_off(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], Result]], Result]:
    """A command that comes to replace so many files and no more."""
    replace = atomic.replace

    def after(files: int, command: Callable[[], Result]) -> Result:
        done: list[Path] = []

        def some(file: Path, *more: Any) -> None:
            if len(done) == files:
                raise OSError(5, "the power is gone")
            done.append(file)
            replace(file, *more)

        with monkeypatch.context() as patch:
            patch.setattr(atomic, "replace", some)
            said = command()
        assert said.exit_code == 2
        return said

    return after


def test_a_rotation_that_was_cut_off_is_completed_by_the_same_hand_over(
    cabinet: Cabinet, node: PlayedNode, cut_off: Callable[..., Result]
) -> None:
    again = one(kid=node.kid.hex(), name=node.name, place="moved")
    cut_off(1, lambda: cabinet.take_in(again))
    entry = cabinet.known().nodes[node.kid]
    assert (entry.secret.hex(), entry.old, entry.place, entry.made_at) == (NEW, node.secret, None, None)
    assert "bin-1: its new secret was there, the rest is now" in cabinet.take_in(again).output
    entry = cabinet.known().nodes[node.kid]
    assert (entry.secret.hex(), entry.old, entry.place) == (NEW, node.secret, "moved")
    assert "bin-1: known already" in cabinet.take_in(again).output
    older = again | {"secret": "34" * 32, "made_at": "2026-05-01T00:00:00Z"}
    assert "bin-1: older than what is known" in cabinet.take_in(older).output


@pytest.mark.parametrize("files", [1, 2])
def test_a_retirement_that_was_cut_off_is_completed_by_the_same_command(
    files: int, cabinet: Cabinet, cut_off: Callable[..., Result]
) -> None:
    cut_off(files, lambda: cabinet.say("retire", "post-2", "--yes"))
    known = cabinet.known()
    assert (sorted(entry.name for entry in known.nodes.values()), known.groups) == (["bin-1", "post-1"], {})
    assert 'retired = ["lane"]' in cabinet.nodes.read_text()
    said = cabinet.say("list").output
    assert ("1a3b0002 is no node but has a secret" in said) == (files == 1)
    said = cabinet.say("retire", "post-2", "--yes").output
    assert "post-2 (1a3b0002) is retired" in said
    assert "lane is gone, too" in said
    assert "2e" * 32 not in cabinet.secrets.read_text()
    assert GROUP not in cabinet.secrets.read_text()
    assert "retired" not in cabinet.nodes.read_text()
    assert "post-2 is no node of this site" in cabinet.say("retire", "post-2", "--yes").output


def test_any_other_edit_completes_a_retirement_too(cabinet: Cabinet, cut_off: Callable[..., Result]) -> None:
    cut_off(1, lambda: cabinet.say("retire", "post-2", "--yes"))
    anew = one(kid="1a3b0002", name="post-2", kind="lamppost", secret="ef" * 32)
    assert "post-2: added" in cabinet.take_in(anew).output
    entry = cabinet.known().nodes[bytes.fromhex("1a3b0002")]
    assert (entry.secret.hex(), entry.old) == ("ef" * 32, None)
    assert not any(secret in cabinet.secrets.read_text() for secret in ("2e" * 32, GROUP))
    assert "retired" not in cabinet.nodes.read_text()


@pytest.mark.parametrize("edit", ["import", "retire"])
def test_who_reads_while_both_files_are_replaced_reads_again(
    edit: str, cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets of before and nodes of after, or the other way round, would not fit together."""
    edits = {"import": lambda: cabinet.take_in(one()), "retire": lambda: cabinet.say("retire", "post-1", "--yes")}
    first = {"import": cabinet.secrets, "retire": cabinet.nodes}[edit]
    second = {"import": cabinet.nodes, "retire": cabinet.secrets}[edit]
    read, meanwhile = registry.read_toml, [first]

    def reading(file: Path) -> dict[str, Any]:
        """The edit comes between this file and the other, whichever is read first."""
        if not meanwhile:
            return read(file)
        meanwhile.clear()
        before = {one: read(one) for one in (first, second)}
        assert edits[edit]().exit_code == 0
        return before[file]

    monkeypatch.setattr(registry, "read_toml", reading)
    names = {entry.name for entry in cabinet.known().nodes.values()}
    assert names == {"import": {"bin-1", "bin-2", "post-1", "post-2"}, "retire": {"bin-1", "post-2"}}[edit]


@pytest.mark.slow
def test_a_gateway_told_to_read_in_the_middle_of_an_edit_has_the_old_registry_or_the_new(
    cabinet: Cabinet, bridge: PtyBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clock(cabinet.folder / "clock", utc=MORNING)
    cabinet.config.write_text(cabinet.config.read_text().replace("/dev/ttyUSB0", bridge.port))
    replace = atomic.replace
    with serving(cabinet.config) as process:
        old = set(bridge.filters.get(timeout=8).kids)

        def slowly(file: Path, *more: Any) -> None:
            replace(file, *more)
            process.send_signal(signal.SIGHUP)
            time.sleep(0.6)  # it looks twice a second

        monkeypatch.setattr(atomic, "replace", slowly)
        new = old | {bytes.fromhex("c0ffee02")}
        cabinet.take_in(one())
        assert set(bridge.filters.get(timeout=2).kids) == new
        cabinet.say("retire", "bin-2", "--yes")
        assert set(bridge.filters.get(timeout=2).kids) == old
        assert bridge.filters.empty()
        process.send_signal(signal.SIGTERM)
        assert process.wait(8) == 0
        assert process.stderr is not None
        assert "stay as they were" not in process.stderr.read()
