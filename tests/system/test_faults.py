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
            assert node.counts.keys() == {"fill_distance", "fill_level", "battery_voltage"}
            node.board._wiring.parts["climate"] = climate
            await until(lambda: len(events) == 2)
            assert "temperature" in node.counts
            assert street.faults == 0, street.findings
        return events

    assert asyncio.run(live()) == [("climate_failing", True), ("climate_failing", False)]
