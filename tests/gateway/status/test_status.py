"""Asking the running gateway how it is: by socket, by command, by Prometheus, by systemd."""

import json
import logging
import re
import socket
import stat
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway_rig import MORNING, City, PlayedNode, PtyBridge, jump, mosquitto, sample, write_clock
from gateway_service import in_service
from stoep import cli, health, settings
from stoep.cli.status import age, render
from stoep.clock import real
from stoep.fleet import watch
from stoep.fleet.condition import Condition
from stoep.health import Pulse
from stoep.service.service import Service
from stoep.status import ask, vigil
from stoep.wire.messages import Place, Sample

PATIENCE = 12.0


def eventually(look: Callable[[], Any], wanted: Callable[[Any], Any]) -> Any:
    until = real() + PATIENCE
    while True:
        try:
            found = look()
            if wanted(found):
                return found
        except (ask.NotRunningError, urllib.error.URLError):
            found = None
        assert real() < until, found
        threading.Event().wait(0.05)


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.build(), list(words), env={"COLUMNS": "140"})
    return result.exit_code, result.output


BIN = sample(1, 5)
MOVES = 4711
BENCH = Sample(1, 1, 3, 5, (1853, 5512, -12, MOVES, 4123, 100))  # somebody has passed before it


def speak(bridge: PtyBridge, node: PlayedNode, taken: Sample = BIN) -> None:
    """A node is heard, with one sample."""
    bridge.filters.get(timeout=5)
    for some in ((taken,), (taken,), ()):
        frame = node.report(*some, tick=40, floor=Place(1, 1), back=None if some else 1)
        bridge.hear(frame)
        node.open(bridge.sent.get(timeout=3).frame)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_SOONEST", 0.3)


