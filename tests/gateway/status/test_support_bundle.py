"""The support bundle: enough to help from afar, and nothing that opens a door."""

import json
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway_rig import MORNING, PlayedNode, write_clock
from stoep import cli, settings
from stoep.cli import support_bundle
from stoep.service.service import Service

MEMBERS = {
    *("versions.json", "settings.json", "registry.json", "status.json"),
    *("ledger.json", "store.json", "machine.json", "log.txt"),
}
PASSWORD, LOCAL = "correct horse battery", "another-password-of-the-street"
GROUP = "cd" * 32


@pytest.fixture
def config(site: Callable[..., Path], tmp_path: Path, node: PlayedNode) -> Path:
    write_clock(tmp_path / "clock", utc=MORNING)
    for name, text in (("password", PASSWORD), ("local-password", LOCAL)):
        (tmp_path / name).write_text(text + "\n")
        (tmp_path / name).chmod(0o600)
    more = '[local_broker]\nusername = "street-account"\npassword_file = "local-password"\n'
    written = site(more=more)
    text = written.read_text().replace(
        "tls = false\n", 'tls = false\nusername = "city-account"\npassword_file = "password"\n'
    )
    written.write_text(text)
    (tmp_path / "secrets.toml").write_text(
        f'[secrets]\n{node.kid.hex()} = "{node.secret.hex()}"\n[groups]\nstreet = "{GROUP}"\n'
    )
    return written


def gather(config: Path, to: Path) -> dict[str, str]:
    result = CliRunner().invoke(cli.build(), ["support-bundle", "--config", str(config), "--to", str(to)])
    assert result.exit_code == 0, result.output
    with tarfile.open(to) as bundle:
        files = {}
        for member in bundle.getmembers():
            content = bundle.extractfile(member)
            assert content is not None
            files[Path(member.name).name] = content.read().decode()
    return files


def test_it_holds_what_helps_and_only_its_owner_may_read_it(config: Path, tmp_path: Path) -> None:
    Service(settings.load(config))._database.close()
    to = tmp_path / "bundle.tar.gz"
    files = gather(config, to)
    assert files.keys() == MEMBERS
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    store = json.loads(files["store.json"])
    assert store["schema"] >= 7
    assert store["rows"]["identity"] == 1
    assert json.loads(files["registry.json"])["node"][0]["name"] == "bin-1"
    assert json.loads(files["versions.json"])["packages"]["paho-mqtt"]
    assert "no gateway runs" in json.loads(files["status.json"])["problem"]
    assert json.loads(files["machine.json"])["disk"]["free"] > 0
    assert json.loads(files["settings.json"])["mqtt"]["host"] == "127.0.0.1"


def test_no_secret_is_in_it_even_where_one_got_into_the_log(
    config: Path, tmp_path: Path, node: PlayedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    Service(settings.load(config))._database.close()
    secrets = [node.secret.hex(), GROUP, PASSWORD, LOCAL]
    leaked = "\n".join([*secrets, node.secret.hex().upper(), "and this stays"])
    monkeypatch.setitem(support_bundle._MEMBERS, "log.txt", lambda _chosen: leaked)
    files = gather(config, tmp_path / "bundle.tar.gz")
    for name, text in files.items():
        assert not [secret for secret in secrets if secret.lower() in text.lower()], name
        assert "city-account" not in text
        assert "street-account" not in text
    assert "and this stays" in files["log.txt"]


def test_wrong_settings_are_what_it_is_made_for_and_do_not_stop_it(config: Path, tmp_path: Path) -> None:
    config.write_text("[stoer]\n")
    files = gather(config, tmp_path / "bundle.tar.gz")
    assert "stoer" in json.loads(files["settings.json"])["problem"]


def test_a_file_that_is_there_is_not_written_over(config: Path, tmp_path: Path) -> None:
    there = tmp_path / "bundle.tar.gz"
    there.write_text("mine")
    result = CliRunner().invoke(cli.build(), ["support-bundle", "--config", str(config), "--to", str(there)])
    assert result.exit_code == 1
    assert "cannot be written" in result.output
    assert there.read_text() == "mine"
