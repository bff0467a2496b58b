"""`stoep registry` as a person uses it: nodes come in by hand-over, go out by name, and no secret is ever shown."""

import json
import os
import re
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from gateway_rig import PlayedNode
from registry_rig import GROUP, MADE, NEW, PLACE, Cabinet, handed, one
from stoep.registry import atomic, enrol, handover
from stoep.registry.handover import Handover


@pytest.fixture
def cabinet(site: Callable[..., Path]) -> Cabinet:
    return Cabinet(site())


def test_a_hand_over_brings_nodes_in_and_again_changes_nothing(cabinet: Cabinet) -> None:
    cabinet.nodes.write_text("# ours\n" + cabinet.nodes.read_text())
    node = one(at=[50.8467, 4.3525], place="by the fountain", settings={"interval": 600}, release="0.1.0")
    said = cabinet.take_in(node)
    assert (said.exit_code, said.output.splitlines()[0]) == (0, "node bin-2: added")
    entry = cabinet.known().nodes[bytes.fromhex("c0ffee02")]
    assert (entry.name, entry.kind, entry.secret.hex(), entry.old) == ("bin-2", "bin", NEW, None)
    assert (entry.at, entry.place, entry.release) == ((50.8467, 4.3525), "by the fountain", "0.1.0")
    assert (entry.made_at, dict(entry.settings)) == (MADE - timedelta(minutes=5), {1: 600})
    assert cabinet.nodes.read_text().startswith("# ours\n")
    before = cabinet.both()
    assert "bin-2: known already, left as it is" in cabinet.take_in(node).output
    assert cabinet.both() == before
    assert NEW not in said.output


def test_a_node_commissioned_anew_has_two_secrets_and_the_newest_comes_first(
    cabinet: Cabinet, node: PlayedNode
) -> None:
    again = one(kid=node.kid.hex(), name=node.name, place="moved")
    assert "bin-1: new secret" in cabinet.take_in(again).output
    entry = cabinet.known().nodes[node.kid]
    assert (entry.secret.hex(), entry.old, entry.place) == (NEW, node.secret, "moved")
    third = again | {"secret": "12" * 32, "made_at": "2026-06-02T07:55:00Z"}
    cabinet.take_in(third)
    entry = cabinet.known().nodes[node.kid]
    assert entry.old is not None
    assert (entry.secret.hex(), entry.old.hex()) == ("12" * 32, NEW)


def test_an_old_hand_over_brings_no_old_secret_back(cabinet: Cabinet, node: PlayedNode) -> None:
    old = one(kid=node.kid.hex(), name=node.name, secret="34" * 32, made_at="2026-05-01T00:00:00Z")
    cabinet.take_in(one(kid=node.kid.hex(), name=node.name))
    before = cabinet.both()
    assert "bin-1: older than what is known" in cabinet.take_in(old).output
    returning = one(kid=node.kid.hex(), name=node.name, secret=node.secret.hex(), made_at="2027-01-01T00:00:00Z")
    assert "bin-1: older than what is known" in cabinet.take_in(returning).output
    assert cabinet.both() == before
    del old["made_at"]
    assert "does not say which is the newer; commission it again" in cabinet.take_in(old).output
    assert cabinet.both() == before


@pytest.mark.parametrize(
    ("nodes", "more", "expected"),
    [
        (
            [one(), one(kid="c0ffee03", name="bin-1", secret=GROUP)],
            {},
            r"bin-1 \(c0ffee03\) has the name of c0ffee01; say",
        ),
        ([one(), one(kid="c0ffee03", secret=GROUP)], {}, r"nodes\[1\]\.name: is that of nodes\[0\] \(bin-2\), too"),
        ([one(), one(name="bin-3", secret=GROUP)], {}, r"nodes\[1\]\.kid: is that of nodes\[0\]"),
        ([one(), one(kid="c0ffee03", name="bin-3")], {}, r"nodes\[1\]\.secret: is that of nodes\[0\]"),
        ([one(old_secret=NEW)], {}, r"nodes\[0\]\.old_secret: is that of"),
        ([one(), one(kid="c0ffee03", name="b", kind="cow", secret=GROUP)], {}, r"kind: invalid enum value 'cow'"),
        ([one(kid="C0FFEE02")], {}, r"nodes\[0\]\.kid = 'C0FFEE02': is not a kid"),
        ([one(secret="ab")], {}, r"nodes\[0\]\.secret: is not a secret of 64 hex digits"),
        ([one(settings={"interval": 1})], {}, r"nodes\[0\]\.settings\.interval = 1: is not within 5 and"),
        ([one(made_at="2026-06-01T07:55:00")], {}, r"made_at: expected `datetime` with a timezone"),
        ([one(at=[91, 4])], {}, r"at.*: expected `float` <= 90"),
        ([one(colour="red")], {}, r"colour: is not a setting|nodes.*colour"),
        ([one()], {"version": 2}, r"version: is of version 2, this release reads 1; update the gateway"),
        ([one()], {"format": "else"}, r'format: is no hand-over; a hand-over says "format": "stoep-handover"'),
        (
            [one()],
            {"groups": [{"name": "street", "secret": GROUP, "lamps": [{"node": "bin-2", "metres": 0}]}]},
            "1 lamps",
        ),
    ],
)
def test_of_a_hand_over_that_is_wrong_nothing_is_taken_and_what_is_wrong_is_named(
    nodes: list[dict[str, Any]], more: dict[str, Any], expected: str, cabinet: Cabinet
) -> None:
    before = cabinet.both()
    said = cabinet.take_in(*nodes, **more)
    assert said.exit_code != 0
    assert re.search(expected, said.output), said.output
    assert cabinet.both() == before
    assert NEW not in said.output
    assert "Traceback" not in said.output