@pytest.mark.slow
def test_a_technician_sees_nodes_links_clock_and_store_while_the_service_runs(
    site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, tmp_path: Path
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    config = site(port=bridge.port, broker=1)
    with socket.socket(socket.AF_UNIX) as left_by_a_kill, ask._address(ask.place(tmp_path / "stoep.db")) as address:
        left_by_a_kill.bind(address)
    with in_service(config):
        speak(bridge, node)
        said = eventually(
            lambda: ask.ask(tmp_path / "stoep.db"), lambda said: said["table"] and said["table"][0]["waiting_here"]
        )
        code, shown = run("status", "--config", str(config))
        place = ask.place(tmp_path / "stoep.db")
        assert stat.S_IMODE(place.stat().st_mode) == 0o660
    assert code == 0, shown
    (row,) = said["table"]
    assert (row["node"], row["kind"], row["waiting_here"], row["problems"]) == ("bin-1", "bin", 1, [])
    assert abs(row["last_heard"] - MORNING) < 120
    for words in ("bin-1", "bridge  ok", "clock   ok", "store   ok", "messages wait", "city    !!"):
        assert words in shown, shown
    assert not place.exists()


def test_where_no_service_runs_it_says_so_and_does_not_show_yesterdays_news(
    site: Callable[..., Path], tmp_path: Path
) -> None:
    config = site()
    code, shown = run("status", "--config", str(config))
    assert code == 1
    assert "no gateway runs with the store" in shown
    left_by_a_kill = socket.socket(socket.AF_UNIX)
    with left_by_a_kill, ask._address(ask.place(tmp_path / "stoep.db")) as address:
        left_by_a_kill.bind(address)
    code, shown = run("status", "--config", str(config))
    assert code == 1
    assert "no gateway runs with the store" in shown


def test_a_service_that_hangs_is_told_from_one_that_does_not_run(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as hanging:
        with ask._address(ask.place(tmp_path / "stoep.db")) as address:
            hanging.bind(address)
        hanging.listen()
        with pytest.raises(ask.NotRunningError, match="runs but does not answer"):
            ask.ask(tmp_path / "stoep.db", 0.2)


def test_whoever_asks_and_does_not_listen_keeps_nobody_else_waiting_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "_SLOW", 0.3)
    answering = ask.Answering(tmp_path / "stoep.db", lambda: {"long": "x" * 3_000_000}, Pulse())
    stop = threading.Event()
    thread = threading.Thread(target=answering.run, args=(stop,))
    thread.start()
    try:
        eventually(lambda: ask.place(tmp_path / "stoep.db").exists(), bool)
        with socket.socket(socket.AF_UNIX) as deaf, ask._address(ask.place(tmp_path / "stoep.db")) as address:
            eventually(lambda: deaf.connect_ex(address), lambda code: code in {0, 106})
            assert len(eventually(lambda: ask.ask(tmp_path / "stoep.db"), bool)["long"]) == 3_000_000
    finally:
        stop.set()
        thread.join(5)


def test_problems_come_first_and_in_words(tmp_path: Path) -> None:
    from rich.console import Console

    rows = [
        {"node": "bin-1", "kind": "bin", "last_heard": 999_990, "waiting_here": 3, "waiting_there": 0, "volts": 3.31}
        | {"battery_left": {"days": 12, "soonest": 9, "latest": 17}, "problems": []},
        {"node": "bin-2", "kind": "bin", "last_heard": None, "waiting_here": 0, "waiting_there": 0, "volts": None}
        | {"battery_left": None, "problems": ["silent", "range cannot be read"]},
    ]
    said = {
        "version": "1",
        "time": 1_000_000,
        "started": 900_000,
        "clock_trusted": False,
        "counters": {"outbox": 7},
        "store": {"path": "stoep.db", "bytes": 3e6, "free": 1e6},
        "stages": {"refine": 65.0, "uplink": 0.1},
        "bridges": [{"port": "/dev/ttyUSB0", "alive": False, "problem": "plug it in", "state": "closed"}],
        "table": rows,
    }
    console = Console(width=140, record=True, file=(tmp_path / "out").open("w"))
    console.print(render(said))
    shown = console.export_text()
    console.file.close()
    assert shown.index("bin-2") < shown.index("bin-1")
    for words in ("refine stands still for 65 s", "!! /dev/ttyUSB0: plug it in", "7 messages wait", "not trusted yet"):
        assert words in shown
    assert "3.31 V, 12 days (9-17)" in shown
    assert "silent; range cannot be read" in shown
    assert "never" in shown


@pytest.mark.parametrize(("seconds", "words"), [(3, "3 s"), (600, "10 min"), (9000, "2 h"), (400_000, "5 days")])
def test_ages_are_said_as_one_says_them(seconds: float, words: str) -> None:
    assert age(seconds) == words


# -- the ledger's command ----------------------------------------------------------------------------------------------


def test_the_ledger_is_read_beside_the_running_service_and_after_it(
    site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, tmp_path: Path
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    config = site(port=bridge.port, broker=1)
    with in_service(config):
        speak(bridge, node)
        _, shown = eventually(
            lambda: run("ledger", "--config", str(config), "--json"), lambda said: '"kept": 1' in said[1]
        )
        assert json.loads(shown)["2026-06-01"]["total"]["expected"] == 1
    code, shown = run("ledger", "--config", str(config), "--day", "2026-06-01")
    assert code == 0, shown
    assert re.search(r"bin-1 +│ +1 │ +0 │ +1 │ +0 ", shown), shown
    assert run("ledger", "--config", str(config), "--day", "2026-05-01")[1].startswith("stoep ledger: there is nothing")
    assert "is no day" in run("ledger", "--config", str(config), "--day", "yesterday")[1]


def test_a_store_that_is_not_there_is_told_with_what_to_do(site: Callable[..., Path], tmp_path: Path) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    code, shown = run("ledger", "--config", str(site()))
    assert code == 1
    assert "has the gateway ever run with these settings" in shown


# -- Prometheus --------------------------------------------------------------------------------------------------------


def test_prometheus_finds_counters_links_ages_and_the_fleet_on_loopback(
    site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, tmp_path: Path, free_port: int
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    config = site(port=bridge.port, broker=1, more=f"[metrics]\nport = {free_port}\n")

    def look() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/metrics", timeout=3) as answer:
            return str(answer.read(), "utf-8")

    with in_service(config):
        speak(bridge, node)
        text = eventually(look, lambda said: 'stoep_node_waiting_samples{node="bin-1"} 1.0' in said)
    assert re.search(r"^stoep_frames_total 3\.0$", text, re.MULTILINE)
    assert f'stoep_bridge_up{{port="{bridge.port}"}} 1.0' in text
    assert "stoep_broker_connected 0.0" in text
    assert "stoep_fleet_nodes 1.0" in text
    assert re.search(r'stoep_node_heard_age_seconds\{node="bin-1"\} \d', text)
    assert re.search(r'stoep_stage_age_seconds\{stage="refine"\} \d', text)


def test_nothing_that_a_node_measured_is_in_the_metrics(
    site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, tmp_path: Path, free_port: int
) -> None:
    """Motion, lid and lamp level leave as sums of quarter hours and by no other door."""
    from stoep.wire.channels import catalogue

    write_clock(tmp_path / "clock", utc=MORNING)
    config = site(port=bridge.port, broker=1, more=f"[metrics]\nport = {free_port}\n")
    with in_service(config) as running:
        speak(bridge, node, BENCH)
        said = eventually(running._report, lambda said: said["table"] and said["table"][0]["waiting_here"])
        with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/metrics", timeout=3) as answer:
            text = str(answer.read(), "utf-8")
    names = {channel.name for channel in catalogue().channels.values()} - {"failures"}  # a word of the counters, too
    for document in (text, json.dumps(said)):
        assert not [name for name in names if name in document]
        # Whole figures, however they are written: a time stamp may well have 4711 somewhere within.
        figures = {float(said) for said in re.findall(r"\d+(?:\.\d+)?", document)}
        assert not figures & {18.53, 1853, 55.12, 5512, 4.123, 4123, MOVES}


def test_without_a_table_for_it_nobody_listens(site: Callable[..., Path], tmp_path: Path) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    running = Service(settings.load(site()))
    assert running._metrics is None
    running._database.close()


def test_a_port_that_is_taken_costs_the_metrics_and_nothing_else(
    site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, tmp_path: Path, free_port: int
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        with in_service(site(port=bridge.port, broker=1, more=f"[metrics]\nport = {free_port}\n")):
            speak(bridge, node)


# -- the city ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_city_gets_the_fleets_share_and_the_receipt_of_a_day_that_is_over(
    site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, broker_port: int, city: City, tmp_path: Path
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    with in_service(site(port=bridge.port, broker=broker_port, more="[store]\ncommit_seconds = 0.1\n")):
        speak(bridge, node)
        fleet = city.wait(lambda city: [said["fleet"] for said in city.of("/gateway") if "fleet" in said], PATIENCE)[0]
        jump(tmp_path / "clock", 20 * 3600)
        receipt = city.wait(lambda city: city.of("grote-markt/ledger"), PATIENCE)[0]
        state = city.wait(lambda city: [s for s in city.of("/state") if "usable" in s["health"]], PATIENCE)[0]
    assert (fleet["nodes"], fleet["silent"]) == (1, [])
    assert state["health"]["silent"] in {True, False}
    total = receipt["total"]
    assert (receipt["day"], receipt["revision"], receipt["nodes"][0]["node"]) == ("2026-06-01", 1, "bin-1")
    assert total["delivered"] + total["kept"] == 1
    assert total["expected"] == 1 + total["owed"] + sum(total["lost"].values())
    assert not [topic for topic, _, retained in city.messages if topic.endswith("/ledger") and retained]


# -- systemd -----------------------------------------------------------------------------------------------------------


def test_a_stage_that_hangs_is_named_and_the_watchdog_is_not_fed(
    site: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    monkeypatch.setattr(vigil, "notify", told.append)
    write_clock(tmp_path / "clock", utc=MORNING)
    running = Service(settings.load(site()))
    running._vigil.feed()
    assert told[0] == "WATCHDOG=1"
    assert told[1].startswith("STATUS=")
    told.clear()
    running._pulse._beats["refine"] = real() - 61
    for _ in range(100):
        running._vigil.feed()
    assert told == ["STATUS=no progress in refine: the watchdog is not fed"]
    assert len([record for record in caplog.records if "refine" in record.message]) == 1
    running._database.close()


@pytest.mark.slow
def test_every_thread_shows_that_it_gets_on(
    site: Callable[..., Path], bridge: PtyBridge, tmp_path: Path, free_port: int
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        metrics = other.getsockname()[1]
    with mosquitto(free_port, tmp_path, "allow_anonymous true"):
        more = f"[metrics]\nport = {metrics}\n[local_broker]\nport = {free_port}\n"
        with in_service(site(port=bridge.port, broker=1, more=more)) as running:
            wanted = {"journal", "refine", "survey", "uplink", "status", "metrics"}
            wanted |= {bridge.port, f"mqtt://127.0.0.1:{free_port}"}
            eventually(running._pulse.ages, lambda ages: ages.keys() >= wanted)
            threading.Event().wait(1.5)
            assert max(running._pulse.ages().values()) < 1.5
            sentence = running._status.sentence()
        assert not {bridge.port, f"mqtt://127.0.0.1:{free_port}"} & running._pulse.ages().keys()
    assert "messages wait" in sentence


# -- the journal -------------------------------------------------------------------------------------------------------


def test_what_goes_on_for_ever_is_logged_more_and_more_rarely(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    monkeypatch.setattr(health, "real", lambda: now)
    say = health.Bounded(logging.getLogger("test"))
    for second in range(86_400):
        now = float(second)
        say.say("unknown", "a neighbour's node")
    assert 24 < len(caplog.records) < 40
    now += 600
    say.say("unknown", "after ten minutes of quiet it is news")
    assert caplog.records[-1].message.startswith("after ten minutes of quiet it is news (and ")


def test_a_node_that_falls_silent_is_a_warning_once_and_good_news_when_it_is_back(
    site: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    write_clock(tmp_path / "clock", utc=MORNING)
    running = Service(settings.load(site()))
    status_ = running._status
    silent = Condition(b"\xc0\xff\xee\x01", "bin-1", "bin", 900, heard=MORNING - 86_400)
    status_._started -= 86_400
    status_._conditions = lambda: {silent.kid: silent}
    for _ in range(3):
        status_.publish({}, now=True)
    status_._conditions = lambda: {silent.kid: replace(silent, heard=MORNING)}
    status_.publish({}, now=True)
    running._database.close()
    told = [(record.levelname, record.message) for record in caplog.records if "bin-1" in record.message]
    assert told == [("WARNING", "bin-1 is silent"), ("INFO", "bin-1 is heard again, or gone from the registry")]


def test_a_bridge_that_is_not_there_is_a_warning_once(
    site: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    write_clock(tmp_path / "clock", utc=MORNING)
    missing = str(tmp_path / "no-bridge")
    with in_service(site(port=missing, broker=1)) as running:
        eventually(lambda: running._counters["bridge_failures"], lambda count: count >= 3)
    assert [record.levelname for record in caplog.records if missing in record.message] == ["WARNING"]
