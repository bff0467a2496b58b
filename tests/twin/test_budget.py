"""Energy and wear, computed from counts by hand."""

from pathlib import Path

import pytest

from stoep.resources import hardware_dir
from stoep_twin import budget
from stoep_twin.budget import Spent
from stoep_twin.upkeep import Upkeep

_DRAWING = """
[parts.board]
bus = "none"
microamps = { asleep = 10, running = 29000, radio = 71000 }
[parts.one]
bus = "i2c"
microamps = { asleep = 10, measuring = 1000 }
[parts.two]
bus = "uart"
microamps = { off = 0, measuring = 8000 }
seconds = 2.0
[power]
battery_milliamp_hours = 1000
usable_percent = 80
self_discharge_percent_a_month = 3
[use]
start_seconds = 0.635
nap_seconds = 0.3
measure_seconds = 0.05
"""


def test_a_day_on_the_battery_comes_out_as_by_hand(tmp_path: Path) -> None:
    drawing = tmp_path / "kind.toml"
    drawing.write_text(_DRAWING)
    upkeep = Upkeep(waited_ms=1000, radio_ms=500, programs=20, programmed=400, erases=1)
    found = budget.figures(drawing, [Spent(10, 30, 12, upkeep)], 900)
    assert found["asleep_mah"] == pytest.approx(0.24)
    assert found["awake_mah"] == pytest.approx(96 * (0.635 + 2.05) * 29 / 3600, abs=1e-3)
    assert found["naps_mah"] == pytest.approx(96 * 2 * 0.3 * 29 / 3600, abs=1e-3)
    assert found["radio_mah"] == pytest.approx(96 * 0.05 * 71 / 3600, abs=1e-3)
    parts = 0.24 + 96 * (0.05 * 1.0 + 2.0 * 8.0) / 3600
    assert found["parts_mah"] == pytest.approx(parts, abs=1e-3)
    day = sum(found[name] for name in ("asleep_mah", "awake_mah", "naps_mah", "radio_mah", "parts_mah"))
    assert found["mah_a_day"] == pytest.approx(day, abs=1e-3)
    assert found["days"] == pytest.approx(800 / (day + 1), abs=0.1)
    assert (found["programs"], found["programmed_bytes"], found["frames"]) == (2, 40, 1.2)
    assert "days on 1000 mAh" in budget.in_words(found)


@pytest.mark.parametrize("kind", ["bin", "bench"])
def test_every_battery_is_drawn(kind: str) -> None:
    found = budget.figures(hardware_dir() / f"{kind}.toml", [Spent(1, 1, 1, Upkeep())], 900)
    assert found["days"] > 300
