"""What befalls a sensor before its chip, and the boards of the quality campaign against a real interpreter's."""

import pytest
from quality_board import Board, Firmware
from quality_machine import Hands
from typer.testing import CliRunner

from stoep.cli import build
from stoep.resources import firmware_dir
from stoep_twin.ailing import Ailing
from stoep_twin.faults import Kind
from stoep_twin.world.place import Place

START = 1_780_293_600
DAY = 86400.0


def ailing() -> Ailing:
    return Ailing(Place(1, 1, START), 7)


def test_nothing_ails_a_sound_part() -> None:
    felt, at = ailing(), START + 5000.0
    assert felt.climate(at) == felt.place.climate(at)
    assert (felt.dust(at), felt.co2_ppm(at)) == (felt.place.seen_dust(at), felt.place.co2_ppm(at))
    assert felt.distance_mm(at) == felt.place.distance_mm(at)


def test_a_drift_grows_day_by_day_and_ends_when_it_is_mended() -> None:
    felt = ailing()
    assert felt.befall("climate", Kind.DRIFTING, START)
    off = [
        abs(felt.climate(START + day * DAY).celsius - felt.place.climate(START + day * DAY).celsius)
        for day in (0, 1, 7)
    ]
    assert off == pytest.approx([0, 5 / 7, 5])
    felt.heal("climate")
    assert felt.climate(START + DAY) == felt.place.climate(START + DAY)


def test_spikes_are_rare_and_far_off_and_the_same_for_the_same_seed() -> None:
    felt, again = ailing(), ailing()
    for one in (felt, again):
        one.befall("co2", Kind.SPIKING, START)
    times = [START + 300.0 * slot for slot in range(2000)]
    off = [abs(felt.co2_ppm(at) - felt.place.co2_ppm(at)) for at in times]
    spikes = [ppm for ppm in off if ppm]
    assert 120 < len(spikes) < 220
    assert min(spikes) > 300 or felt.co2_ppm(times[off.index(min(spikes))]) == 0
    assert off == [abs(again.co2_ppm(at) - again.place.co2_ppm(at)) for at in times]


def test_a_bag_a_web_and_rain_are_seen_in_place_of_the_street() -> None:
    felt = ailing()
    felt.befall("range", Kind.BLOCKED, START)
    assert {40 <= felt.distance_mm(START + second) <= 140 for second in range(100)} == {True}
    felt.befall("range", Kind.WEB, START)
    seen = [felt.distance_mm(START) == felt.place.distance_mm(START) for _ in range(300)]
    assert 80 < sum(seen) < 160, "some echoes find their way through"
    felt.befall("particles", Kind.WET, START)
    wet = next(at for at in range(START, START + 30 * 86400, 900) if felt.place.weather.rain(at) > 1)
    dry = next(at for at in range(START, START + 30 * 86400, 900) if felt.place.weather.rain(at) == 0)
    assert felt.dust(wet).pm10 > 3 * felt.place.seen_dust(wet).pm10
    assert felt.dust(dry) == felt.place.seen_dust(dry)


@pytest.mark.parametrize(("part", "kind"), [("climate", Kind.WEB), ("range", Kind.WET), ("battery", Kind.DRIFTING)])
def test_what_cannot_befall_a_part_does_not_and_the_command_says_so(part: str, kind: Kind) -> None:
    assert not ailing().befall(part, kind, START)
    result = CliRunner().invoke(build(), ["twin", "--fault", f"{part}:{kind}"], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert "can be" in result.output


_MAIN = """
import sys
sys.path.append({node!r})
import machine, time
class Memory: pass
memory = Memory()
for name in ("failures", "failing", "value", "alike"):
    setattr(memory, name, [0] * 8)
memory.moves = memory.held_high = memory.raised = 0
class Told: pass
settings = Told()
settings.fill_sensor, settings.empty_mm, settings.full_mm, settings.battery_permille = 0, 1200, 200, 1000
class Lamp: pass
lamp = Lamp()
lamp.pause = time.sleep_ms
lamp.consumption = Told()
lamp.consumption.take = lambda: (0, 0, 0)
lamp.consumption.check = lambda: None
from node.kinds.{kind} import {name}
print("begin")
counts = {name}({arguments}).sample()
print("counts", " ".join("%d=%d" % pair for pair in sorted(counts.items())))
machine.deepsleep()
"""
_WITHIN = {2: 20, 4: 8, 7: 8, 8: 1, 9: 1, 10: 1, 12: 80, 14: 2}  # the chips' noise, and that a busy machine is late
_ARGUMENTS = {"bin": "settings, memory", "bench": "settings, memory", "lamppost": "memory, lamp"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bin", "bench", "lamppost"])
def test_a_board_of_the_campaign_measures_what_a_real_interpreter_does(on_bench, kind: str) -> None:  # type: ignore[no-untyped-def]
    main = _MAIN.format(node=str(firmware_dir()), kind=kind, name=kind.capitalize(), arguments=_ARGUMENTS[kind])
    bench = on_bench(main, lambda bench: bench.until_lines(2), drawing=kind)
    said = dict(map(int, pair.split("=")) for pair in bench.lines[1].split()[1:])
    hands = Hands()
    hands.now = bench.clock.utc_us(bench.times[0]) / 1e6
    board = Board(hands, kind, Place(1, 1, START), 1)
    hands.now += 2.0  # its chips have started
    with Firmware.of(hands) as firmware:
        counts = board.sample(firmware)
    assert counts.keys() == said.keys()
    for channel, value in counts.items():
        assert said[channel] == pytest.approx(value, abs=_WITHIN.get(channel, 8)), channel
