"""A slice of `make power-cuts`: the registry after power cuts; and that the cuts find what they should."""

import dataclasses

import pytest
import registry_power_cuts
import registry_record
from gateway_disk import Cut, Disk
from gateway_trace import Allowed, Made, Renamed, Synced, Wrote
from registry_record import Recording
from registry_trace import In, Part
from test_gateway_power_cuts import after

SOME = 40
FEW = 24


@pytest.fixture(scope="module")
def recording() -> Recording:
    return registry_record.record()


@pytest.mark.slow
def test_the_registry_keeps_its_promises_wherever_the_power_is_cut(recording: Recording) -> None:
    found = registry_power_cuts.cut(recording, SOME, alone=True)
    assert found.failures == 0, found.findings
    assert found.states == SOME


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        pytest.param("unsynced", ("said that it was done", "No such file", "is not TOML", "no age key"), id="no fsync"),
        pytest.param("swapped", ("has no secret", "neither what was before"), id="nodes before their secrets"),
    ],
)
def test_commands_without_one_of_their_safeguards_are_found_out(kind: str, told: tuple[str, ...]) -> None:
    found = registry_power_cuts.cut(registry_record.record(sabotage=kind, brief=True), FEW, alone=True)
    assert found.failures > 0
    assert any(word in finding for finding in found.findings for word in told), found.findings


def _unsynced(part: Part, names: tuple[str, ...]) -> bool:
    return isinstance(part, In) and isinstance(part.event, Synced) and part.event.name in names


@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [pytest.param(("",), id="the folder's"), pytest.param((".secrets.toml.new", ".nodes.toml.new"), id="the file's")],
)
def test_each_sync_is_needed(names: tuple[str, ...], recording: Recording) -> None:
    less = dataclasses.replace(recording, parts=[part for part in recording.parts if not _unsynced(part, names)])
    assert registry_power_cuts.cut(less, FEW, alone=True).failures > 0


def _wide(part: Part) -> Part:
    if isinstance(part, In) and isinstance(part.event, Made):
        return part._replace(event=part.event._replace(mode=0o644))
    return part


@pytest.mark.slow
def test_a_secret_that_others_could_have_read_for_a_moment_is_found(recording: Recording) -> None:
    wide = dataclasses.replace(recording, parts=[_wide(part) for part in recording.parts])
    found = registry_power_cuts.cut(wide, FEW, alone=True)
    assert any("may be read by others (mode 0644)" in finding for finding in found.findings), found.findings


def test_a_name_that_was_replaced_is_the_old_file_or_the_new_one_until_the_folder_is_synced() -> None:
    events = [Made("a"), Wrote("a", 0, b"old"), Synced("a"), Synced(""), Made("b"), Wrote("b", 0, b"new"), Synced("b")]
    moved = [*events, Renamed("b", "a")]
    assert {files["a"] for files in after(moved, Cut.SOME)} == {b"old", b"new"}
    assert all(files == {"a": b"new"} for cut in Cut for files in after([*moved, Synced("")], cut))
    assert all(files == {"a": b"old", "b": b"new"} for files in after(moved, Cut.DROPPED))


def test_a_file_that_was_ever_open_to_others_may_be_so_after_a_cut() -> None:
    disk = Disk()
    for event in (Made("a", 0o644), Allowed("a", 0o600), Renamed("a", "b")):
        disk.apply(event)
    assert disk.modes() == {"a": 0o644, "b": 0o644}