def test_the_secret_of_another_node_is_refused(cabinet: Cabinet, node: PlayedNode) -> None:
    said = cabinet.take_in(one(secret=node.secret.hex()))
    assert said.exit_code == 2
    assert "secrets.c0ffee02: has the secret of c0ffee01; commission the node again" in said.output
    assert node.secret.hex() not in said.output


def test_a_dry_run_writes_nothing(cabinet: Cabinet) -> None:
    before = cabinet.both()
    said = cabinet.say("import", cabinet.sealed(handed(one())), "--dry-run")
    assert "node bin-2: added\nNothing was written" in said.output
    assert cabinet.both() == before


def test_a_failed_self_test_is_said(cabinet: Cabinet) -> None:
    test = {"passed": False, "at": "2026-06-01T07:56:00Z", "note": "no BME280"}
    assert "warning: bin-2 did not pass its self-test: no BME280" in cabinet.take_in(one(test=test)).output


def test_what_another_gateway_exports_this_one_takes_in_whole(
    cabinet: Cabinet, tmp_path_factory: pytest.TempPathFactory
) -> None:
    posts = [one(kid=f"1a3b000{n}", name=f"post-{n}", kind="lamppost", secret=f"{n}e" * 32) for n in (1, 2)]
    lamps = [{"node": "post-1", "metres": 0}, {"node": "post-2", "metres": 25.5}]
    cabinet.take_in(*posts, groups=[{"name": "street", "secret": GROUP, "lamps": lamps}])
    cabinet.take_in(
        one(kid="1a3b0001", name="post-1", kind="lamppost", secret="77" * 32, made_at="2026-07-01T00:00:00Z")
    )

    folder = tmp_path_factory.mktemp("other")
    (folder / "gateway.toml").write_text(cabinet.config.read_text().replace(PLACE, ""))
    for file in ("nodes.toml", "secrets.toml"):
        (folder / file).touch(0o600)
    other = Cabinet(folder / "gateway.toml")
    recipient = other.say("key").output.strip()
    out = folder / "moved.age"
    assert "sealed; nodes: 3, lamp groups: 1" in cabinet.say("export", str(out), "--to", recipient).output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert stat.S_IMODE(other.key.stat().st_mode) == 0o600
    assert b"post-1" not in out.read_bytes()
    assert other.say("import", str(out)).exit_code == 0
    told, known = cabinet.known(), other.known()
    assert known.groups == told.groups
    for kid, entry in told.nodes.items():
        assert (known.nodes[kid].secret, known.nodes[kid].old) == (entry.secret, entry.old)
        assert (known.nodes[kid].name, known.nodes[kid].kind) == (entry.name, entry.kind)
    assert "cannot be opened with this gateway's key" in cabinet.say("import", str(out)).output
    assert "is there already; name another file" in cabinet.say("export", str(out), "--to", recipient).output


@pytest.mark.slow
def test_a_passphrase_is_typed_or_read_from_a_private_file(cabinet: Cabinet) -> None:
    out, secret = cabinet.folder / "kept.age", cabinet.folder / "passphrase"
    secret.write_text("correct horse\n")
    assert "may be read by others" in cabinet.say("export", str(out), "--passphrase-file", str(secret)).output
    secret.chmod(0o600)
    assert cabinet.say("export", str(out), "bin-1", "--passphrase-file", str(secret)).exit_code == 0
    said = cabinet.say("import", str(out), "--passphrase", typed="correct horse\n")
    assert "bin-1: known already" in said.output
    assert "correct horse" not in said.output
    assert "cannot be opened" in cabinet.say("import", str(out), "--passphrase", typed="wrong\n").output
    assert "for whom? say either --to" in cabinet.say("export", str(cabinet.folder / "x")).output
    assert "is no age recipient" in cabinet.say("export", str(cabinet.folder / "x"), "--to", "age1x").output


