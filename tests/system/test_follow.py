"""Light that follows people, from their steps before a PIR to the lamp ahead of them: the real firmware, judged."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.slow
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
