"""The street's weather, and what it makes of what the boards measure."""

import itertools
import statistics

import pytest

from stoep_twin.world import sun, weather
from stoep_twin.world.hours import hour_of
from stoep_twin.world.lid import LID_DEGREES, Lid
from stoep_twin.world.place import Place
from stoep_twin.world.wind import Gust

_JUNE = 1_780_272_000.0  # 2026-06-01T00:00Z, a midnight
_JANUARY = 1_767_225_600.0
_DAY = 86400.0
_YEAR = [_JANUARY + hour * 3600 for hour in range(365 * 24)]
_SPARSE = _YEAR[::7]  # every hour of the day comes in
_SEEDS = (1, 2, 3)


def test_the_sun_rises_and_sets_when_an_almanac_of_ghent_says() -> None:
    # 21 June: 3:34 to 20:04 UTC; 21 December: 7:46 to 15:40; refraction and the sun's own clock are not in it.
    for day, rises, sets in ((_JUNE + 20 * _DAY, 3.57, 20.07), (_JANUARY + 354 * _DAY, 7.77, 15.67)):
        up = [minute / 60 for minute in range(1440) if sun.height(day + minute * 60) > 0]
        assert up[0] == pytest.approx(rises, abs=0.3)
        assert up[-1] == pytest.approx(sets, abs=0.3)


def test_it_is_a_function_of_seed_and_time_in_any_order() -> None:
    times = [_JUNE + hour * 1234.5 for hour in range(60)]

    def said(made: weather.Weather, at: float) -> tuple[float, ...]:
        return made.celsius(at), made.percent(at), made.rain(at), made.cloud(at), made.wind.at(at), made.pascal(at)

    onwards, backwards = weather.Weather(4), weather.Weather(4)
    assert [said(onwards, at) for at in times] == [said(backwards, at) for at in reversed(times)][::-1]
    assert said(onwards, times[0]) != said(weather.Weather(5), times[0])
    assert Place(4, 1, _JUNE).weather is Place(4, 2, 0.0).weather


@pytest.mark.parametrize("seed", _SEEDS)
def test_the_year_is_one_of_flanders(seed: int) -> None:
    made = weather.of(seed)
    july = [made.celsius(at) for at in _YEAR[181 * 24 : 212 * 24]]
    january = [made.celsius(at) for at in _YEAR[: 31 * 24]]
    assert statistics.mean(july) == pytest.approx(18.7, abs=1.5)
    assert statistics.mean(january) == pytest.approx(3.7, abs=1.5)
    assert 500 < sum(made.rain(at) for at in _YEAR) < 1100  # mm
    assert statistics.mean(made.wind.mean(at) for at in _SPARSE) == pytest.approx(3.6, abs=0.5)


@pytest.mark.parametrize("seed", _SEEDS)
def test_the_temperature_follows_the_sun(seed: int) -> None:
    made = weather.of(seed)
    nights, noons, days, swings = [], [], [], []
    for day in range(30):
        hours = [made.celsius(_JUNE + day * _DAY + hour * 3600) for hour in range(24)]
        nights.append(hours[3])
        noons.append(hours[14])
        days.append(statistics.mean(made.sunshine(_JUNE + day * _DAY + hour * 3600) for hour in range(24)))
        swings.append(max(hours) - min(hours))
    assert all(noon > night for noon, night in zip(noons, nights, strict=True))
    dullest, brightest = days.index(min(days)), days.index(max(days))
    assert swings[brightest] > swings[dullest] + 2


def test_a_shell_in_the_sun_is_warmer_and_drier_than_the_air() -> None:
    place = Place(1, 1, _JUNE)
    gained = [
        (place.weather.baked(at), place.climate(at).celsius - place.weather.celsius(at))
        for at in (_JUNE + hour * 3600 for hour in range(240))
    ]
    assert all(0 <= heat < 7 for _, heat in gained)
    assert all(heat == 0 for shone, heat in gained if shone == 0)
    assert max(heat for _, heat in gained) > 0.5


