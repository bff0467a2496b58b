"""Tonight: from the sun and the town's clock, lit when in doubt, and the same for whoever asks in that night."""

import math
from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest

from stoep.downlink import lights as lights_module
from stoep.downlink.lighting import day_of, tonight
from stoep.downlink.lights import Lights, version
from stoep.settings import Lighting, Site
from stoep.wire.light import SECONDS, Light, Plan

BRUSSELS = ZoneInfo("Europe/Brussels")
HERE = Site("grote-markt", 50.85, 4.35, "Europe/Brussels")
USUAL = Lighting()
KID = bytes.fromhex("1a3b0001")
PLACES = [
    HERE,
    Site("sydney", -33.87, 151.21, "Australia/Sydney"),
    Site("auckland", -36.85, 174.76, "Pacific/Auckland"),
    Site("honolulu", 21.31, -157.86, "Pacific/Honolulu"),
    Site("kiritimati", 1.87, -157.4, "Pacific/Kiritimati"),
    Site("quito", -0.18, -78.47, "America/Guayaquil"),
    Site("umea", 63.83, 20.26, "Europe/Stockholm"),
]


def at(text: str, zone: ZoneInfo = BRUSSELS) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def night(text: str, site: Site = HERE, lighting: Lighting = USUAL) -> Plan:
    plan = tonight(at(text), site, lighting)
    assert plan is not None
    return plan


def wall(instant: int, zone: ZoneInfo = BRUSSELS) -> str:
    return datetime.fromtimestamp(instant, zone).strftime("%m-%d %H:%M")


def elevation(instant: float, site: Site) -> float:
    """The sun's, in degrees, by the Astronomical Almanac's low-precision formulas (0.01°); refraction is left out."""
    assert site.latitude is not None
    assert site.longitude is not None
    days = (instant - 946_728_000) / 86_400  # since J2000.0
    mean, anomaly = math.radians(280.460 + 0.9856474 * days), math.radians(357.528 + 0.9856003 * days)
    longitude = mean + math.radians(1.915) * math.sin(anomaly) + math.radians(0.020) * math.sin(2 * anomaly)
    tilt = math.radians(23.439 - 0.0000004 * days)
    ascension = math.atan2(math.cos(tilt) * math.sin(longitude), math.cos(longitude))
    declination = math.asin(math.sin(tilt) * math.sin(longitude))
    sidereal = math.radians(280.46062 + 360.98564737 * days + site.longitude)
    north = math.radians(site.latitude)
    up = math.sin(north) * math.sin(declination)
    return math.degrees(math.asin(up + math.cos(north) * math.cos(declination) * math.cos(sidereal - ascension)))


@pytest.mark.parametrize("degrees", [0.0, 3.0, 6.0])
def test_at_dusk_and_dawn_the_sun_is_where_the_settings_say(degrees: float) -> None:
    for site in PLACES:
        for month in (1, 2, 3, 4, 8, 9, 10, 11, 12):
            plan = tonight(at(f"2026-{month:02d}-10T15:00"), site, Lighting(dusk=degrees))
            assert plan is not None
            refraction = 0.6 if degrees == 0 else 0.12
            for instant, minutes in ((plan.dusk, 1), (plan.dawn, -1)):
                assert elevation(instant, site) == pytest.approx(-degrees, abs=refraction)
                assert elevation(instant + minutes * 60, site) < elevation(instant, site)  # it sets; it has risen


def test_by_day_it_is_the_coming_night_and_then_that_one_until_dawn() -> None:
    coming = night("2026-03-10T13:00")
    assert (wall(coming.dusk)[:5], wall(coming.dawn)[:5]) == ("03-10", "03-11")
    for when in ("2026-03-10T08:00", "2026-03-10T23:00", "2026-03-11T00:30", "2026-03-11T05:30"):
        assert night(when) == coming
    assert tonight(coming.dawn - 1, HERE, USUAL) == coming
    after = tonight(coming.dawn, HERE, USUAL)
    assert after is not None
    assert wall(after.dusk)[:5] == "03-11"


def test_levels_are_permille_and_the_late_hours_are_the_towns() -> None:
    plan = night("2026-11-02T12:00", lighting=Lighting(base=80, dim=25, dim_from="23:30", dim_to="05:00"))
    assert (plan.base, plan.dim) == (917, 571)  # 116 Y^(1/3) - 16
    assert (wall(plan.dim_from), wall(plan.dim_to)) == ("11-02 23:30", "11-03 05:00")
    assert (wall(plan.half_from), wall(plan.half_to)) == ("11-02 22:00", "11-03 06:00")
    early = night("2026-11-02T12:00", lighting=Lighting(dim_from="00:30", dim_to="04:00"))
    assert (wall(early.dim_from), wall(early.dim_to)) == ("11-03 00:30", "11-03 04:00")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-28", 7), ("2026-10-24", 9), ("2026-10-23", 8)])
