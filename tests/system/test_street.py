"""The whole way, for real: boards, air, bridge, line, gateway, broker, city; and what the audit says of it."""

import shlex
from collections.abc import Callable
from typing import Any

import pytest

from stoep_twin import interpreter

_CLIMATE = ("humidity", "pressure", "temperature")
_DUST = "pm1_0", "pm2_5", "pm10"


def _good(status: int, summary: dict[str, Any], readings: int) -> None:
    assert summary["findings"] == []
    assert status == 0
    assert summary["readings_taken"] == summary["readings_delivered"] >= readings
    for what in ("lost", "duplicates", "values_wrong", "stuck_boards", "faults", "readings_untrue", "nonces_reused"):
        assert summary[what] == 0


def test_a_street_with_a_bad_radio_loses_nothing(streets: Any) -> None:
    status, summary = streets.run("--for", "12", "--speed", "240", "--loss", "0.2", "--seed", "1")
    _good(status, summary, 36)
    assert abs(summary["frames_lost_in_air"] / summary["frames_sent"] - 0.2) <= 0.1
    assert summary["reply_ms_p50"] < 15
    assert summary["reply_ms_p99"] < 60


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_gateway_that_is_killed_in_mid_run_loses_nothing(streets: Any, seed: int) -> None:
    status, summary = streets.run("--for", "20", "--loss", "0.2", "--seed", str(seed), "--kill-gateway", "2")
    _good(status, summary, 72)
    assert summary["kills"] == 2


@pytest.mark.slow
def test_a_micropython_of_the_users_own_runs_the_street(streets: Any) -> None:
    own = streets.directory / "micropython"
    command = " ".join(shlex.quote(word) for word in interpreter.command())
    own.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    own.chmod(0o755)
    status, summary = streets.run("--for", "8", "--loss", "0.1", env={interpreter.EXECUTABLE_VARIABLE: str(own)})
    _good(status, summary, 18)


@pytest.mark.slow
def test_mosquitto_is_a_city_too(streets: Any) -> None:
    status, summary = streets.run("--for", "8", "--broker", "mosquitto", "--loss", "0")
    _good(status, summary, 36)
    assert summary["frames_lost_in_air"] == 0


@pytest.mark.slow
def test_bins_benches_and_lampposts_stand_side_by_side(streets: Any) -> None:
    """Every channel of every kind is in the windows, with the values that the boards took."""
    status, summary = streets.run(
        "--for", "25", "--speed", "120", "--bins", "2", "--benches", "2", "--lampposts", "2", "--loss", "0.1"
    )
    _good(status, summary, 120)
    assert summary["channels"] == {
        "bench": sorted([*_CLIMATE, "battery_voltage", "motion_count", "solar_voltage"]),
        "bin": sorted([*_CLIMATE, "battery_voltage", "fill_distance", "fill_level", "lid_count", "tilt"]),
        "lamppost": sorted([*_CLIMATE, "co2", "motion_count", *_DUST, "lamp_energy", "lamp_energy_fixed", "lamp_lit"]),
    }


@pytest.mark.slow
def test_the_budget_of_a_battery_is_printed_with_its_inputs(streets: Any, figure: Callable[[str], None]) -> None:
    status, summary = streets.run("--scenario", "budget", "--for", "30")
    _good(status, summary, 50)
    assert summary["budgets"].keys() == {"bin", "bench"}
    for kind, found in summary["budgets"].items():
        naps, days = round(found["naps_a_day"]), round(found["days"])
        figure(f"a {kind}: {found['mah_a_day']:.1f} mAh and {naps} naps a day, {days} days")
        assert found["programmed_bytes"] <= 96
        assert found["radio_s"] < 0.2
        assert found["days"] > 365


@pytest.mark.slow
def test_ten_bins_at_twice_the_speed(streets: Any) -> None:
    status, summary = streets.run("--for", "15", "--bins", "10", "--speed", "480", "--loss", "0.1")
    _good(status, summary, 300)


def test_a_directory_that_is_not_a_twins_is_left_alone(streets: Any) -> None:
    import subprocess

    street = streets.directory / "street"
    street.mkdir()
    (street / "thesis.tex").write_text("years of work")
    done = subprocess.run(streets.command("--for", "1"), env=streets.env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--dir" in done.stderr
    assert (street / "thesis.tex").read_text() == "years of work"
