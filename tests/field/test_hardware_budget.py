"""The power budget comes out as by hand, and as the virtual street's, for both ask one reckoning and one file."""

from pathlib import Path

import pytest

from stoep import energy
from stoep.resources import hardware_dir
from stoep_field.hardware import budget, build, supply
from stoep_twin import budget as street
from stoep_twin.upkeep import Upkeep

_INTERVAL = 900


def reckoned(kind: str) -> budget.Budget:
    return budget.reckon(build.checked(hardware_dir() / f"{kind}.toml"))


@pytest.mark.parametrize("kind", ["bench", "bin"])
def test_the_street_and_the_drawing_reckon_alike(kind: str) -> None:
    drawing = build.checked(hardware_dir() / f"{kind}.toml")
    use = energy.Use.drawn(drawing.plan)
    upkeep = Upkeep(waited_ms=round(use.waited_s * 1e6), radio_ms=round(use.radio_s * 1e6))
    spent = street.Spent(1000, 1000 + round(use.naps_a_sample * 1000), 1250, upkeep)
    found = street.figures(hardware_dir() / f"{kind}.toml", [spent], _INTERVAL)
    drawn = reckoned(kind)
    assert found["mah_a_day"] == pytest.approx(drawn.total_mah, rel=1e-3)
    assert found["days"] == pytest.approx(drawn.days, rel=1e-3)


def test_a_bin_comes_out_as_by_hand() -> None:
    drawn = reckoned("bin").mah
    assert drawn["board, asleep"] == pytest.approx(0.010 * 24)
    assert drawn["board, awake"] == pytest.approx(96 * (0.635 + 1.55) / 3600 * 29)
    assert drawn["board, radio"] == pytest.approx(96 * 0.022 / 3600 * 71)
    assert drawn["range"] == pytest.approx(96 * 1.5 / 3600 * 8)
    assert drawn["battery"] == pytest.approx(0.021 * 24)
    assert "light" not in drawn  # in the range finder's place


def test_a_bench_lives_on_the_sun_of_december() -> None:
    drawn = reckoned("bench")
    assert drawn.december_mah == pytest.approx(0.340 * 545 * 0.4)
    assert drawn.june_mah == pytest.approx(0.340 * 5270 * 0.4)
    assert drawn.december_mah > drawn.total_mah
    assert reckoned("bin").december_mah is None


def test_the_mains_pays_for_what_the_supplies_lose() -> None:
    drawn = reckoned("lamppost")
    assert drawn.days is None
    lamp = 24 * 1.5 * 11.6 / 24 / 0.87
    board = 5 * (0.100 + 0.0001 + 0.00012 + 0.111471 / 24 + 0.00242 / 24 + 0.000363 / 24) / 0.77
    assert drawn.source_watts == pytest.approx(lamp + board + 0.326e-3 * 230, abs=0.02)


def test_loads_add_up_through_regulators() -> None:
    drawing = build.checked(hardware_dir() / "bin.toml")
    assert supply.load(drawing, "3V3_RANGE") == pytest.approx(8)
    assert supply.load(drawing, "3V3") == pytest.approx(379 + 8 + 0.714 + 40 + 0.003 + 0.0005)
    assert supply.load(drawing, "VBAT") == pytest.approx(supply.load(drawing, "3V3") + 0.004)


def test_a_cell_lasts_as_long_as_its_charge_beside_what_it_loses_by_itself(tmp_path: Path) -> None:
    text = (hardware_dir() / "bin.toml").read_text(encoding="utf-8")
    (tmp_path / "bin.toml").write_text(text.replace("milliamp_hours = 4900", "milliamp_hours = 3000"), encoding="utf-8")
    found = budget.reckon(build.checked(tmp_path / "bin.toml"))
    assert found.days == pytest.approx(3000 * 0.8 / (found.total_mah + 3000 * 0.02 / 30))
