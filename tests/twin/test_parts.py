"""The range finder's stream, and readings held against the world."""

import statistics
from itertools import pairwise, takewhile

from stoep.resources import hardware_dir
from stoep_twin.chips.a02yyuw import A02YYUW
from stoep_twin.chips.lamp import Lamp
from stoep_twin.truth import untrue
from stoep_twin.wiring import Wiring, known_parts
from stoep_twin.world.place import Place
from stoep_twin.world.plan import Spot

_START = 1_780_293_600.0


def _frames(data: bytes) -> list[int]:
    assert len(data) % 4 == 0
    out = []
    for at in range(0, len(data), 4):
        start, high, low, total = data[at : at + 4]
        assert start == 0xFF
        assert (start + high + low) & 0xFF == total
        out.append(high << 8 | low)
    return out


def test_the_range_finder_talks_every_100_ms_while_it_has_power() -> None:
    now = [0.0]
    finder = A02YYUW(lambda: 640.0, lambda: now[0], seed=3)
    assert finder.sent(1000) == b""
    finder.power(True)
    now[0] = 2.05
    frames = _frames(finder.sent(1000))
    assert len(frames) == 20
    assert abs(statistics.median(frames) - 640) <= 5
    finder.power(False)
    now[0] = 3.0
    assert finder.sent(1000) == b""


def test_now_and_then_an_echo_is_somebody_elses_but_never_twice_running() -> None:
    now = [0.0]
    finder = A02YYUW(lambda: 640.0, lambda: now[0], seed=3)
    finder.power(True)
    now[0] = 100.0
    wild = [abs(distance - 640) > 20 for distance in _frames(finder.sent(100_000))]
    assert 3 < sum(wild) < 80
    assert all(sum(wild[at : at + 10]) <= 1 for at in range(len(wild)))


def test_nearer_than_the_blind_zone_it_sees_nothing() -> None:
    now = [0.0]
    finder = A02YYUW(lambda: 10.0, lambda: now[0], seed=3)
    finder.power(True)
    now[0] = 0.5
    assert 0 in _frames(finder.sent(1000))


def test_the_world_is_a_function_of_seed_and_time() -> None:
    one, same, other = Place(5, 1, _START), Place(5, 1, _START), Place(6, 1, _START)
    times = [_START + hour * 3600 for hour in (30, 3, 12, 0)]
    assert [one.fill(at) for at in times] == [same.fill(at) for at in reversed(times)][::-1]
    assert [one.climate(at) for at in times] == [same.climate(at) for at in times]
    assert one.climate(times[0]) != other.climate(times[0])
    assert one.battery_volts(times[0]) < one.battery_volts(times[3])


def test_a_bin_fills_and_is_emptied() -> None:
    place = Place(5, 1, _START)
    levels = [place.fill(_START + minute * 60) for minute in range(24 * 60)]
    falls = sum(later < earlier for earlier, later in pairwise(levels))
    assert 3 <= falls <= 13
    assert max(levels) > 0.9
    assert min(levels) < 0.1


def test_a_reading_scaled_wrongly_is_untrue() -> None:
    place = Place(5, 1, _START)
    climate = place.climate(_START)
    counts = {
        "temperature": round(climate.celsius * 100),
        "pressure": round(climate.pascal),
        "humidity": round(climate.percent * 100),
        "fill_distance": round(place.distance_mm(_START)),
        "fill_level": round((1200 - place.distance_mm(_START)) / 10),
        "battery_voltage": round(place.battery_volts(_START) * 1000),
    }
    assert untrue(place, counts, _START, 24.0) == []
    for name, factor in (("temperature", 0.1), ("pressure", 0.01), ("humidity", 10), ("fill_distance", 1.1)):
        assert len(untrue(place, {**counts, name: round(counts[name] * factor)}, _START, 24.0)) == 1


def test_a_part_is_known_by_its_name_in_the_drawing_and_by_its_makers() -> None:
    place = Place(1, 1, _START)
    wiring = Wiring(hardware_dir() / "bench.toml", place, lambda: _START, 1.0, 1)
    assert wiring.named("climate") == wiring.named("bme280") == ["climate"]
    assert wiring.named("pms5003") == []
    assert wiring.named("battery") == ["battery"]
    assert {"particles", "pms5003", "lis3dh", "passers"} <= known_parts(hardware_dir())


def test_a_count_of_more_than_moved_is_untrue() -> None:
    place = Place(5, 1, _START - 86400, Spot(50.0))
    said = _START + 1800.0
    for name, movements in (("motion_count", place.glimpses), ("lid_count", place.lid_movements)):
        most, deaf_until = 0, 0.0
        for at in takewhile(lambda at: at <= said, movements(said - 930)):
            if at >= deaf_until:
                most, deaf_until = most + 1, at + 30.0
        assert most > 0
        assert untrue(place, {name: most}, said, 24.0, said - 900) == []
        assert len(untrue(place, {name: most + 3}, said, 24.0, said - 900)) == 1


def test_energy_that_the_lamp_has_not_used_is_untrue() -> None:
    lamp = Lamp(lambda: _START, 36_000)
    lamp.modulate("DIM", 0.75, _START + 450.0)
    place = Place(5, 1, _START)
    used = 36_000 * (450 + 450 / 4) / 3600

    def wrong(name: str, mwh: float) -> int:
        return len(untrue(place, {name: round(mwh)}, _START + 900, 0.2, _START, lamp))

    assert wrong("lamp_energy", used) == wrong("lamp_energy", used * 1.04) == 0
    assert wrong("lamp_energy", used * 1.1) == wrong("lamp_energy", used * 0.9) == wrong("lamp_energy", 0) == 1
    assert wrong("lamp_energy_fixed", 4500) == wrong("lamp_energy_fixed", 9000) == 0
    assert wrong("lamp_energy_fixed", 10_000) == 1


def test_hours_in_which_the_lamp_was_dark_are_not_lit() -> None:
    lamp = Lamp(lambda: _START, 36_000)
    lamp.modulate("DIM", 0.75, _START + 200.0)
    lamp.modulate("DIM", 1.0, _START + 450.0)
    place = Place(5, 1, _START)
    for seconds, wrong in ((450, 0), (470, 0), (510, 1), (390, 1), (0, 1), (900, 1)):
        assert len(untrue(place, {"lamp_lit": seconds}, _START + 900, 0.2, _START, lamp)) == wrong


def test_a_tilt_beyond_what_the_wind_sways_is_untrue() -> None:
    place = Place(5, 1, _START)
    opened = next(place.lid_openings(_START + 60))
    lean = round(place.lean_degrees)
    shut = opened - 1.0
    assert untrue(place, {"tilt": lean}, shut, 0.5) == []
    assert len(untrue(place, {"tilt": lean + 6}, shut, 0.5)) == 1
    assert untrue(place, {"tilt": lean + 60}, opened + 4, 0.5) == []
    assert len(untrue(place, {"tilt": lean + 70}, opened + 4, 0.5)) == 1
