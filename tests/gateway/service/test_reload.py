"""SIGHUP: what can change while the gateway runs does, what cannot is named, and a wrong file changes nothing."""

import logging
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway_rig import MORNING, City, PlayedNode, PtyBridge, eventually, sample, write_clock
from gateway_service import serving
from stoep import settings
from stoep.service.reload import Reload, differences
from stoep.service.service import Service
from stoep.wire.messages import Place

PLACE = 'latitude = 50.85\nlongitude = 4.35\ntimezone = "Europe/Brussels"\n'


class Changed:
    """gateway.toml of a site with a place, and a `Reload` of it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.change("[[bridge]]", f"{PLACE}[[bridge]]")
        self.change("[clock]", '[lighting]\ndim = 20\n[log]\nlevel = "info"\n[clock]')
        self.taken: list[settings.Settings] = []
        self.reload = Reload(settings.load(file), self.taken.append)

    def change(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))


@pytest.fixture
def changed(site: Callable[..., Path]) -> Changed:
    return Changed(site())


def test_what_can_change_is_taken(changed: Changed) -> None:
    changed.change("dim = 20", "dim = 40")
    changed.change("50.85", "51.05")
    changed.change('"info"', '"debug"')
    changed.reload.again()
    (taken,) = changed.taken
    assert (taken.lighting.dim, taken.site.latitude, taken.log.level) == (40, 51.05, "debug")
    assert changed.reload.status() == {}


def test_what_cannot_change_is_named_and_stays_until_it_is_taken_back(changed: Changed) -> None:
    changed.change("grote-markt", "vismarkt")
    changed.change("[store]\n", '[store]\npath = "other.db"\n')
    changed.change('host = "127.0.0.1"', 'host = "127.0.0.2"')
    changed.change("dim = 20", "dim = 40")
    changed.reload.again()
    taken = changed.taken[-1]
    assert (taken.site.name, taken.store.path, taken.mqtt.host) == ("grote-markt", "stoep.db", "127.0.0.1")
    assert taken.lighting.dim == 40, "the rest of the file is in force"
    assert changed.reload.status() == {"restart_needed": ["site.name", "mqtt.host", "store.path"]}
    changed.reload.again()
    assert changed.reload.status()["restart_needed"], "it is no news, but still so"
    changed.change("vismarkt", "grote-markt")
    changed.change('path = "other.db"\n', "")
    changed.change("127.0.0.2", "127.0.0.1")
    changed.reload.again()
    assert changed.reload.status() == {}


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        (
            "gateway.toml",
            "dim = 20",
            "dim = 2000",
            r"lighting\.dim = 2000: expected `int` <= 100; write a whole number",
        ),
        ("gateway.toml", "[mqtt]", "[mqqt]", r"mqqt: is not a setting; did you mean `mqtt`\?"),
        ("nodes.toml", '"bin"', '"cow"', r"node\[0\]\.kind = 'cow'"),
    ],
)
def test_a_wrong_file_changes_nothing_and_is_told(file: str, old: str, new: str, named: str, changed: Changed) -> None:
    changed.change('"info"', '"debug"')
    wrong = changed.file.with_name(file)
    good = wrong.read_text()
    wrong.write_text(good.replace(old, new))
    changed.reload.again()
    assert changed.taken == []
    assert re.search(named, str(changed.reload.status()["settings_problem"]))
    wrong.write_text(good)
    changed.reload.again()
    assert changed.taken[-1].log.level == "debug"
    assert changed.reload.status() == {}


def test_a_site_cannot_lose_its_place_under_its_lamp_groups(changed: Changed, node: PlayedNode) -> None:
    kids = [node.kid.hex(), "1a3b0002"]
    posts = "".join(f'[[node]]\nkid = "{kid}"\nname = "post-{kid}"\nkind = "lamppost"\n' for kid in kids)
    lamps = ", ".join(f'{{ node = "post-{kid}", metres = {25 * n} }}' for n, kid in enumerate(kids))
    changed.file.with_name("nodes.toml").write_text(f'{posts}[[group]]\nname = "lane"\nlamps = [{lamps}]\n')
    secrets = changed.file.with_name("secrets.toml")
    secrets.write_text(secrets.read_text() + f'1a3b0002 = "{"ab" * 32}"\n[groups]\nlane = "{"cd" * 32}"\n')
    changed.reload.again()
    assert changed.reload.status() == {}
    changed.change(PLACE, "")
    changed.change("[lighting]\ndim = 20\n", "")
    changed.reload.again()
    assert "needs to know when it is dark" in str(changed.reload.status()["settings_problem"])
    assert changed.taken[-1].site.placed


def test_differences_are_named_by_their_keys(changed: Changed) -> None:
    one = settings.load(changed.file)
    changed.change("dim = 20", "dim = 40")
    changed.change("[clock]", "[local_broker]\n[clock]")
    other = settings.load(changed.file)
    assert list(differences(one, other)) == ["lighting.dim", "local_broker"]
    assert list(differences(one, one)) == []


# -- the service -------------------------------------------------------------------------------------------------------


@pytest.fixture
def level() -> Iterator[None]:
    root = logging.getLogger()
    before = root.level
    yield
    root.setLevel(before)


@pytest.mark.slow
@pytest.mark.usefixtures("level")
def test_the_city_is_told_what_waits_for_a_restart_and_what_is_wrong(
    changed: Changed, bridge: PtyBridge, broker_port: int, city: City, tmp_path: Path
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    changed.change("/dev/ttyUSB0", bridge.port)
    changed.change("port = 1883", f"port = {broker_port}")
    service = Service(settings.load(changed.file))
    stop, again = threading.Event(), threading.Event()
    thread = threading.Thread(target=service.run, args=(stop, again))
    thread.start()
    try:
        changed.change('"info"', '"error"')
        changed.change("dim = 20", "dim = 45")
        changed.change("[mqtt]", "[mqtt]\nkeepalive = 60")
        again.set()
        said = city.wait(lambda city: [said for said in city.of("/gateway") if "restart_needed" in said])
        assert said[0]["restart_needed"] == ["mqtt.keepalive"]
        assert logging.getLogger().level == logging.ERROR
        assert service._lights._lighting.dim == 45
        changed.change("dim = 45", "dim = 4500")
        again.set()
        said = city.wait(lambda city: [said for said in city.of("/gateway") if "settings_problem" in said])
        assert "lighting.dim = 4500" in said[0]["settings_problem"]
        assert service._lights._lighting.dim == 45
    finally:
        stop.set()
        thread.join(10)


@pytest.mark.slow
def test_a_calibration_entered_afterwards_says_its_windows_again(
    site: Callable[..., Path], bridge: PtyBridge, node: PlayedNode, broker_port: int, city: City, tmp_path: Path
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING + 600, speed=240)
    with serving(site(port=bridge.port, broker=broker_port)) as process:
        bridge.filters.get(timeout=8)
        for _ in range(2):
            bridge.hear(node.report(sample(1, 5)))
            node.open(bridge.sent.get(timeout=3).frame)
        time.sleep(1.2)
        bridge.hear(node.report(tick=300, floor=Place(1, 1), back=1))
        first = city.wait(lambda city: city.of("/window"))[0]["channels"]["temperature"]
        (tmp_path / "calibration.toml").write_text(
            f'[[calibration]]\nkid = "{node.kid.hex()}"\nchannel = "temperature"\nversion = 1\nname = "ice water"\n'
            "valid_from = 2026-06-01T00:00:00Z\noffset = -0.5\n"
        )
        process.send_signal(signal.SIGHUP)
        again = city.wait(lambda city: [said for said in city.of("/window") if said["revision"] == 2])[0]
    warmth = again["channels"]["temperature"]
    assert first["mean"] == 18.53
    assert (warmth["mean"], warmth["raw"]["mean"]) == (18.03, 18.53)
    assert warmth["correction"] == {"version": 1, "name": "ice water"}


@pytest.mark.slow
def test_a_hangup_does_not_end_the_process(changed: Changed, bridge: PtyBridge, tmp_path: Path) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    changed.change("/dev/ttyUSB0", bridge.port)
    with serving(changed.file) as process:
        bridge.filters.get(timeout=8)
        nodes = tmp_path / "nodes.toml"
        nodes.write_text("# nobody\n")
        began = time.monotonic()
        process.send_signal(signal.SIGHUP)
        eventually(lambda: not bridge.filters.empty())
        assert bridge.filters.get().kids == ()
        assert time.monotonic() - began < 4, "at once, not at the next look at the registry"
        changed.change('name = "grote-markt"', 'name = "vismarkt"')
        process.send_signal(signal.SIGHUP)
        time.sleep(1.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(8) == 0
        assert process.stderr is not None
        assert "site.name cannot change while the gateway runs: restart it" in process.stderr.read()
