"""What breaks in the street is said to the city, and said again when it is well."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stoep_twin import technician
from stoep_twin.chips.lamp import Failing
from stoep_twin.faults import Kind
from stoep_twin.street import Options, Street


class _Watched:
    """A small street, and the alarms that the city hears of it."""

    def __init__(self, directory: Path, wanted: tuple[str, ...], lampposts: int = 0) -> None:
        options = Options(bins=1, lampposts=lampposts, speed=480.0, interval=120, loss=0.0, directory=directory)
        self.street = Street(options)
        self.events: list[tuple[str, bool]] = []
        self.tracebacks: list[str] = []
        self.health: dict[str, Any] = {}  # the last that a node said of itself
        heard = self.street._heard

        def listen(topic: str, message: Any) -> None:
            if topic.endswith("/event") and message["alarm"] in wanted:
                self.events.append((message["alarm"], message["raised"]))
                if message["traceback"]:
                    self.tracebacks.append(message["traceback"])
            if topic.endswith("/state") and message["health"] and message["health"]["node"]:
                self.health = message["health"]["node"]
            heard(topic, message)

        self.street._heard = listen  # type: ignore[method-assign]

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not true():
                self.street.check()
                await asyncio.sleep(0.05)


@pytest.mark.slow
def test_a_sensor_that_is_gone_costs_its_readings_and_no_other_and_is_an_alarm(tmp_path: Path) -> None:
    async def live() -> list[tuple[str, bool]]:
        watched = _Watched(tmp_path, ("climate_failing",))
        street = watched.street
        async with street.running():
            street.break_part("bin-1", "climate", Kind.ABSENT)
            await watched.until(lambda: len(watched.events) == 1)
            counts = street.nodes["bin-1"].counts
            assert counts.keys() == {"fill_distance", "fill_level", "tilt", "lid_count", "battery_voltage"}
            street.mend_part("bin-1", "climate")
            await watched.until(lambda: len(watched.events) == 2)
            assert "temperature" in street.nodes["bin-1"].counts
            assert street.faults == 0, street.findings
        return watched.events

    assert asyncio.run(live()) == [("climate_failing", True), ("climate_failing", False)]


_PARTS = (
    ("bin-1", "range", "range_failing"),
    ("bin-1", "motion", "motion_failing"),
    ("bin-1", "battery", "battery_failing"),
    ("lamppost-1", "particles", "particles_failing"),
    ("lamppost-1", "co2", "co2_failing"),
)


@pytest.mark.slow
def test_every_sensor_that_stays_away_is_an_alarm_by_its_name_and_one_when_it_is_back(tmp_path: Path) -> None:
    async def live() -> list[tuple[str, bool]]:
        watched = _Watched(tmp_path, tuple(alarm for _, _, alarm in _PARTS), lampposts=1)
        street = watched.street
        async with street.running():
            for node, part, _ in _PARTS:
                street.break_part(node, part, Kind.ABSENT)
            await watched.until(lambda: len(watched.events) == len(_PARTS))
            assert all("temperature" in node.counts for node in street.nodes.values())
            for node, part, _ in _PARTS:
                street.mend_part(node, part)
            await watched.until(lambda: len(watched.events) == 2 * len(_PARTS))
            assert street.faults == 0, street.findings
        return watched.events

    events = asyncio.run(live())
    alarms = sorted(alarm for _, _, alarm in _PARTS)
    assert sorted(events[: len(_PARTS)]) == [(alarm, True) for alarm in alarms]
    assert sorted(events[len(_PARTS) :]) == [(alarm, False) for alarm in alarms]


@pytest.mark.slow
def test_firmware_that_fails_at_every_sample_ends_in_safe_mode_and_tries_again_a_day_later(
    tmp_path: Path, own_firmware: Callable[[], Path]
) -> None:
    """The board goes on talking, says why, and is a whole node again when the fault is gone."""
    broken = own_firmware()
    driver = broken / "node" / "sensors" / "bme280.py"
    sound = driver.read_text()
    driver.write_text(sound + "\n\nraise RuntimeError('a bad release')\n")

    async def live() -> list[tuple[str, bool]]:
        watched = _Watched(tmp_path / "street", ("crashed", "safe_mode"))
        street = watched.street
        async with street.running():
            board = street.nodes["bin-1"].board
            await watched.until(lambda: len(watched.events) == 2)
            driver.write_text(sound)
            async with board.hands:
                await board.run_script("from node import crash\nprint('kept', crash.last())\n")
                street.clock.jump(86400.0)
            await watched.until(lambda: len(watched.events) == 4)
            assert street.nodes["bin-1"].counts
            await watched.until(lambda: watched.health.get("wakes", 0) > 0)
        (told,) = watched.tracebacks
        assert told.startswith("0.1.0 measuring: ")
        assert told.endswith("RuntimeError: a bad release")
        assert watched.health["crashes"] == 5
        assert watched.health["heap_free_least"] > 0
        return watched.events

    events = asyncio.run(live())
    assert events[:2] == [("crashed", True), ("safe_mode", True)]
    assert sorted(events[2:]) == [("crashed", False), ("safe_mode", False)]
    said = (tmp_path / "street" / "boards" / "bin-1" / "console.log").read_text()
    assert said.count("failed RuntimeError") == 5
    assert "RuntimeError: a bad release" in said.partition("kept 0.")[2]


@pytest.mark.slow
def test_a_slice_of_a_rough_day_loses_nothing_and_its_alarms_come_first(streets: Any) -> None:
    """Eight hours: brown-outs, dead sensors, the gateway away for two; `make proof` runs the whole day."""
    status, summary = streets.run("--scenario", "rough-day", "--for", "60", "--loss", "0.1", seconds=170)
    assert status == 0, summary["findings"]
    assert summary["readings_delivered"] == summary["readings_taken"] > 900
    assert summary["alarms_while_away"] >= 3
    assert summary["alarms_after_backlog"] == summary["alarms_missing"] == 0


_LIVELY = ("climate", "particles", "co2")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["absent", "silent", "garbled", "stuck"])
def test_every_part_that_breaks_is_named_and_the_rest_goes_on(streets: Any, kind: str) -> None:
    """Stuck is what stands still for sixteen samples and should not; garbled is only known by a checksum."""
    parts = {"stuck": _LIVELY, "garbled": ("particles", "co2", "range")}.get(kind, (*_LIVELY, "range", "motion"))
    faults = [option for part in parts for option in ("--fault", f"{part}:{kind}")]
    speed, seconds = ("1500", "18") if kind == "stuck" else ("240", "7")
    street = ("--bins", "1", "--lampposts", "1", "--loss", "0", "--for", seconds, "--speed", speed)
    status, summary = streets.run(*street, *faults)
    assert status == 0, summary["findings"]
    said = " ".join(summary["findings"])
    for part in parts:
        assert f"name={part} " in said, said
    assert summary["readings_delivered"] == summary["readings_taken"] >= 4


@pytest.mark.slow
def test_a_bin_measures_by_light_when_its_settings_say_so(tmp_path: Path) -> None:
    async def live() -> None:
        watched = _Watched(tmp_path, ())
        street = watched.street
        async with street.running():
            node = street.nodes["bin-1"]
            await watched.until(lambda: node.samples > 0)
            street.break_part("bin-1", "range", Kind.ABSENT)
            await watched.until(lambda: "fill_level" not in node.counts)
            await technician.change_settings(node.board, fill_sensor=1)
            street.untrue = 0  # waiting for a dead range finder took too long at this speed
            await watched.until(lambda: "fill_level" in node.counts)
            assert street.untrue == street.faults == 0, street.findings

    asyncio.run(live())


@pytest.mark.slow
def test_in_safe_mode_even_firmware_that_cannot_measure_at_all_talks(
    tmp_path: Path, own_firmware: Callable[[], Path]
) -> None:
    broken = own_firmware()
    (broken / "node" / "taking.py").write_text("raise RuntimeError('a bad release')\n")

    async def live() -> int:
        watched = _Watched(tmp_path / "street", ())
        street = watched.street
        async with street.running():
            await watched.until(lambda: street.air.nonces.by_kid[street.nodes["bin-1"].entry.kid] >= 2)
        return street.faults

    assert asyncio.run(live()) == 5  # wakes that ended badly before it


@pytest.mark.slow
def test_no_start_believes_what_outlived_a_power_on(tmp_path: Path, own_firmware: Callable[[], Path]) -> None:
    """The RTC's clock begins again; should the first start fail before a new epoch is begun, the next one begins it."""
    broken = own_firmware()
    (broken / "node" / "visit.py").write_text("def comes(kind):\n    raise RuntimeError('no visits')\n")

    async def live() -> None:
        watched = _Watched(tmp_path / "street", ())
        street = watched.street
        async with street.running():
            node = street.nodes["bin-1"]
            await watched.until(lambda: node.samples >= 2)
            samples = node.samples
            node.board.press_reset()
            await watched.until(lambda: node.samples >= samples + 2)

    asyncio.run(live())
    said = (tmp_path / "street" / "boards" / "bin-1" / "console.log").read_text()
    assert "cause=deepsleep epoch=2" in said


