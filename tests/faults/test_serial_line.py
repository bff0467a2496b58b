"""A slice of `python tests/faults/serial_line.py`, and proof that its rig would notice."""

import asyncio
import os
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import serial_cases
from serial_cases import Outcome
from serial_line import weathers
from serial_noise import BOOT_TEXT, Noise, Weather
from serial_rig import Rig

from stoep.resources import firmware_dir
from stoep.wire import serial as line


def _all_hold(*cases: Coroutine[Any, Any, Outcome]) -> None:
    async def run() -> list[Outcome]:
        return list(await asyncio.gather(*cases))

    for outcome in asyncio.run(run()):
        assert not outcome.failed, outcome


# -- what holds --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_0x03_at_any_millisecond_of_a_boot_costs_at_most_another_boot(tmp_path: Path) -> None:
    _all_hold(serial_cases.interrupted_boots(1, 1.0, tmp_path, 1))


@pytest.mark.slow
def test_a_burst_of_0x03_does_not_get_through_either(tmp_path: Path) -> None:
    _all_hold(serial_cases.interrupted_boots(3, 0.2, tmp_path, 2))


@pytest.mark.slow
def test_noise_makes_no_frame_costs_none_but_what_it_touched_and_leaves_nothing_behind(tmp_path: Path) -> None:
    every = weathers()
    _all_hold(
        serial_cases.noise("flips", every["bits flipped at 1e-04"], 3, "link", tmp_path / "1", 1),
        serial_cases.noise("flips", every["bits flipped at 1e-03"], 3, "link", tmp_path / "2", 2, both=False),
        serial_cases.noise("lost", every["bytes lost at 1e-02"], 3, "link", tmp_path / "3", 3, both=False),
        serial_cases.noise("all", every["all at once"], 3, "framing", tmp_path / "4", 4),
    )


@pytest.mark.slow
def test_resets_and_pulled_cables_in_mid_frame(tmp_path: Path) -> None:
    _all_hold(
        serial_cases.resets(5, "framing", tmp_path / "1", 1),
        serial_cases.resets(5, "link", tmp_path / "2", 2),
        serial_cases.pulled(3, "link", tmp_path / "3", 3),
    )


@pytest.mark.slow
def test_ever_new_senders_do_not_fill_the_bridge(tmp_path: Path) -> None:
    _all_hold(serial_cases.crowded(700, "link", tmp_path, 1))


@pytest.mark.slow
@pytest.mark.parametrize("names", [("random", "over-long frames"), ("0x03", "frames of no known kind")])
def test_a_flood_ends(tmp_path: Path, names: tuple[str, ...]) -> None:
    garbage = serial_cases.floods(1, 100_000)
    both = [(name, kind) for name in names for kind in ("link", "framing")]
    _all_hold(*(serial_cases.flood(name, garbage[name], kind, tmp_path / f"{kind} {name}", 1) for name, kind in both))


@pytest.mark.slow
def test_a_flood_faster_than_the_bridge_reads_leaves_it_its_radio_and_its_hello(tmp_path: Path) -> None:
    _all_hold(serial_cases.drowned(2.5, "link", tmp_path, 1))


# -- the rig itself ----------------------------------------------------------------------------------------------------

_SEND = line.frame(line.Send(bytes(6), b"a frame that is sent").to_bytes())


def test_the_account_knows_what_must_arrive() -> None:
    noise = Noise("1")
    assert noise.through(_SEND + _SEND) == _SEND * 2
    assert noise.due.total() == noise.sent.total() == 2
    noise.interrupted()  # between two frames: the next one is spoilt, the one behind it is not
    noise.through(_SEND + _SEND)
    assert noise.due.total() == 3
    noise.through(_SEND[:5])
    noise.interrupted()  # within a frame, whose zero still ends it
    noise.through(_SEND[5:] + _SEND)
    assert (noise.due.total(), noise.sent.total()) == (4, 6)
    assert noise.through(_SEND + _SEND, room=10) == _SEND[:10]  # a full ring: both are lost
    assert noise.due.total() == 4
    noise.through(_SEND + _SEND)
    assert noise.due.total() == 5, "the first had lost the zero before it"


def test_each_kind_of_weather_comes_as_often_as_it_should() -> None:
    data = bytes(range(1, 256)) * 200
    for weather, length in (
        (Weather(flips=1e-3), 51_000),
        (Weather(drops=1e-2), 50_490),
        (Weather(doubles=1e-2), 51_510),
        (Weather(ctrl_c=1e-2), 51_510),
        (Weather(boot_text=1e-3), 51_000 + 51 * len(BOOT_TEXT)),
    ):
        noise = Noise("1")
        noise.weather = weather
        assert abs(len(noise.through(data)) - length) <= 0.3 * abs(length - 51_000)
        expected = 51_000 * (8 * weather.flips + weather.drops + weather.doubles + weather.ctrl_c + weather.boot_text)
        assert abs(noise.touched - expected) <= 0.3 * expected


def _firmware(directory: Path, **files: str) -> Path:
    shutil.copytree(firmware_dir() / "node", directory / "node")
    shutil.copytree(firmware_dir() / "bridge", directory / "bridge")
    for name in ("boot", "main"):
        (directory / f"{name}.py").write_text(files.get(name, (firmware_dir() / f"{name}.py").read_text()))
    return directory


async def _until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


