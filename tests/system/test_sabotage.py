"""An audit that finds nothing proves nothing: each of these streets has a fault put in by hand, and must fail."""

import shutil
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[2]


def _sabotaged(directory: Path, file: str, right: str, wrong: str) -> dict[str, str]:
    """An environment in which everything comes from a copy of the project with one line changed."""
    copy = directory / "project"
    for room in ("gateway", "firmware", "hardware"):
        shutil.copytree(_ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert text.count(right) == 1, f"{file} has changed: sabotage it elsewhere"
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    return {"PYTHONPATH": f"{copy / 'gateway'}:{copy / 'firmware'}"}


@pytest.mark.slow
def test_a_reading_scaled_wrongly_on_the_node_is_found(streets: Any) -> None:
    env = _sabotaged(
        streets.directory,
        "firmware/node/sensors/bme280.py",
        "temperature = (fine * 5 + 128) >> 8",
        "temperature = (fine * 5 + 128) >> 7",
    )
    status, summary = streets.run("--for", "5", "--loss", "0", env=env)
    assert status == 1
    assert summary["readings_untrue"] >= 3
    assert summary["values_wrong"] == 0
    assert any("temperature" in finding for finding in summary["findings"])


@pytest.mark.slow
def test_a_reading_scaled_wrongly_in_the_gateway_is_found(streets: Any) -> None:
    env = _sabotaged(
        streets.directory,
        "gateway/stoep/wire/channels.py",
        "else counts / 10**self.decimals",
        "else counts / 10**(self.decimals + 1)",
    )
    status, summary = streets.run("--for", "5", "--loss", "0", env=env)
    assert status == 1
    assert summary["values_wrong"] >= 3
    assert summary["lost"] == summary["duplicates"] == 0


@pytest.mark.slow
def test_windows_by_time_of_arrival_are_found(streets: Any) -> None:
    env = _sabotaged(
        streets.directory,
        "gateway/stoep/refine/refiner.py",
        "self._add(track.identity, pending.sample, moment)",
        "self._add(track.identity, pending.sample, Moment(self._clock.utc(), moment.quality))",
    )
    status, summary = streets.run("--for", "8", "--loss", "0.2", env=env)
    assert status == 1
    assert summary["lost"]
    assert summary["duplicates"]
    assert summary["values_wrong"]
    assert not any("ended by itself" in finding for finding in summary["findings"]), "to be found by the audit"