def test_list_and_show_tell_all_but_the_secret(cabinet: Cabinet, node: PlayedNode) -> None:
    cabinet.take_in(one(at=[50.8467, 4.3525], place="by the fountain"))
    listed = json.loads(cabinet.say("list", "--json").output)
    assert [entry["name"] for entry in listed] == ["bin-1", "bin-2"]
    assert listed[1]["at"] == [50.8467, 4.3525]
    shown = json.loads(cabinet.say("show", "c0ffee02", "--json").output)
    assert shown == listed[1]
    said = cabinet.say("list").output + cabinet.say("show", "bin-2").output
    assert "by the fountain" in said
    for text in (json.dumps(listed), said, repr(handover.loads(Path("x"), handed(one())))):
        assert NEW not in text
        assert node.secret.hex() not in text
    assert "bin-9 is no node of this site; did you mean bin-2?" in cabinet.say("show", "bin-9").output


def test_a_retired_node_leaves_with_its_secret_and_its_lamp(cabinet: Cabinet) -> None:
    posts = [one(kid=f"1a3b000{n}", name=f"post-{n}", kind="lamppost", secret=f"{n}e" * 32) for n in (1, 2, 3)]
    lamps = [{"node": f"post-{n}", "metres": 25 * n} for n in (1, 2, 3)]
    cabinet.take_in(*posts, groups=[{"name": "street", "secret": GROUP, "lamps": lamps}])
    before = cabinet.both()
    assert cabinet.say("retire", "post-2", typed="n\n").exit_code != 0
    assert cabinet.both() == before
    assert "The lamps of street take a new key" in cabinet.say("retire", "post-2", "--yes").output
    assert [lamp.position for lamp in cabinet.known().groups["street"].lamps] == [250, 750]
    assert "2e" * 32 not in cabinet.secrets.read_text()
    assert "street is gone, too" in cabinet.say("retire", "1a3b0001", "--yes").output
    assert GROUP not in cabinet.secrets.read_text()
    assert sorted(entry.name for entry in cabinet.known().nodes.values()) == ["bin-1", "post-3"]


def test_killed_between_the_two_files_the_registry_is_right_and_another_command_does_the_rest(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    replace = atomic.replace

    def once(file: Path, content: bytes) -> None:
        if written:
            raise OSError(5, "the power is gone")
        written.append(file)
        replace(file, content)

    def killed(command: Callable[[], Result]) -> None:
        handover.load_key(cabinet.key)
        written.clear()
        with monkeypatch.context() as patch:
            patch.setattr(atomic, "replace", once)
            assert command().exit_code == 2
        assert written
        assert [entry.name for entry in cabinet.known().nodes.values()] == ["bin-1"]

    killed(lambda: cabinet.take_in(one()))
    assert cabinet.take_in(one()).exit_code == 0
    assert "no node but" not in cabinet.say("list").output
    killed(lambda: cabinet.say("retire", "bin-2", "--yes"))
    assert "c0ffee02 is no node but has a secret; `stoep registry retire c0ffee02`" in cabinet.say("list").output
    assert cabinet.say("retire", "c0ffee02", "--yes").exit_code == 0
    assert NEW not in cabinet.secrets.read_text()


def test_only_one_edits_at_a_time_and_what_somebody_else_writes_meanwhile_stays(cabinet: Cabinet) -> None:
    with atomic.alone(cabinet.folder):
        assert "somebody else is changing the registry" in cabinet.take_in(one()).output
    files = enrol.Files(cabinet.nodes, cabinet.secrets)
    node = handover.Node(kid="c0ffee02", name="bin-2", kind="bin", secret=NEW, made_at=MADE)
    with enrol.editing(files) as draft:
        draft.put(Handover(nodes=(node,), written_at=MADE))
        cabinet.nodes.write_text(cabinet.nodes.read_text() + "# a remark\n")
        with pytest.raises(enrol.RegistryError, match="was changed by somebody else meanwhile"):
            draft.write()
    assert cabinet.nodes.read_text().endswith("# a remark\n")
    assert "c0ffee02" not in cabinet.secrets.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_edits_stays_the_services_own(cabinet: Cabinet) -> None:
    for file in (cabinet.folder, cabinet.nodes, cabinet.secrets):
        os.chown(file, 4321, 4322)
    cabinet.nodes.chmod(0o640)
    assert cabinet.take_in(one()).exit_code == 0
    made = [file.stat() for file in (cabinet.nodes, cabinet.secrets, cabinet.key)]
    assert {(one.st_uid, one.st_gid) for one in made} == {(4321, 4322)}
    assert [stat.S_IMODE(one.st_mode) for one in made] == [0o640, 0o600, 0o600]