def test_0x03_interrupts_while_ctrl_c_is_on_and_is_a_byte_when_it_is_off(tmp_path: Path) -> None:
    main = """
import micropython, sys
try:
    print("on")
    while True:
        pass
except KeyboardInterrupt:
    print("interrupted")
micropython.kbd_intr(-1)
print("off")
print(sys.stdin.buffer.read(2))
micropython.kbd_intr(3)
print("on again")
while True:
    pass
"""

    async def run() -> list[str]:
        async with Rig(tmp_path / "rig", 1, _firmware(tmp_path / "firmware", main=main)).built() as rig:
            rig.switch_on()
            for said in ("on", "off", "on again"):
                await _until(lambda said=said: said in rig.said)
                rig.line.insert_down(b"\x03a\x03" if said == "off" else b"\x03")
            await _until(lambda: rig.findings)
            assert "main.py ended" in rig.findings[0]
            assert "KeyboardInterrupt" in rig.findings[0]
        return rig.said

    assert asyncio.run(run()) == ["on", "interrupted", "off", r"b'\x03a'", "on again"]


def test_no_0x03_interrupts_once_ctrl_c_is_off_however_many_came(tmp_path: Path) -> None:
    main = """
import micropython
caught = 0
while caught < 20:
    try:
        micropython.kbd_intr(3)
        sum(range(30_000))  # a moment in C
        micropython.kbd_intr(-1)
        for _ in b" ":
            pass  # the first jump: what waited is raised here, with Ctrl-C off
    except KeyboardInterrupt:
        caught += 1
print("caught", caught)
micropython.kbd_intr(3)
while True:
    pass
"""

    async def run() -> tuple[list[str], list[str]]:
        async with Rig(tmp_path / "rig", 1, _firmware(tmp_path / "firmware", main=main)).built() as rig:
            rig.switch_on()
            async with asyncio.timeout(60):
                while not rig.findings:
                    if rig.line.ctrl_c is not None:
                        rig.line.insert_down(b"\x03")
                    await asyncio.sleep(0)
        return rig.said, rig.findings

    said, findings = asyncio.run(run())
    assert said == ["caught 20"], findings
    assert "main.py ended" in findings[0]


def test_an_interrupted_wait_for_an_answer_does_not_leave_it_to_the_next_one(tmp_path: Path) -> None:
    main = """
import espnow, micropython, network
micropython.kbd_intr(-1)
network.WLAN(network.WLAN.IF_STA).active(True)
network.WLAN(network.WLAN.IF_STA).config(channel=6)
radio = espnow.ESPNow()
radio.active(True)
nobody, somebody = b"nobody", bytes.fromhex("240ac4000001")
radio.add_peer(nobody)
radio.add_peer(somebody)
print("ready")
for _ in range(30):
    try:
        micropython.kbd_intr(3)
        while True:
            radio.send(nobody, b"x", True)
    except KeyboardInterrupt:
        micropython.kbd_intr(-1)
    print(radio.send(somebody, b"x", True))
"""

    async def run() -> list[str]:
        async with Rig(tmp_path / "rig", 1, _firmware(tmp_path / "firmware", boot="", main=main)).built() as rig:
            rig.switch_on()
            interrupted = 0
            async with asyncio.timeout(20):
                while not rig.findings:
                    if rig.line.ctrl_c is not None and len(rig.said) == interrupted + 1:
                        await asyncio.sleep(0.003)  # it is waiting by now
                        rig.line.insert_down(b"\x03")
                        interrupted += 1
                    await asyncio.sleep(0)
        assert "main.py returned" in rig.findings[0]
        return rig.said

    assert asyncio.run(run()) == ["ready"] + ["True"] * 30


def test_only_a_board_without_identity_lets_a_technician_in(tmp_path: Path) -> None:
    async def run() -> list[str]:
        async with Rig(tmp_path, 1).built(commissioned=False) as rig:
            rig.switch_on()
            await _until(lambda: any(said.startswith("uncommissioned") for said in rig.said))
            await asyncio.sleep(0.05)
            rig.line.insert_down(b"\r\x03")  # as mpremote begins
            await _until(lambda: rig.findings)
        return rig.findings

    assert asyncio.run(run()) == ["bridge stuck at the REPL: main.py returned"]  # where its watchdog still runs


@pytest.mark.slow
@pytest.mark.parametrize("weak", ["boot", "main"])
def test_a_boot_without_its_guard_is_found_out(tmp_path: Path, weak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = (firmware_dir() / "boot.py").read_text().split("\n")[0]
    files = {
        "boot": f"{first}\nfor _ in range(100_000):\n    pass\n",
        "main": "import machine\ntry:\n    from node import start\n    start.purpose().run()\n"
        "except BaseException:\n    pass\nmachine.deepsleep(60_000)\n",
    }
    firmware = _firmware(tmp_path / "firmware", **{weak: files[weak]})
    monkeypatch.setattr(serial_cases, "Rig", lambda directory, seed: Rig(directory, seed, firmware))
    monkeypatch.setattr(serial_cases, "BOOTS_WITHIN", 0.3)
    outcome = asyncio.run(serial_cases.interrupted_boots(1, 0.5, tmp_path / "rig", 1))
    assert outcome.stopped
    assert outcome.findings


def test_a_ring_that_is_never_empty_is_a_flood(tmp_path: Path) -> None:
    async def run() -> None:
        async with Rig(tmp_path, 1).built() as rig:
            rig.switch_on()
            await _until(lambda: rig.hellos)
            assert rig.line.fill(os.urandom(8192)) == 8192
            assert rig.line.fill(os.urandom(8192)) < 8192

    asyncio.run(run())
