"""`stoep setup`: five answers, each tried, become settings with which the gateway runs."""

import os
import pty
import select
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway_rig import PtyBridge
from stoep import settings
from stoep.cli import build
from stoep.resources import firmware_dir
from stoep.setup.answers import AnswerError, City, broker, place

ANSWERS = ["--site", "grote-markt", "--position", "50.847, 4.352", "--timezone", "Europe/Brussels", "--no-start"]


@pytest.fixture
def setup(tmp_path: Path, broker_port: int, bridge: PtyBridge) -> Callable[..., tuple[int, str, Path]]:
    def run(*more: str) -> tuple[int, str, Path]:
        config = tmp_path / "etc" / "gateway.toml"
        known = dict(zip(ANSWERS[:-1:2], ANSWERS[1:-1:2], strict=True))
        known |= {"--broker": f"mqtt://127.0.0.1:{broker_port}", "--bridge": bridge.port, "--username": ""}
        known |= dict(zip(more[::2], more[1::2], strict=True))
        options = [part for pair in known.items() for part in pair]
        done = CliRunner().invoke(build(), ["setup", "--config", str(config), "--no-start", *options])
        return done.exit_code, done.output, config

    return run


def test_with_every_answer_given_nobody_is_asked(setup: Callable[..., tuple[int, str, Path]]) -> None:
    code, said, config = setup()
    assert code == 0, said
    assert "lets us in" in said, "the broker was tried"
    assert "radio channel 6" in said, "and the bridge"
    chosen = settings.load(config)
    assert (chosen.site.name, chosen.site.latitude, chosen.site.timezone) == ("grote-markt", 50.847, "Europe/Brussels")
    assert (chosen.mqtt.tls, chosen.mqtt.password_file) == (False, None)
    assert "# forward = " in config.read_text(), "what was not asked stays to be read"
    assert stat.S_IMODE((config.parent / "secrets.toml").stat().st_mode) == 0o600
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700


def test_the_password_comes_from_a_file_and_goes_into_one(
    setup: Callable[..., tuple[int, str, Path]], tmp_path: Path
) -> None:
    secret = tmp_path / "given"
    secret.touch(0o600)
    secret.write_text("open sesame\n")
    code, said, config = setup("--username", "grote-markt", "--password-file", str(secret))
    assert code == 0, said
    assert "open sesame" not in said + config.read_text()
    kept = config.parent / "password"
    assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == ("open sesame\n", 0o600)
    secret.chmod(0o644)
    code, said, _ = setup("--username", "grote-markt", "--password-file", str(secret))
    assert (code, "may be read by others" in said) == (2, True)


@pytest.mark.parametrize(
    ("option", "answer", "words"),
    [
        ("--site", "Grote Markt!", "site.name"),
        ("--position", "north", "is no position"),
        ("--position", "95, 4", "site.latitude"),
        ("--timezone", "Europe/Brusels", "did you mean 'Europe/Brussels'?"),
        ("--broker", "http://city", "is no broker"),
        ("--broker", "mqtt://name:secret@city", "leave name and password out"),
        ("--broker", "mqtt://127.0.0.1:1", "cannot be reached"),
        ("--bridge", "/dev/nobody", "plug the bridge in"),
        ("--ca", "/nowhere/ca.pem", "means nothing while mqtt.tls = false"),
    ],
)
def test_an_answer_that_cannot_be_right_is_refused_and_nothing_written(
    setup: Callable[..., tuple[int, str, Path]], option: str, answer: str, words: str
) -> None:
    code, said, config = setup(option, answer)
    assert (code, words in said) == (2, True), said
    assert not config.exists()


def test_run_again_what_a_person_wrote_stays(setup: Callable[..., tuple[int, str, Path]]) -> None:
    _, _, config = setup()
    config.write_text(config.read_text().replace("[log]", "[log]  # mine\nlevel = 'debug'") + "\n# and this\n")
    code, said, _ = setup("--site", "korenmarkt")
    assert code == 0, said
    text = config.read_text()
    assert settings.load(config).site.name == "korenmarkt"
    assert "# mine" in text
    assert "# and this" in text
    assert settings.load(config).log.level == "debug"


def test_a_broker_is_understood_as_people_write_it() -> None:
    assert broker("city.example") == City("city.example", 8883, True)
    assert broker("mqtt://city.example") == City("city.example", 1883, False)
    assert broker("mqtts://city.example:8884/") == City("city.example", 8884, True)
    assert place("50.847 4.352") == place("50.847,4.352") == (50.847, 4.352)
    assert place(" ") is None
    with pytest.raises(AnswerError):
        broker("mqtts://city:99999")


@pytest.mark.slow
def test_on_a_terminal_it_asks_tries_and_asks_again(tmp_path: Path, broker_port: int, bridge: PtyBridge) -> None:
    config = tmp_path / "etc" / "gateway.toml"
    paths = [str(firmware_dir().parent / "gateway"), str(firmware_dir())]
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "stoep", "setup", "--config", str(config), "--no-start"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "TERM": "dumb", "COLUMNS": "200"},
    )
    os.close(slave)
    said = ""

    def expect(words: str, answer: str | None = None) -> None:
        nonlocal said
        until = time.monotonic() + 20
        while words not in said:
            assert time.monotonic() < until, said
            if select.select([master], [], [], 0.2)[0]:
                said += os.read(master, 4096).decode(errors="replace")
        said = said.partition(words)[2]
        if answer is not None:
            os.write(master, answer.encode() + b"\n")

    try:
        expect("site called?", "two words")
        expect("site called?", "grote-markt")
        expect("north and east", "")
        expect("city's broker?", "mqtt://127.0.0.1:1")
        expect("our name there", "")
        expect("cannot be reached")
        expect("all the same?", "n")
        expect("city's broker?", f"mqtt://127.0.0.1:{broker_port}")
        expect("our name there", "")
        expect("lets us in")
        expect("is the bridge", bridge.port)
        expect("radio channel 6")
        expect("to start it: systemctl")
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)
    chosen = settings.load(config)
    assert (chosen.site.name, chosen.site.placed, chosen.bridge[0].port) == ("grote-markt", False, bridge.port)
