"""`stoep listen` at real brokers: through restarts, by TLS, with a password, and with a verdict at its end."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from certificates import Authority
from gateway_rig import City, mosquitto
from listened import SITE, published_by_a_gateway
from stoep.cli import build
from stoep.listen.broker import AccessError, place
from uplink_rig import needs_mosquitto


def test_a_broker_is_named_by_a_url_and_tls_is_the_default() -> None:
    assert place("broker.city.example") == ("broker.city.example", 8883, True)
    assert place("mqtts://broker.city.example:8884") == ("broker.city.example", 8884, True)
    assert place("mqtt://127.0.0.1") == ("127.0.0.1", 1883, False)
    for wrong in ("http://broker", "mqtt://", "mqtts://broker:99999", "mqtts://broker/stoep"):
        with pytest.raises(AccessError, match="is not like mqtts://"):
            place(wrong)
    with pytest.raises(AccessError, match="use --username and --password-file"):
        place("mqtts://desk:secret@broker")


def run(*options: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Exit status and all that was said, of a run that ends by itself."""
    done = CliRunner().invoke(build(), ["listen", *options], env=env)
    return done.exit_code, done.output


@contextmanager
def listening(*options: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "stoep", "listen", "--for", "90", *options],  # ends, too, when nothing comes
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def until(process: "subprocess.Popen[str]", words: str) -> None:
    """Reads on until a line has the words."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return
    raise AssertionError(f"it ended without {words!r}: {''.join(said)}")


def ended(process: "subprocess.Popen[str]", number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
    process.send_signal(number)
    assert process.stdout is not None
    said = process.stdout.read()
    return process.wait(10), said


@needs_mosquitto
@pytest.mark.slow
def test_it_listens_checks_keeps_and_ends_with_a_verdict(tmp_path: Path, free_port: int) -> None:
    """Through a restart of the broker; the second run hears something wrong."""
    windows = published_by_a_gateway(tmp_path)
    options = ("--broker", f"mqtt://127.0.0.1:{free_port}", "--csv", str(tmp_path / "street.csv"))
    with listening(*options) as process:
        until(process, "cannot be reached")
        with mosquitto(free_port, tmp_path, "allow_anonymous true"):
            until(process, "listening to")
            city = City(free_port)
            for document in windows[:2]:
                city.publish(f"{SITE}/bin-1/window", json.dumps(document).encode())
            until(process, "06:15  bin-1  temperature 18.53 °C")
            city.close()
        until(process, "was lost")
        with mosquitto(free_port, tmp_path, "allow_anonymous true"):
            until(process, "listening to")
            city = City(free_port)
            for document in windows[2:]:
                city.publish(f"{SITE}/bin-1/window", json.dumps(document).encode())
            until(process, "revision 2")
            status, said = ended(process)
            city.close()
    assert status == 0, said
    assert "all is as it must be" in said
    assert "Traceback" not in said
    with (tmp_path / "street.csv").open(encoding="utf-8", newline="") as opened:
        assert [row["count"] for row in csv.DictReader(opened) if row["channel"] == "temperature"] == ["3", "1", "1"]

    with mosquitto(free_port, tmp_path, "allow_anonymous true"), listening(*options, "--quiet") as process:
        until(process, "listening to")
        city = City(free_port)
        city.publish(f"{SITE}/bin-1/window", json.dumps(windows[0]).encode())
        city.publish(f"{SITE}/bin-1/window", b"{}")
        until(process, "WRONG  window: site: is missing")
        status, said = ended(process, signal.SIGTERM)
        city._misfits.clear()
        city.close()
    assert status == 1, said


@needs_mosquitto
def test_it_shows_who_it_is_and_believes_only_whom_it_shall(tmp_path: Path, free_port: int) -> None:
    authority, other = Authority(tmp_path / "ca"), Authority(tmp_path / "other")
    certificate, key = authority.issue("broker")
    accounts, password = tmp_path / "accounts", tmp_path / "password"
    subprocess.run(["mosquitto_passwd", "-b", "-c", accounts, "desk", "#tomato"], check=True, capture_output=True)
    password.write_text("#tomato\n")
    password.chmod(0o600)
    to = ("--broker", f"mqtts://127.0.0.1:{free_port}", "--for", "20", "--username", "desk")
    secured = f"cafile {authority.file}", f"certfile {certificate}", f"keyfile {key}", f"password_file {accounts}"
    with mosquitto(free_port, tmp_path, *secured, "allow_anonymous false"):
        status, said = run(*to, "--ca", str(other.file), "--password-file", str(password))
        assert (status, "is not trusted" in said, "--ca" in said) == (2, True, True), said
        status, said = run(*to, "--ca", str(authority.file), env={"STOEP_LISTEN_PASSWORD": "potato"})
        assert (status, "refuses us" in said) == (2, True), said
        known = (*to[:2], *to[4:], "--ca", str(authority.file), "--password-file", str(password))
        status, said = run(*known, "--for", "1")
        assert (status, "listening to" in said) == (0, True), said
        password.chmod(0o644)
        status, said = run(*known)
        assert (status, "chmod 600" in said) == (2, True), said


def test_what_cannot_be_is_said_at_once(tmp_path: Path, free_port: int) -> None:
    status, said = run("--broker", "ftp://broker")
    assert (status, "is not like mqtts://" in said) == (2, True)
    status, said = run("--broker", f"mqtt://127.0.0.1:{free_port}", "--username", "desk")
    assert (status, "STOEP_LISTEN_PASSWORD" in said) == (2, True)
    status, said = run("--broker", f"mqtt://127.0.0.1:{free_port}", "--cert", "mine.pem")
    assert (status, "belong together" in said) == (2, True)
    status, said = run("--broker", f"mqtt://127.0.0.1:{free_port}", "--csv", str(tmp_path / "no" / "x.csv"))
    assert (status, "cannot be written" in said) == (2, True)
    began = time.monotonic()
    status, said = run("--broker", f"mqtt://127.0.0.1:{free_port}", "--for", "0.5")
    assert (status, "nobody answered" in said) == (2, True)
    assert time.monotonic() - began < 5


# -- the contract for others -------------------------------------------------------------------------------------------


def test_the_schemas_come_out_as_files_and_as_one_document(tmp_path: Path) -> None:
    done = CliRunner().invoke(build(), ["schemas", "--write", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"window.json", "set-result.json", "common.json", "asyncapi.json"} <= names
    whole = json.loads(CliRunner().invoke(build(), ["schemas"]).output)
    assert whole["schemas"]["window"] == json.loads((tmp_path / "out" / "window.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"1\.\d+\.\d+", whole["version"])
    opened = json.loads(CliRunner().invoke(build(), ["schemas", "--open"]).output)
    assert "additionalProperties" not in opened["schemas"]["window"]
    assert CliRunner().invoke(build(), ["schemas", "--write", "/dev/null/x"]).exit_code == 2
