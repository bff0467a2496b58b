"""Light that follows people, from their steps before a PIR to the lamp ahead of them: the real firmware, judged."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stoep_twin import following, lighting
from stoep_twin.states import Cause
from stoep_twin.street import Options, Street


@pytest.mark.slow
@pytest.mark.timeout(620)  # people walk, and the lamps reckon in real time
def test_light_follows_five_people(streets: Any, figure: Callable[[str], None]) -> None:
    status, summary = streets.run("--scenario", "follow-me", "--passages", "5", seconds=600)
    figure(
        f"five passages: the next lamp after {summary['median_neighbour_delay_ms']} ms, light "
        f"{summary['min_lead_seconds']} s ahead, in the dark {summary['walker_dark_seconds']} s, energy "
        f"{summary['energy_ratio_to_schedule']} of a fixed schedule's in a quiet street"
    )
    assert summary["lamps_missed"] == []
    assert summary["findings"] == []
    assert summary["passages"] == 5
    assert status == 0


@pytest.mark.slow
def test_after_a_watchdog_reset_a_crash_and_in_safe_mode_the_lamp_is_lit(
    tmp_path: Path, own_firmware: Callable[[], Path]
) -> None:
    driver = own_firmware() / "node" / "sensors" / "bme280.py"
    options = Options(
        bins=0, lampposts=2, speed=120.0, interval=120, loss=0.0, start=following.EVENING, directory=tmp_path / "street"
    )

    async def live() -> None:
        street = Street(options)
        async with street.running():
            node = street.nodes["lamppost-1"]
            lamp = node.wiring.lamp
            assert lamp is not None
            log = options.directory / "boards" / "lamppost-1" / "console.log"

            async def until(true: Callable[[], bool]) -> None:
                async with asyncio.timeout(60):
                    while not true():
                        street.check()
                        await asyncio.sleep(0.02)

            await until(lambda: lamp.history.last <= lighting.LEVELS.dim + 0.01)
            node.board.crash(Cause.WATCHDOG)
            await until(lambda: lamp.history.last >= lighting.LEVELS.bright)
            await until(lambda: lamp.history.last <= lighting.LEVELS.dim + 0.01)  # it has asked for its plan again
            sound = driver.read_text()
            driver.write_text(sound + "\n\nraise RuntimeError('a bad release')\n")
            await until(lambda: "failed RuntimeError" in log.read_text())
            await until(lambda: lamp.history.last >= lighting.LEVELS.bright)
            crashed = street.clock.utc_us() / 1e6
            await until(lambda: log.read_text().count("safe mode") >= 3)
            assert lamp.history.mean(crashed, street.clock.utc_us() / 1e6) == pytest.approx(lighting.LEVELS.bright)

    asyncio.run(live())