def test_the_panel_gives_nothing_by_night_and_most_of_its_volts_by_day() -> None:
    place = Place(1, 1, _JUNE)
    for at in _YEAR[::5]:
        assert (place.solar_volts(at) > 0) == (sun.height(at) > 0)
    assert max(place.solar_volts(at) for at in _YEAR) > 5


def test_rain_wets_the_air_and_wind_and_rain_clean_it() -> None:
    made, place = weather.of(1), Place(1, 1, _JUNE)
    wet = [made.percent(at) for at in _SPARSE if made.rain(at) > 1]
    dry = [made.percent(at) for at in _SPARSE if made.rain(at) == 0]
    assert statistics.mean(wet) > statistics.mean(dry) + 8
    assert all(made.cloud(at) > 0.9 for at in _SPARSE if made.rain(at) > 1)
    by_wind = sorted(_SPARSE, key=made.wind.mean)
    calm, windy = by_wind[:200], by_wind[-200:]
    assert statistics.mean(place.dust(at).pm2_5 for at in windy) < 0.9 * statistics.mean(
        place.dust(at).pm2_5 for at in calm
    )
    rained, dried = [], []
    for at in _SPARSE:
        (rained if made.rain(at) > 1 else dried).append(place.dust(at).pm2_5)
    assert statistics.mean(rained) < 0.8 * statistics.mean(dried)


@pytest.mark.parametrize("seed", _SEEDS)
def test_gusts_swell_from_the_mean_to_their_peak_and_nothing_blows_harder(seed: int) -> None:
    wind = weather.of(seed).wind
    hour = hour_of(_JUNE)
    gusts = wind.gusts(hour)
    assert len(gusts) == 20
    assert all(earlier.ends <= later.begins for earlier, later in itertools.pairwise(gusts))
    for gust in gusts:
        assert wind.at(gust.middle) == pytest.approx(gust.peak)
        assert wind.at(gust.begins) == pytest.approx(wind.mean(gust.begins))
        assert wind.strongest(gust.begins, gust.ends) >= gust.peak > wind.mean(gust.middle)
        assert wind.strongest(gust.middle, gust.middle) >= gust.peak
    blew = [wind.at(_JUNE + second) for second in range(0, 3600, 3)]
    assert wind.strongest(_JUNE, _JUNE + 3600) >= max(blew)


def test_the_wind_alone_never_tilts_a_bin_nor_looks_like_a_movement() -> None:
    for seed in _SEEDS:
        place = Place(seed, 1, _JUNE)
        stormiest = max(
            (gust for at in _SPARSE for gust in place.weather.wind.gusts(hour_of(at))), key=lambda one: one.peak
        )
        assert stormiest.peak > 13
        most = place.sway_degrees(stormiest.begins, stormiest.ends)
        assert most < 5
        for step in range(100):
            at = stormiest.begins + stormiest.lasts * step / 100
            degrees, _ = place._lid.felt(at)
            assert abs(degrees) <= most or degrees > LID_DEGREES - most  # the second: somebody has opened it
    # 5 degrees are 0.09 g: far below the 0.256 g of the firmware's threshold, and the 45 degrees of its alarm.


def test_a_strong_gust_knocks_a_lid_now_and_then_and_the_world_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    wind = weather.Weather(1).wind
    lid = Lid(1, 1, wind)
    assert not any(lid.slams(hour_of(at)) for at in _SPARSE if all(gust.peak < 13 for gust in wind.gusts(hour_of(at))))
    storm = tuple(Gust(_JUNE + 180 * slot, 8.0, 20.0) for slot in range(20))
    monkeypatch.setattr(wind, "gusts", lambda _: storm)
    stormy = Lid(1, 1, wind)
    slams = stormy.slams(hour_of(_JUNE))
    assert 1 <= len(slams) <= 12
    assert set(slams) <= set(stormy.movements(hour_of(_JUNE)))
    for slammed in slams:
        assert stormy.felt(slammed + 0.01)[1] > 0.5
        assert stormy.felt(slammed + 0.06)[1] == 0