@pytest.mark.slow
def test_a_nap_that_fails_does_not_keep_the_node_from_its_samples(
    tmp_path: Path, own_firmware: Callable[[], Path]
) -> None:
    """Counting movements is the least important thing a node does."""
    broken = own_firmware()
    naps = broken / "node" / "watch.py"
    naps.write_text(naps.read_text().replace("    now = clock.tick()\n", "    raise RuntimeError('no nap')\n"))

    async def live() -> int:
        street = Street(Options(bins=0, benches=1, speed=240.0, interval=300, directory=tmp_path / "street"))
        async with street.running(), asyncio.timeout(20):
            while street.nodes["bench-1"].samples < 4:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return street.faults

    assert asyncio.run(live()) >= 1


@pytest.mark.slow
def test_a_lamp_that_draws_half_of_what_it_is_told_is_an_event_and_so_is_its_mending(tmp_path: Path) -> None:
    async def live() -> list[tuple[str, bool]]:
        watched = _Watched(tmp_path, ("lamp_half", "lamp_stuck_off"), lampposts=1)
        street = watched.street
        async with street.running():
            lamp = street.nodes["lamppost-1"].wiring.lamp
            assert lamp is not None
            lamp.fail(Failing.HALF)
            await watched.until(lambda: len(watched.events) == 1)
            lamp.fail(None)
            await watched.until(lambda: len(watched.events) == 2)
            assert street.faults == 0, street.findings
        return watched.events

    assert asyncio.run(live()) == [("lamp_half", True), ("lamp_half", False)]
