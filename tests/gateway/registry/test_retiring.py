"""A node that is retired is believed by nobody any more, well within a minute."""

import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway_rig import MORNING, PlayedNode, PtyBridge, eventually, mosquitto, sample, write_clock
from gateway_service import in_service
from node_at_broker import NodeAtBroker
from stoep.cli import build
from stoep.registry import accounts
from stoep.registry.registry import Entry
from stoep.service.service import Service
from stoep.wire.replies import Answer, Challenge

SECONDS = 10.0  # for all of it; promised is a minute
SECOND = PlayedNode("lamppost-2", bytes.fromhex("c0ffee02"))


@pytest.fixture
def street(site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, free_port: int) -> Path:
    """A site with two lampposts, each by radio and by the local broker, whose accounts the gateway keeps."""
    table = f'[local_broker]\nport = {free_port}\nusername = "street"\npassword_file = "own"\naccounts = "broker"\n'
    config = site(port=bridge.port, broker=1, more=table)
    folder = config.parent
    nodes = [f'[[node]]\nkid = "{one.kid.hex()}"\nname = "{one.name}"\nkind = "lamppost"\n' for one in (node, SECOND)]
    (folder / "nodes.toml").write_text("\n".join(nodes))
    secrets = [f'{one.kid.hex()} = "{one.secret.hex()}"\n' for one in (node, SECOND)]
    (folder / "secrets.toml").write_text("[secrets]\n" + "".join(secrets))
    (folder / "own").write_text("of the gateway\n")
    (folder / "own").chmod(0o600)
    write_clock(folder / "clock", utc=MORNING)
    return config


@pytest.fixture
def service(street: Path) -> Iterator[Service]:
    with in_service(street) as running:
        yield running


@pytest.mark.slow
def test_a_retired_node_is_let_in_nowhere_within_ten_seconds(
    street: Path, service: Service, bridge: PtyBridge, node: PlayedNode, free_port: int
) -> None:
    folder = street.parent / "broker"
    pid = street.parent / "mosquitto.pid"
    lines = ("allow_anonymous false", f"password_file {folder}/passwords", f"acl_file {folder}/acl", f"pid_file {pid}")
    with mosquitto(free_port, street.parent, *lines):
        eventually(lambda: all(link.alive() for link in service._links.values()))
        bridge.filters.get(timeout=5)
        lamppost, other = NodeAtBroker(free_port, node), NodeAtBroker(free_port, SECOND)
        assert not lamppost.refused
        for _ in range(2):
            bridge.hear(node.report(sample(1, 5)))
            said = node.open(bridge.sent.get(timeout=3).frame)
        assert isinstance(said, Answer)

        began = time.monotonic()
        retired = CliRunner().invoke(build(), ["registry", "retire", "bin-1", "-c", str(street), "--yes"])
        assert retired.exit_code == 0, retired.output
        assert bridge.filters.get(timeout=SECONDS).kids == (SECOND.kid,)
        eventually(lambda: node.kid.hex() not in (folder / "passwords").read_text())
        os.kill(int(pid.read_text()), signal.SIGHUP)  # what systemd/stoep-broker.path has done
        unknown = service._counters["unknown"]
        bridge.hear(node.report(sample(2, 6)))
        eventually(lambda: service._counters["unknown"] == unknown + 1)
        assert time.monotonic() - began < SECONDS
        assert bridge.sent.empty()
        again = NodeAtBroker(free_port, node)
        assert again.refused
        other.say(SECOND.report(sample(1, 5)))
        assert isinstance(SECOND.open(other.down.get(timeout=3)), Challenge)
        for one in (lamppost, again, other):
            one.close()


def test_the_accounts_are_written_anew_only_when_they_differ(tmp_path: Path, node: PlayedNode) -> None:
    folder = tmp_path / "broker"
    entries = [Entry(node.kid, node.name, "lamppost", node.secret), Entry(SECOND.kid, "bin-2", "bin", SECOND.secret)]
    assert accounts.write(folder, ("street", "own"), entries)
    before = (folder / "passwords").read_bytes()
    assert not accounts.write(folder, ("street", "own"), entries)
    assert (folder / "passwords").read_bytes() == before
    assert accounts.write(folder, ("street", "changed"), entries)
    assert accounts.write(folder, ("street", "changed"), [Entry(node.kid, node.name, "lamppost", SECOND.secret)])
    assert accounts.write(folder, ("street", "changed"), [])
    (folder / "passwords").write_text("garbage\n")
    assert accounts.write(folder, ("street", "changed"), [])
    assert stat.S_IMODE((folder / "passwords").stat().st_mode) == 0o600


def test_the_broker_may_read_them_where_the_folder_gives_its_group(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    folder.chmod(0o2750)
    if os.geteuid() == 0:
        os.chown(folder, -1, 4322)
        folder.chmod(0o2750)
    accounts.write(folder, ("street", "own"), [])
    made = (folder / "passwords").stat()
    assert (stat.S_IMODE(made.st_mode), made.st_gid) == (0o640, folder.stat().st_gid)


def test_accounts_that_cannot_be_written_are_a_problem_and_no_end(tmp_path: Path) -> None:
    (tmp_path / "broker").write_text("a file where a folder should be")
    keeper = accounts.Keeper(tmp_path / "broker", ("street", "own"))
    keeper.keep([])
    assert keeper.problem is not None
    assert "a retired lamppost keeps its account" in keeper.problem
    (tmp_path / "broker").unlink()
    keeper.keep([])
    assert keeper.problem is None
