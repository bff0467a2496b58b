"""A slice of `make attackers`: nothing is lost, the others are served, and the counters tell what happened."""

from pathlib import Path

import load_attackers
import pytest

SECONDS = 3.0
MOSTLY = 0.7  # of the reports are answered in time, on a machine that has other things to do


@pytest.mark.slow
def test_a_stolen_bridge_that_floods_keeps_nobody_from_being_answered(tmp_path: Path) -> None:
    figures = load_attackers.bridge(tmp_path, SECONDS)
    assert load_attackers.good(figures), figures
    assert min(figures["radio_in_time"], figures["wifi_in_time"]) > MOSTLY, figures
    assert figures["counters"].keys() >= {"forged", "malformed", "unknown"}, figures


@pytest.mark.slow
def test_a_node_that_floods_the_local_broker_keeps_nobody_from_being_answered(tmp_path: Path) -> None:
    figures = load_attackers.broker(tmp_path, SECONDS)
    assert load_attackers.good(figures), figures
    assert min(figures["radio_in_time"], figures["wifi_in_time"]) > MOSTLY, figures
    assert figures["counters"].keys() >= {"broker_garbage", "broker_flood"}, figures