def test_in_the_nights_in_which_the_clock_changes_the_towns_hours_stay_the_towns(day: str, hours: int) -> None:
    plan = night(f"{day}T12:00")
    assert (wall(plan.dim_from)[-5:], wall(plan.dim_to)[-5:]) == ("22:00", "06:00")
    assert plan.dim_to - plan.dim_from == plan.half_to - plan.half_from == hours * 3600


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
def test_where_the_clock_says_an_hour_twice_or_never_there_is_more_light(day: str) -> None:
    begins = night(f"{day}T12:00", lighting=Lighting(dim_from="02:30", dim_to="06:00"))
    ends = night(f"{day}T12:00", lighting=Lighting(dim_from="22:00", dim_to="02:30"))
    assert begins.dim_from - ends.dim_to == 3600
    never = night(f"{day}T12:00", lighting=Lighting(dim_from="02:15", dim_to="02:45"))
    assert never.dim_to == never.dim_from


def test_a_night_without_dusk_has_no_plan() -> None:
    north = Site("north", 65.0, 21.5, "Europe/Stockholm")
    for hour in range(24):
        assert tonight(at(f"2026-06-21T{hour:02d}:00"), north, USUAL) is None
    assert tonight(at("2026-12-21T12:00"), north, USUAL) is not None


def test_a_night_of_weeks_has_no_plan_and_lamps_without_one_are_lit() -> None:
    polar = Site("polar", 78.22, 15.65, "Arctic/Longyearbyen")
    assert tonight(at("2026-12-21T12:00"), polar, USUAL) is None


def test_without_a_place_there_is_no_night() -> None:
    assert tonight(at("2026-12-21T12:00"), Site("nowhere"), USUAL) is None


def test_all_over_the_world_and_the_year_each_instant_has_its_own_night_or_none() -> None:
    rng = Random(7)
    for site in PLACES:
        for _ in range(40):
            now = rng.uniform(1_767_225_600, 1_798_761_600)  # of 2026
            plan = tonight(now, site, USUAL)
            if plan is None:
                assert site.name == "umea"
                continue
            assert now < plan.dawn
            assert plan.dusk - now < 86_400
            assert plan.dusk <= now or elevation(now, site) > -3.12  # no dark that is not within it
            assert plan.dusk < plan.dawn <= plan.dusk + 79_200
            assert plan == tonight(max(now, plan.dusk), site, USUAL) == tonight(plan.dawn - 1, site, USUAL)
            assert all(abs(number) <= SECONDS for number in plan.since(round(now)))
            assert site.timezone is not None
            assert day_of(plan.dim_from, ZoneInfo(site.timezone)) == day_of(plan.dusk, ZoneInfo(site.timezone))


def wanted(lights: Lights, when: float, kid: bytes = KID) -> Light:
    light = lights.light(kid, when)
    assert light is not None
    return light


@pytest.fixture
def lights() -> Lights:
    made = Lights(HERE, USUAL)
    made.set_lamps([KID], [])
    return made


def test_its_times_count_from_when_it_is_asked_and_its_version_does_not(lights: Lights) -> None:
    now = at("2026-03-10T21:00")
    one, other = wanted(lights, now), wanted(lights, now + 600)
    assert one.version == other.version == version(night("2026-03-10T21:00"), None)
    assert one.plan.dusk == night("2026-03-10T21:00").dusk - now < 0
    assert one.plan.dawn - other.plan.dawn == 600
    assert (one.plan.base, one.plan.dim) == (1000, 617)


def test_another_night_or_other_levels_have_another_version(lights: Lights) -> None:
    now = at("2026-03-10T12:00")
    other = Lights(HERE, Lighting(dim=31))
    other.set_lamps([KID], [])
    assert len({wanted(lights, now).version, wanted(lights, now + 86_400).version, wanted(other, now).version}) == 3


def test_a_version_is_never_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lights_module, "crc32", lambda _: 0)
    assert version(night("2026-03-10T12:00"), None) == 1


def test_only_lampposts_are_told(lights: Lights) -> None:
    assert lights.light(b"\xc0\xff\xee\x01", at("2026-03-10T12:00")) is None
    nowhere = Lights(Site("nowhere"), USUAL)
    nowhere.set_lamps([KID], [])
    assert nowhere.light(KID, at("2026-03-10T12:00")) is None


def test_asking_costs_little(lights: Lights, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def counted(now: float, site: Site, lighting: Lighting) -> Plan | None:
        asked.append(now)
        return tonight(now, site, lighting)

    monkeypatch.setattr(lights_module, "tonight", counted)
    start = datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()
    for second in range(120):
        wanted(lights, start + second)
    assert len(asked) == 2
