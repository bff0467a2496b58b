"""What breaks in the street is said to the city, and said again when it is well."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stoep_twin.street import Options, Street


@pytest.mark.slow
def test_a_sensor_that_is_gone_costs_its_readings_and_no_other_and_is_an_alarm(tmp_path: Path) -> None:
    async def live() -> list[tuple[str, bool]]:
        street = Street(Options(bins=1, speed=480.0, interval=120, loss=0.0, directory=tmp_path))
        events: list[tuple[str, bool]] = []
        heard = street._heard

        def listen(topic: str, message: Any) -> None:
            if topic == "bin-1/event" and message["alarm"].endswith("_failing"):
                events.append((message["alarm"], message["raised"]))
            heard(topic, message)

        street._heard = listen  # type: ignore[method-assign]

        async def until(true: Callable[[], bool]) -> None:
            async with asyncio.timeout(20):
                while not true():
                    street.check()
                    await asyncio.sleep(0.05)

        async with street.running():
            node = street.nodes["bin-1"]
            climate = node.board._wiring.parts.pop("climate")
            await until(lambda: len(events) == 1)
            assert node.counts.keys() == {"fill_distance", "fill_level", "tilt", "lid_count", "battery_voltage"}
            node.board._wiring.parts["climate"] = climate
            await until(lambda: len(events) == 2)
            assert "temperature" in node.counts
            assert street.faults == 0, street.findings
        return events

    assert asyncio.run(live()) == [("climate_failing", True), ("climate_failing", False)]


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
    speed, seconds = ("1500", "12") if kind == "stuck" else ("240", "7")
    street = ("--bins", "1", "--lampposts", "1", "--loss", "0", "--for", seconds, "--speed", speed)
    status, summary = streets.run(*street, *faults)
    assert status == 0, summary["findings"]
    said = " ".join(summary["findings"])
    for part in parts:
        assert f"name={part} " in said, said
    assert summary["readings_delivered"] == summary["readings_taken"] >= 4
