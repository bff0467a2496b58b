"""The street's fog, what light sees of dust in it, and how much of that a calibration takes away."""

import statistics
from pathlib import Path

import pytest

import foggy
from stoep_twin.chips.pms5003 import Dust, Unit
from stoep_twin.world import weather
from stoep_twin.world.haze import Haze
from stoep_twin.world.place import Place

_JANUARY = 1_767_225_600.0
_DAY = 86_400.0
_SEEDS = (1, 2, 3)


@pytest.mark.parametrize("seed", _SEEDS)
def test_fog_comes_in_still_nights_most_of_them_in_the_dark_half_of_the_year(seed: int) -> None:
    made = weather.of(seed)
    thickest = [max(made.fog.share(_JANUARY + day * _DAY + hour * 3600) for hour in range(2, 12)) for day in range(365)]
    foggy_days = [day for day, share in enumerate(thickest) if share > 0.6]
    assert 20 <= len(foggy_days) <= 70  # the KMI counts some fifty at Ukkel
    dark = sum(day < 80 or day > 260 for day in foggy_days)
    assert dark > 1.3 * (len(foggy_days) - dark)
    for day in foggy_days:
        assert made.wind.mean(_JANUARY + day * _DAY + 4 * 3600) < 3.1
        assert made.fog.share(_JANUARY + day * _DAY + 15 * 3600) == 0  # the sun has eaten it


def test_fog_wets_the_air_to_the_brim_and_is_named() -> None:
    place = Place(1, 1, _JANUARY)
    thick = [at for hour in range(365 * 24) if place.weather.fog.share(at := _JANUARY + hour * 3600) > 0.9]
    assert thick
    assert statistics.mean(place.climate(at).percent for at in thick) > 93
    assert any("fog" in place.weather.words(at) for at in thick)


def test_light_sees_the_water_on_the_dust_and_dry_air_shows_what_is_weighed() -> None:
    haze, dust = Haze(1), Dust(10, 20, 30)
    damp = [haze.seen(_JANUARY, dust, 8.0, percent).pm2_5 / dust.pm2_5 for percent in (40, 57, 70, 85, 95, 99)]
    assert damp == sorted(damp)
    assert damp[1] == pytest.approx(1.0, abs=0.03)  # 57 % outside are 50 % in the warmth within
    assert 1.2 < damp[3] < 2.0  # the sensor's own warmth takes the half of it away
    assert 1.3 < damp[5] < 2.5
    wet = haze.seen(_JANUARY, dust, 8.0, 95)
    assert wet.pm10 / dust.pm10 < wet.pm2_5 / dust.pm2_5  # coarse dust takes up less
    days = [haze.seen(_JANUARY + day * _DAY, dust, 8.0, 95).pm2_5 for day in range(30)]
    assert statistics.pstdev(days) > 0.02 * statistics.mean(days)  # no two airs alike: no formula gets all of it


def test_each_sensor_says_it_in_its_own_way_and_never_less_than_nothing() -> None:
    units = {Place(1, index, _JANUARY).dust_unit for index in range(20)}
    assert len(units) == 20
    assert Unit(1.2, 1.0).says(Dust(10, 20, 30)) == Dust(13, 25, 37)
    assert Unit(1.0, -5.0).says(Dust(1, 2, 30)) == Dust(0, 0, 25)


@pytest.mark.slow
def test_calibrated_beside_a_reference_a_third_of_the_error_in_fog_is_left_at_most(tmp_path: Path) -> None:
    trial = foggy.trial(tmp_path, seed=2, days=7, step=3, most=2)
    error = trial.fog
    print(f"{error.count} readings in fog: raw {error.raw:.2f}, {error.fitted:.2f}, {error.general:.2f} µg/m³")
    assert trial.days == 2
    assert error.raw > 5
    assert error.ratio <= 1 / 3
    assert error.general < error.raw
    assert "Written as version 1" in trial.said
    assert "<svg" in (tmp_path / "fit.svg").read_text()
